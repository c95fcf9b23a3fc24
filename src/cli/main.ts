/** The command `shoal`. */
import { Command, CommanderError } from 'commander';
import type { Ending } from './command.ts';
import { accountCommands } from './commands/accounts.ts';
import { catalogCommands } from './commands/catalog.ts';
import { configCommands } from './commands/config.ts';
import { inspectCommand } from './commands/inspect.ts';
import { networkCommands } from './commands/network.ts';
import { nodeCommands } from './commands/nodes.ts';
import { roleCommands } from './commands/roles.ts';
import { simulateCommand } from './commands/simulate.ts';
import { transferCommands } from './commands/transfers.ts';
import { upCommand } from './commands/up.ts';
import { CommandError, EXIT, type ExitCode } from './exit.ts';
import { Output } from './output.ts';
import { version } from '../system/version.ts';

const build = (ending: Ending): Command => {
  const program = new Command('shoal')
    .description('A private BitTorrent network in one program.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureHelp({ sortSubcommands: false });
  program.addHelpText(
    'after',
    '\nBegin with:\n  $ shoal up            a whole network on this machine, and a tour of it\n  $ shoal init my-lab   a network of your own\n  $ shoal help get      what a command does, with examples',
  );
  for (const add of [
    networkCommands,
    roleCommands,
    accountCommands,
    catalogCommands,
    transferCommands,
    nodeCommands,
    inspectCommand,
    configCommands,
    upCommand,
    simulateCommand,
  ]) {
    add(program, ending);
  }
  return program;
};

/** Runs the command line. A user's mistake ends with a sentence, only a fault of the program with a stack trace. */
const main = async (argv: readonly string[]): Promise<ExitCode> => {
  const ending: Ending = { status: EXIT.ok };
  try {
    await build(ending).parseAsync([...argv], { from: 'user' });
    return ending.status;
  } catch (error) {
    // commander has printed help, the version, or what is wrong with the usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const output = new Output({ out: process.stdout, err: process.stderr, json: argv.includes('--json'), env: process.env });
    if (error instanceof CommandError) {
      output.error(error.failure);
      return error.exitCode;
    }
    output.error({ code: 'internal', message: `This is a fault of shoal ${version}, not yours. Please report it with these lines:` });
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT.internal;
  }
};

// A reader that has had enough (`shoal search | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.io));

process.exitCode = await main(process.argv.slice(2));
