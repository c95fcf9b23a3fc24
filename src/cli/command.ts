/** What all commands have in common: options, help with an example and exit codes, and how they run and end. */
import type { Command } from 'commander';
import { Output, type Sink } from './output.ts';
import { type ExitCode, EXIT, exitMeanings } from './exit.ts';

export interface Context {
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: NodeJS.ReadStream;
  /** `--config`, where it was given. */
  readonly configFile: string | null;
}

export interface CommandSpec<Args extends readonly unknown[], Options> {
  /** As commander has it: `get <what>`. */
  readonly usage: string;
  readonly about: string;
  readonly examples: readonly string[];
  /** Exit codes beside those of every command (`COMMON_EXITS`); 78 comes with `config`. */
  readonly exits?: readonly ExitCode[];
  /** Whether it takes `--config FILE`: true for the node's file. */
  readonly config?: boolean;
  /** More options and arguments. */
  readonly setup?: (command: Command) => void;
  /** Ends with status 0, or with the status it gives. A mistake of the user's is a `CommandError`. */
  readonly run: (context: Context, args: Args, options: Options) => Promise<ExitCode | void>;
}

/** Where commands read and write. */
export interface Streams {
  readonly out: Sink;
  readonly err: Sink;
  readonly input: NodeJS.ReadStream;
  readonly env: Context['env'];
}

/** Where a finished command leaves its status. */
export interface Ending {
  status: ExitCode;
  /** Those of the process where they are left out. */
  readonly streams?: Streams;
}

export const streamsOf = ({ streams }: Ending): Streams =>
  streams ?? { out: process.stdout, err: process.stderr, input: process.stdin, env: process.env };

/** What any command may end with. */
const COMMON_EXITS = [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.internal] as const;

const helpTail = (examples: readonly string[], exits: readonly ExitCode[]): string => {
  const codes = [...new Set<ExitCode>([...COMMON_EXITS, ...exits])].sort((a, b) => a - b);
  return [
    '',
    examples.length === 1 ? 'Example:' : 'Examples:',
    ...examples.map((example) => `  $ ${example}`),
    '',
    'Exit status:',
    ...codes.map((code) => `  ${String(code).padStart(3)}  ${exitMeanings[code]}`),
  ].join('\n');
};

/** What the commands of each group may end with. */
const exitsWithin = new WeakMap<Command, ExitCode[]>();

/** Adds a command to `parent`. */
export const addCommand = <Args extends readonly unknown[] = [], Options extends object = Record<string, never>>(
  parent: Command,
  ending: Ending,
  spec: CommandSpec<Args, Options>,
): Command => {
  const command = parent.command(spec.usage).description(spec.about).option('--json', 'write the result as JSON');
  if (spec.config === true)
    command.option('--config <file>', 'configuration of the node (default: $SHOAL_CONFIG, ./node.json, ~/.config/shoal/node.json)');
  spec.setup?.(command);
  const exits = [...(spec.exits ?? []), ...(spec.config === true ? [EXIT.config] : [])];
  exitsWithin.get(parent)?.push(...exits);
  command.addHelpText('after', helpTail(spec.examples, exits));
  command.action(async (...given: unknown[]) => {
    // commander passes the arguments, then the options, then the command.
    const options = given.at(-2) as Options & { readonly json?: boolean; readonly config?: string };
    const { out, err, input, env } = streamsOf(ending);
    const output = new Output({ out, err, json: options.json === true, env });
    const context: Context = { output, env, input, configFile: options.config ?? null };
    ending.status = (await spec.run(context, given.slice(0, -2) as unknown as Args, options)) ?? EXIT.ok;
  });
  return command;
};

/** A command that only has others: `account list`, `account reset` … It may end as any of them does. */
export const addGroup = (
  parent: Command,
  spec: { readonly name: string; readonly about: string; readonly examples: readonly string[] },
): Command => {
  const exits: ExitCode[] = [];
  const group = parent.command(spec.name).description(spec.about);
  exitsWithin.set(group, exits);
  // Its commands are added after this.
  return group.addHelpText('after', () => helpTail(spec.examples, exits));
};
