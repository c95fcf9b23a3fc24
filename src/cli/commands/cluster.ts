/** The trackers as their operator sees and moves them: `status --cluster`, `handover`, `force-promote`. */
import type { Command } from 'commander';
import type { ClusterReport, OrderName, OrderResults } from '../../protocol/control/messages.ts';
import type { Operator } from '../../roles/operator.ts';
import { clusterConfig, serverConfig, withOperator } from '../cluster-access.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { EXIT, type ExitCode, stopWith } from '../exit.ts';
import { asTyped, commandLine } from '../hints.ts';
import { showList } from '../list.ts';
import { askNode } from '../node-access.ts';
import { clusterColumns, clusterRows } from '../render/cluster.ts';
import { printable } from '../render/format.ts';

const POLL_MS = 100;
/** After an order was carried out: until the other is seen to lead. */
const SETTLE_MAX_MS = 10_000;

const LABEL_COLUMNS = 11;

const show = ({ output }: Context, cluster: ClusterReport, network: string | null): void => {
  output.value(cluster);
  for (const [name, text] of clusterRows(cluster, network))
    output.sentence(`${output.style.dim(name.padEnd(LABEL_COLUMNS))} ${printable(text)}`, LABEL_COLUMNS + 1);
  output.line();
  showList(output, clusterColumns(cluster), cluster.replicas, ({ reason }) => reason);
};

/** Status 0 where a primary serves, 75 where none does. */
export const clusterStatus = async (context: Context): Promise<ExitCode> => {
  const config = clusterConfig(context);
  const cluster =
    config.role === 'node' ? await askNode(context, 'cluster', {}) : await withOperator(config, (operator) => operator.cluster());
  show(context, cluster, config.network.name);
  return cluster.primary === null ? EXIT.temporary : EXIT.ok;
};

/** Asks until somebody other than `before` leads, or the one that is wanted; null where that does not come. */
const untilLeads = async (operator: Operator, leads: (cluster: ClusterReport) => boolean): Promise<ClusterReport | null> => {
  for (const end = performance.now() + SETTLE_MAX_MS; performance.now() < end;) {
    const cluster = await operator.cluster();
    if (leads(cluster)) return cluster;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return null;
};

/** Gives an order; ends the command with what the replica says against it. */
const order = async <K extends OrderName>(context: Context, operator: Operator, replica: string, name: K): Promise<OrderResults[K]> => {
  const done = await operator.order(replica, name);
  return done.ok ? done.value : stopWith(done.error.code, asTyped(context, done.error.message));
};

const look = (context: Context): string => commandLine(context, 'status', [], ['--cluster']);

const handover = async (context: Context): Promise<void> => {
  const { config } = serverConfig(context);
  const { output } = context;
  await withOperator(config, async (operator) => {
    const { primary, epoch, mode } = await operator.cluster();
    if (primary === null) return stopWith('unavailable', `No replica leads now, so there is nothing to hand over. See: ${look(context)}`);
    if (mode === 'SYNC') output.note(`${primary} leads (epoch ${epoch}) and hands over; requests are held meanwhile.`);
    const done = await order(context, operator, primary, 'handover');
    const { from, to, heldMs } = done;
    const settled = await untilLeads(operator, (cluster) => cluster.primary === to && cluster.epoch >= done.epoch);
    if (settled === null) return stopWith('indeterminate', `${from} handed over, but ${to} is not seen to lead. See: ${look(context)}`);
    output.value({ from, to, epoch: settled.epoch, heldMs, mode: settled.mode });
    output.line(`${output.style.bold(printable(to))} leads now (epoch ${settled.epoch}). Changes were held for ${Math.round(heldMs)} ms.`);
    return undefined;
  });
};

/** The replica that is to lead: the one whose file is named, else the only one that answers. */
const candidateOf = (role: string, name: string, { replicas }: ClusterReport): string => {
  if (role !== 'proxy') return name;
  const answering = replicas.filter(({ report }) => report !== null);
  const [only, another] = answering;
  if (only === undefined) return stopWith('unavailable', 'Neither tracker nor backup answers: start the one that is to lead.');
  return another === undefined ? only.name : stopWith('usage', 'Both answer: name the file of the one that is to lead with --config.');
};

/** What there is to think of before. */
const warning = (context: Context, name: string, cluster: ClusterReport): string => {
  const { report = null, reason = null } = cluster.replicas.find((replica) => replica.name === name) ?? {};
  const others = cluster.replicas.filter((replica) => replica.name !== name).map((replica) => replica.name);
  const missing = report?.waitsFor ?? others.join(', ');
  return [
    `This would make ${name} primary although it may lack changes that were acknowledged. Nothing was done.`,
    report === null
      ? `${name} does not answer now (${reason ?? 'no reason is known'}): start it first.`
      : `Lost would be every change after entry ${report.lastSeq} that only ${missing} has: accounts, passwords, logins, what is shared.`,
    `First try to start ${missing}: then nothing is lost, and a primary is elected by itself.`,
    `When ${missing} returns after all, what only it has goes to quarantine/ in its data folder. Nothing of it is applied, nothing deleted.`,
    `If ${missing} is gone for good: ${commandLine(context, 'force-promote', [], ['--accept-data-loss'])}`,
  ].join('\n');
};

const forcePromote = async (context: Context, accepted: boolean): Promise<void> => {
  const { config } = serverConfig(context);
  const { output } = context;
  await withOperator(config, async (operator) => {
    const cluster = await operator.cluster();
    const { primary, epoch } = cluster;
    if (primary !== null)
      return stopWith(
        'primary-alive',
        `${primary} leads (epoch ${epoch}): nothing needs to be forced. To move the role without loss: ${commandLine(context, 'handover')}`,
      );
    const name = candidateOf(config.role, config.name, cluster);
    if (!accepted) return stopWith('not-accepted', warning(context, name, cluster));
    output.note(`${name} is to lead, whatever it lacks.`);
    const done = await order(context, operator, name, 'forcePromote');
    const settled = await untilLeads(operator, (found) => found.primary === name && found.epoch >= done.epoch);
    if (settled === null) return stopWith('indeterminate', `${name} was promoted, but is not seen to lead. See: ${look(context)}`);
    output.value({ primary: name, epoch: settled.epoch, generation: done.generation, mode: settled.mode });
    output.line(`${output.style.bold(printable(name))} leads now (epoch ${settled.epoch}, generation ${done.generation}).`);
    output.note(
      'What only the other one has will be kept in quarantine/ in its data folder when it returns; it then starts as a copy of this one.',
    );
    output.note(
      'Nodes tell the catalog again by themselves what they share. Accounts made since are gone: their users register again and sign in.',
    );
    return undefined;
  });
};

const CONFIG_OPTION = [
  '--config <file>',
  'of a tracker, backup or proxy, or the folder of their files (default: $SHOAL_CONFIG, ./tracker.json, ./backup.json, ./proxy.json, ./.shoal/network)',
] as const;

/** Beside those of every command: a file that is not there or wrong, nobody who answers, a disk that is full. */
const exits = [EXIT.config, EXIT.temporary, EXIT.io] as const;

export const clusterCommands = (program: Command, ending: Ending): void => {
  addCommand(program, ending, {
    usage: 'handover',
    about: 'let the other tracker lead, without losing anything: for maintenance of this one',
    examples: ['shoal handover', 'shoal handover --config my-lab/tracker.json'],
    exits,
    setup: (command) =>
      command
        .option(...CONFIG_OPTION)
        .addHelpText(
          'after',
          '\nRequests are held for less than a second, and none is lost. Both trackers must be there and in step (mode SYNC).',
        ),
    run: handover,
  });
  addCommand<[], { readonly acceptDataLoss?: boolean }>(program, ending, {
    usage: 'force-promote',
    about: 'make a tracker primary that may lack acknowledged changes: the last resort',
    examples: ['shoal force-promote --config my-lab/backup.json', 'shoal force-promote --config my-lab/backup.json --accept-data-loss'],
    exits,
    setup: (command) =>
      command
        .option('--accept-data-loss', 'do it; without this, what would be lost is said and nothing is done')
        .option(CONFIG_OPTION[0], `that of the one to promote: ${CONFIG_OPTION[1]}`)
        .addHelpText(
          'after',
          '\nWhere the tracker that went on alone has died, the other one waits for it: only it has the newest changes. Start it, and nothing\nis lost. Force a promotion only where it is gone for good. What it had is kept in quarantine/ in its data folder, should it return.',
        ),
    run: (context, _args, options) => forcePromote(context, options.acceptDataLoss === true),
  });
};
