/** The whole command line, from which its reference is generated too. */
import { Command } from 'commander';
import { type Ending, streamsOf } from './command.ts';
import { accountCommands } from './commands/accounts.ts';
import { catalogCommands } from './commands/catalog.ts';
import { clusterCommands } from './commands/cluster.ts';
import { configCommands } from './commands/config.ts';
import { everydayCommands } from './commands/everyday.ts';
import { inspectCommand } from './commands/inspect.ts';
import { networkCommands } from './commands/network.ts';
import { nodeCommands } from './commands/nodes.ts';
import { passkeyCommands } from './commands/passkeys.ts';
import { roleCommands } from './commands/roles.ts';
import { shareCommand } from './commands/share.ts';
import { simulateCommand } from './commands/simulate.ts';
import { torrentCommands } from './commands/torrents.ts';
import { transferCommands } from './commands/transfers.ts';
import { upCommand } from './commands/up.ts';
import { version } from '../system/version.ts';

/** `quiet`: mistakes of usage are thrown and not printed. */
export const buildProgram = (ending: Ending, quiet = false): Command => {
  const { out, err } = streamsOf(ending);
  const program = new Command('shoal')
    // Before the commands are added: they take it from here.
    .configureOutput({ writeOut: (text) => void out.write(text), writeErr: (text) => void (quiet || err.write(text)) })
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
    shareCommand,
    catalogCommands,
    transferCommands,
    everydayCommands,
    passkeyCommands,
    nodeCommands,
    clusterCommands,
    torrentCommands,
    inspectCommand,
    configCommands,
    upCommand,
    simulateCommand,
  ]) {
    add(program, ending);
  }
  return program;
};
