/** The command `shoal`. */
import { CommanderError } from 'commander';
import { version } from '../system/version.ts';
import type { Ending } from './command.ts';
import { CommandError, EXIT, type ExitCode } from './exit.ts';
import { Output } from './output.ts';
import { buildProgram } from './program.ts';

/** Runs the command line. A user's mistake ends with a sentence, only a fault of the program with a stack trace. */
const main = async (argv: readonly string[]): Promise<ExitCode> => {
  const ending: Ending = { status: EXIT.ok };
  try {
    await buildProgram(ending).parseAsync([...argv], { from: 'user' });
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
