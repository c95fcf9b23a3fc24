/** `config print` and `config check`. */
import type { Command } from 'commander';
import { type ConfigFailure, loadConfig, redacted } from '../../config/load.ts';
import { formatProblem } from '../../config/parse.ts';
import { addCommand, addGroup, type Context, type Ending } from '../command.ts';
import { EXIT, type ExitCode, give, stopWith } from '../exit.ts';
import { findNodeConfig } from '../node-access.ts';

/** `config check FILE` and `config check --config FILE` are the same. */
const fileOf = (context: Context, [file]: readonly [string | undefined]): string => {
  if (file !== undefined && context.configFile !== null)
    stopWith('usage', `Name one file: either ${file} or --config ${context.configFile}.`);
  return findNodeConfig(file === undefined ? context : { ...context, configFile: file });
};

const check = (context: Context, path: string): ExitCode => {
  const loaded = loadConfig(path);
  const { output } = context;
  if (loaded.ok) {
    output.value({ valid: true, file: path, role: loaded.value.role, problems: [] });
    output.line(`${path} is right: ${loaded.value.role} ${loaded.value.name} of the network ${loaded.value.network.name}.`);
    return EXIT.ok;
  }
  const { problems } = loaded.error as ConfigFailure;
  output.value({ valid: false, file: path, problems });
  for (const problem of problems) output.line(formatProblem(problem));
  return EXIT.config;
};

const print = (context: Context, path: string): void => {
  const config = redacted(give(loadConfig(path)));
  context.output.value(config);
  context.output.line(JSON.stringify(config, null, 2));
};

export const configCommands = (program: Command, ending: Ending): void => {
  const config = addGroup(program, {
    name: 'config',
    about: 'print or check the configuration of a process',
    examples: ['shoal config check my-lab/tracker.json'],
  });
  addCommand<[string | undefined]>(config, ending, {
    usage: 'print [file]',
    about: 'print the effective configuration, defaults filled in and keys left out',
    examples: ['shoal config print my-lab/tracker.json'],
    config: true,
    run: async (context, args) => print(context, fileOf(context, args)),
  });
  addCommand<[string | undefined]>(config, ending, {
    usage: 'check [file]',
    about: 'report every problem of a configuration, each with its place',
    examples: ['shoal config check my-lab/tracker.json'],
    config: true,
    run: async (context, args) => check(context, fileOf(context, args)),
  });
};
