import { CommanderError } from 'commander';
import { version } from '../system/version.ts';
import { type Ending, type Streams, streamsOf } from './command.ts';
import { CommandError, EXIT, type ExitCode } from './exit.ts';
import { Output } from './output.ts';
import { buildProgram } from './program.ts';

/** Asked for anywhere before `--`: also where the rest of the line makes no sense. */
const wantsJson = (argv: readonly string[]): boolean => {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
};

/** What is wrong with the usage, as one sentence; the help that commander shows for a missing command is none. */
const usageMessage = ({ code, message }: CommanderError): string =>
  code === 'commander.help'
    ? 'A command is missing; "shoal help" lists them.'
    : message.replace(/^error: /u, '').replaceAll(/\s*\n\s*/gu, ' ');

/** Runs a command line. A user's mistake ends with a sentence, only a fault of the program with a stack trace. */
export const runCommandLine = async (argv: readonly string[], streams?: Streams): Promise<ExitCode> => {
  const ending: Ending = { status: EXIT.ok, ...(streams === undefined ? {} : { streams }) };
  const { out, err, env } = streamsOf(ending);
  const json = wantsJson(argv);
  const output = new Output({ out, err, json, env });
  const program = buildProgram(ending, json);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return ending.status;
  } catch (error) {
    if (error instanceof CommanderError) {
      // commander has printed help, the version, or (unless JSON is wanted) what is wrong with the usage.
      if (error.exitCode === 0) return EXIT.ok;
      if (json) output.error({ code: 'usage', message: usageMessage(error) });
      return EXIT.usage;
    }
    if (error instanceof CommandError) {
      output.error(error.failure);
      return error.exitCode;
    }
    output.error({ code: 'internal', message: `This is a fault of shoal ${version}, not yours. Please report it with these lines:` });
    err.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT.internal;
  }
};
