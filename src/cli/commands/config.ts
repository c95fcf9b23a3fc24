/** `config print` and `config check`. */
import type { Command } from 'commander';
import { type ConfigFailure, loadConfig, redacted } from '../../config/load.ts';
import { formatProblem } from '../../config/parse.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, type ExitCode, give } from '../exit.ts';
import { findNodeConfig } from '../node-access.ts';

const check = (context: Context): ExitCode => {
  const path = findNodeConfig(context);
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

const print = (context: Context): void => {
  const config = redacted(give(loadConfig(findNodeConfig(context))));
  context.output.value(config);
  context.output.line(JSON.stringify(config, null, 2));
};

export const configCommands = (program: Command, ending: Ending): void => {
  const config = program.command('config').description('print or check the configuration of a process');
  addCommand(config, ending, {
    usage: 'print',
    about: 'print the effective configuration, defaults filled in and keys left out',
    examples: ['shoal config print --config my-lab/tracker.json'],
    exits: [EXIT.config],
    config: true,
    run: async (context) => print(context),
  });
  addCommand(config, ending, {
    usage: 'check',
    about: 'report every problem of a configuration, each with its place',
    examples: ['shoal config check --config my-lab/tracker.json'],
    exits: [EXIT.config],
    config: true,
    run: async (context) => check(context),
  });
};
