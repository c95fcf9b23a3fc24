/** `tracker`, `backup`, `proxy`, `node`: a role in the foreground. */
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import type { RoleName } from '../../config/schema.ts';
import { type Daemon, Halted } from '../../roles/role.ts';
import { keepHeapSmall, settleHeapSoon } from '../../system/small-heap.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, type ExitCode, give, stopWith } from '../exit.ts';
import { commandLine } from '../hints.ts';
import { findNodeConfig } from '../node-access.ts';
import { type StopRequest, watchSignals } from '../signals.ts';

const about: Readonly<Record<RoleName, string>> = {
  tracker: 'run the main tracker: accounts, catalog, swarms',
  backup: 'run the backup tracker: takes over when the main one fails',
  proxy: 'run a proxy: nodes reach the trackers through it',
  node: 'run a node: shares and downloads',
};

interface RoleOptions {
  readonly stdinControl?: boolean;
}

/** For whoever started the role: a line `status` is answered with one line of JSON; the end of standard input is its end. */
const obeyStdin = (daemon: Daemon): Promise<'stdin'> =>
  new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => {
      if (line === 'status') process.stdout.write(`status ${JSON.stringify(daemon.status())}\n`);
    });
    lines.once('close', () => resolve('stdin'));
    process.stdin.once('error', () => resolve('stdin'));
  });

const serve = async (
  context: Context,
  daemon: Daemon,
  ready: { role: RoleName; name: string },
  options: RoleOptions,
): Promise<ExitCode> => {
  const signals: StopRequest = watchSignals();
  give(await daemon.start());
  settleHeapSoon();
  const { role, name } = ready;
  const places = Object.entries(daemon.addresses).map(([purpose, address]) => `${purpose}=${address}`);
  context.output.line(['ready', role, name, ...places, `pid=${process.pid}`].join(' '));
  context.output.value({ ready: true, role, name, addresses: daemon.addresses, pid: process.pid });
  const end = await Promise.race([signals.requested, daemon.ended, ...(options.stdinControl === true ? [obeyStdin(daemon)] : [])]);
  await daemon.stop();
  process.stdin.destroy();
  if (end instanceof Error)
    return stopWith(end instanceof Halted ? 'halted' : 'internal', `The ${role} has ended by itself: ${end.message}. Its log says more.`);
  context.output.note(`${role} ${name} has stopped.`);
  return EXIT.ok;
};

const runRole = async (role: RoleName, context: Context, options: RoleOptions): Promise<ExitCode> => {
  const path = context.configFile ?? (role === 'node' ? findNodeConfig(context) : `${role}.json`);
  const config = give(loadConfig(path));
  if (config.role !== role)
    stopWith(
      'config-invalid',
      `${path} is the configuration of a ${config.role}. Run: ${commandLine({ ...context, configFile: path }, config.role)}`,
    );
  keepHeapSmall();
  const { createDaemon } = await import('../../roles/daemon.ts');
  return serve(context, createDaemon(config, { api: true, terminal: true }), { role, name: config.name }, options);
};

export const roleCommands = (program: Command, ending: Ending): void => {
  for (const role of Object.keys(about) as RoleName[]) {
    addCommand<[], RoleOptions>(program, ending, {
      usage: role,
      about: about[role],
      examples: [`shoal ${role} --config my-lab/${role}.json`],
      exits: [EXIT.unavailable, EXIT.cannotCreate, EXIT.io, EXIT.permission, EXIT.config],
      setup: (command) => {
        command.option(
          '--config <file>',
          role === 'node'
            ? 'its configuration (default: $SHOAL_CONFIG, ./node.json, ~/.config/shoal/node.json)'
            : `its configuration (default: ./${role}.json)`,
        );
        command.option('--stdin-control', 'for programs that start this one: a line "status" on standard input is answered, its end stops');
        command.addHelpText(
          'after',
          '\nWhen it serves it writes one line to standard output: ready ROLE NAME PURPOSE=ADDRESS… pid=PID.\nSIGINT (Ctrl-C) and SIGTERM stop it cleanly; a second one ends it at once.',
        );
      },
      run: (context, _args, options) => runRole(role, context, options),
    });
  }
};
