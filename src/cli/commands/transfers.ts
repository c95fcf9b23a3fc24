/** `ls`, `status`, `peers`, `pause`, `resume`, `remove`, `recheck`: what the node daemon is doing. */
import type { Command } from 'commander';
import type { SwarmPlace, TrackerSummary, WebSeedSummary, TransferSummary } from '../../protocol/api.ts';
import { clusterStatus } from './cluster.ts';
import { addCommand, type Context, type Ending } from '../command.ts';
import { give, networkExits, stopWith } from '../exit.ts';
import { asTyped, commandLine } from '../hints.ts';
import { showList } from '../list.ts';
import { withNode } from '../node-access.ts';
import { formatDuration, formatPercent, formatRate, formatSize, printable, shortId } from '../render/format.ts';
import { sourceName, sourceText } from '../source-names.ts';
import { sizeOf } from './download.ts';
import { findTransfer, listTransfers } from '../transfer-ids.ts';

const rateOrDash = (rate: number): string => (rate === 0 ? '-' : formatRate(rate));

const doneText = (transfer: TransferSummary): string => {
  const size = sizeOf(transfer);
  return size === null ? '-' : formatPercent(transfer.doneBytes, size);
};

const sizeText = (transfer: TransferSummary): string => {
  const size = sizeOf(transfer);
  return size === null ? 'not known' : formatSize(size);
};

const list = async (context: Context): Promise<void> => {
  const transfers = await withNode(context, (node) => listTransfers(node));
  const { output } = context;
  output.value({ transfers });
  if (transfers.length === 0)
    return output.line(`Nothing yet. Begin with: ${commandLine(context, 'share', ['PATH'])} or ${commandLine(context, 'search')}`);
  showList(
    output,
    [
      { title: 'ID', of: ({ id }) => shortId(id) },
      { title: 'NAME', of: ({ name }) => name, shrinksTo: 16 },
      { title: 'STATE', of: ({ state }) => state },
      { title: 'DONE', of: doneText, right: true },
      { title: 'SIZE', of: sizeText, right: true },
      { title: 'DOWN', of: ({ downRate }) => rateOrDash(downRate), right: true, blank: '-' },
      { title: 'UP', of: ({ upRate }) => rateOrDash(upRate), right: true, blank: '-', rank: 2 },
      { title: 'LEFT', of: ({ secondsLeft }) => formatDuration(secondsLeft), right: true, blank: '-', rank: 1 },
      { title: 'PEERS', of: ({ peers }) => String(peers), right: true, rank: 3 },
      { title: 'FROM', of: ({ swarm }) => (swarm === 'trackers' ? 'outside' : 'catalog'), blank: 'catalog', rank: 4 },
    ],
    transfers,
    ({ id, reason }) => reason && asTyped(context, reason, shortId(id)),
  );
};

const rows = (context: Context, entries: readonly (readonly [string, string])[]): void => {
  for (const [name, value] of entries) context.output.line(`${context.output.style.dim(name.padEnd(11))} ${printable(value)}`);
};

const nodeStatus = async (context: Context): Promise<void> => {
  const status = await withNode(context, async (node) => give(await node.call('status', {})));
  context.output.value(status);
  rows(context, [
    ['node', `${status.name} (${shortId(status.node)}), shoal ${status.version}`],
    ['network', `${status.network}: ${status.session}`],
    ['account', status.account ?? 'nobody is signed in'],
    ['proxy', status.proxy ?? 'none reached'],
    ['primary', status.primary === null ? 'none known' : `${status.primary} (epoch ${status.epoch})`],
    ['peer port', status.peerPort === null ? 'closed' : String(status.peerPort)],
    ...(status.gates.length === 0 ? [] : [['gate', `${status.gates.join(', ')}, where other BitTorrent clients announce`] as const]),
    ['downloads', status.folder],
    ['transfers', `${status.transfers}, down ${formatRate(status.downRate)}, up ${formatRate(status.upRate)}`],
  ]);
};

const stateText = (context: Context, { id, state, reason }: TransferSummary): string => {
  if (reason !== null) return `${state}: ${asTyped(context, reason, shortId(id))}`;
  return state === 'paused' ? `paused; to go on: ${commandLine(context, 'resume', [shortId(id)])}` : state;
};

const SWARM_WORDS: Readonly<Record<SwarmPlace, string>> = {
  catalog: 'the network',
  trackers: 'the trackers of its torrent',
  both: 'the network, and the trackers of its torrent',
};

/** What its user has set, where that is not as usual. */
const termRows = ({ terms }: TransferSummary): (readonly [string, string])[] => {
  if (terms === undefined) return [];
  const { complete, downloadLimit, queue, ratio, seededSeconds, sequential, uploadLimit } = terms;
  const limits = [
    ...(downloadLimit > 0 ? [`down ${formatRate(downloadLimit)}`] : []),
    ...(uploadLimit > 0 ? [`up ${formatRate(uploadLimit)}`] : []),
  ];
  return [
    ['queue', `number ${queue} of what is ${complete ? 'complete' : 'downloaded'}${sequential ? ', in order from the beginning' : ''}`],
    ...(complete ? [['seeded', `${ratio.toFixed(2)} times, for ${formatDuration(seededSeconds)}`] as const] : []),
    ...(limits.length > 0 ? [['limits', limits.join(', ')] as const] : []),
  ];
};

const transferStatus = async (context: Context, text: string): Promise<void> => {
  const transfer: TransferSummary = await withNode(context, (node) => findTransfer(context, node, text));
  context.output.value(transfer);
  rows(context, [
    ['name', transfer.name],
    ['id', transfer.id],
    ['state', stateText(context, transfer)],
    ['done', `${doneText(transfer)}, ${formatSize(transfer.doneBytes)} of ${sizeText(transfer)}`],
    ...(transfer.secondsLeft === null ? [] : [['time left', formatDuration(transfer.secondsLeft)] as const]),
    ['rates', `down ${formatRate(transfer.downRate)}, up ${formatRate(transfer.upRate)}`],
    ['moved', `down ${formatSize(transfer.downloadedBytes)}, up ${formatSize(transfer.uploadedBytes)}`],
    ['swarm', `${transfer.peers} connected, ${transfer.seeders} have all of it`],
    ['bad pieces', String(transfer.piecesBad)],
    ['peers by', SWARM_WORDS[transfer.swarm]],
    ['in catalog', transfer.swarm === 'trackers' ? 'no' : transfer.owned ? 'as an owner' : 'not as an owner'],
    ['folder', transfer.folder],
    ...termRows(transfer),
  ]);
  for (const source of transfer.sources) rows(context, [['from', `${sourceText(source)}: ${formatSize(source.bytes)}`]]);
};

const showTrackers = (context: Context, trackers: readonly TrackerSummary[]): void => {
  showList(
    context.output,
    [
      { title: 'TIER', of: ({ tier }) => String(tier + 1), right: true, rank: 2 },
      { title: 'TRACKER', of: ({ url }) => url, shrinksTo: 20 },
      { title: 'STATE', of: ({ state }) => state },
      { title: 'SEEDERS', of: ({ seeders }) => (seeders === null ? '-' : String(seeders)), right: true, blank: '-', rank: 1 },
      { title: 'LEECHERS', of: ({ leechers }) => (leechers === null ? '-' : String(leechers)), right: true, blank: '-', rank: 1 },
    ],
    trackers,
    ({ message }) => message,
  );
};

const showWebSeeds = (context: Context, webSeeds: readonly WebSeedSummary[]): void => {
  showList(
    context.output,
    [
      { title: 'WEB SEED', of: ({ url }) => url, shrinksTo: 20 },
      { title: 'STATE', of: ({ state }) => state },
      { title: 'HAS', of: ({ has }) => formatPercent(has, 1), right: true, rank: 2 },
      { title: 'DOWN', of: ({ downRate }) => rateOrDash(downRate), right: true, blank: '-' },
      { title: 'GOT', of: ({ downloadedBytes }) => formatSize(downloadedBytes), right: true, rank: 1 },
    ],
    webSeeds,
    ({ message }) => message,
  );
};

const peers = async (context: Context, text: string): Promise<void> => {
  const found = await withNode(context, async (node) =>
    give(await node.call('peers', { id: (await findTransfer(context, node, text)).id })),
  );
  context.output.value(found);
  if (found.trackers.length > 0) {
    showTrackers(context, found.trackers);
    context.output.line();
  }
  if (found.webSeeds.length > 0) {
    showWebSeeds(context, found.webSeeds);
    context.output.line();
  }
  if (found.peers.length === 0) return context.output.line('No peer is connected.');
  showList(
    context.output,
    [
      { title: 'NODE', of: sourceName, shrinksTo: 10 },
      { title: 'ADDRESS', of: ({ address }) => address, rank: 4 },
      { title: 'HAS', of: ({ has }) => formatPercent(has, 1), right: true },
      { title: 'DOWN', of: ({ downRate }) => rateOrDash(downRate), right: true, blank: '-' },
      { title: 'UP', of: ({ upRate }) => rateOrDash(upRate), right: true, blank: '-' },
      { title: 'GOT', of: ({ downloadedBytes }) => formatSize(downloadedBytes), right: true, rank: 1 },
      { title: 'GAVE', of: ({ uploadedBytes }) => formatSize(uploadedBytes), right: true, rank: 2 },
      { title: 'CLIENT', of: ({ client }) => client, shrinksTo: 6, rank: 3 },
      {
        title: 'FLAGS',
        of: (peer) => [peer.choked && peer.wanted ? 'choked' : '', peer.interested ? 'interested' : ''].filter(Boolean).join(' '),
        shrinksTo: 5,
        blank: '',
        rank: 5,
      },
    ],
    found.peers,
  );
};

const change = async (context: Context, call: 'pause' | 'resume' | 'recheck', text: string, done: string): Promise<void> => {
  await withNode(context, async (node) => {
    const { id, name } = await findTransfer(context, node, text);
    give(await node.call(call, { id }));
    context.output.value({ id });
    context.output.line(`${printable(name)} ${done}.`);
    if (call === 'recheck') context.output.note(`How far it is: ${commandLine(context, 'status', [shortId(id)])}`);
  });
};

const remove = async (context: Context, text: string, data: boolean): Promise<void> => {
  await withNode(context, async (node) => {
    const { id, name, folder } = await findTransfer(context, node, text);
    give(await node.call('remove', { id, data }));
    context.output.value({ id, data });
    context.output.line(
      data ? `${printable(name)} is removed, with its files.` : `${printable(name)} is removed; its files stay in ${folder}.`,
    );
  });
};

export const transferCommands = (program: Command, ending: Ending): void => {
  addCommand(program, ending, {
    usage: 'ls',
    about: 'list what the node downloads and shares',
    examples: ['shoal ls'],
    exits: networkExits,
    config: true,
    run: list,
  });
  addCommand<[string | undefined], { readonly cluster?: boolean }>(program, ending, {
    usage: 'status [id]',
    about: 'how the node is, or one of its transfers, or the trackers of the network',
    examples: ['shoal status', 'shoal status 4f1c09aa7d3e --json', 'shoal status --cluster', 'shoal status --cluster --config my-lab'],
    exits: networkExits,
    config: true,
    setup: (command) =>
      command
        .option('--cluster', 'who leads, how both trackers are, which voters answer, the last failover')
        .addHelpText(
          'after',
          '\nWith --cluster, --config may be that of a tracker, backup or proxy, or the folder of their files: then the trackers are asked\nthemselves. A node asks its proxy. Without --config, files of servers in ./ and ./.shoal/network come first. Status 0 where a primary\nserves, 75 where none does.',
        ),
    run: (context, [id], { cluster }) => {
      if (cluster !== true) return id === undefined ? nodeStatus(context) : transferStatus(context, id);
      return id === undefined ? clusterStatus(context) : stopWith('usage', 'Give an id or --cluster, not both.');
    },
  });
  addCommand<[string]>(program, ending, {
    usage: 'peers <id>',
    about: 'list the peers of a transfer, and the trackers of one that came from elsewhere',
    examples: ['shoal peers 4f1c09aa7d3e'],
    exits: networkExits,
    config: true,
    setup: (command) =>
      command.addHelpText(
        'after',
        '\nFLAGS: choked, it gives nothing just now of what this node wants; interested, it wants something of this node.',
      ),
    run: (context, [id]) => peers(context, id),
  });
  const changes = [
    ['pause', 'pause a transfer', 'is paused'],
    ['resume', 'resume a transfer', 'goes on'],
    ['recheck', 'verify what is on disk again', 'is being verified'],
  ] as const;
  for (const [call, about, done] of changes) {
    addCommand<[string]>(program, ending, {
      usage: `${call} <id>`,
      about,
      examples: [`shoal ${call} 4f1c09aa7d3e`],
      exits: networkExits,
      config: true,
      run: (context, [id]) => change(context, call, id, done),
    });
  }
  addCommand<[string], { readonly data?: boolean }>(program, ending, {
    usage: 'remove <id>',
    about: 'forget a transfer',
    examples: ['shoal remove 4f1c09aa7d3e', 'shoal remove 4f1c09aa7d3e --data'],
    exits: networkExits,
    config: true,
    setup: (command) => command.option('--data', 'delete its files too'),
    run: (context, [id], options) => remove(context, id, options.data === true),
  });
};
