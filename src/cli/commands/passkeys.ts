/** Passkeys, by which clients of other makes take part, and what an account has transferred by whatever client. */
import type { Command } from 'commander';
import { PASSKEY_GRACE_DAYS } from '../../domain/accounts/passkeys.ts';
import type { ContentStatistics } from '../../protocol/control/messages.ts';
import { addCommand, addGroup, type Context, type Ending } from '../command.ts';
import { demandOf, type DemandOptions, keptWords, requireOption } from '../durability.ts';
import { EXIT, give, networkExits } from '../exit.ts';
import { commandLine } from '../hints.ts';
import { showList } from '../list.ts';
import { askNode, loadNodeConfig, withNode } from '../node-access.ts';
import { notePage, noteStaleness, pageOf, type PageOptions } from '../paging.ts';
import { formatSize, formatTime, plural, printable, shortId } from '../render/format.ts';

const NO_GATE =
  'No proxy of this network has a gate for clients of other makes: whoever runs the network adds "announce" to a proxy in network.json. The passkey is good as soon as one has.';

const newPasskey = async (context: Context, device: string | undefined, options: DemandOptions): Promise<void> => {
  const { output } = context;
  const name = device ?? loadNodeConfig(context).name;
  const made = await askNode(context, 'passkey.new', { device: name, ...demandOf(options) });
  output.value(made);
  output.line(`A passkey for ${output.style.bold(printable(made.device))} (${made.id})${keptWords(made)}. It is shown this once:`);
  output.line();
  if (made.announce.length === 0) output.line(`  ${output.style.bold(made.passkey)}`);
  for (const { http, udp } of made.announce) {
    output.line(`  ${output.style.bold(http)}`);
    output.line(`  ${udp}`);
  }
  output.line();
  if (made.announce.length === 0) output.sentence(NO_GATE);
  else {
    output.sentence(
      'Give this URL as the tracker of a torrent of the network to qBittorrent, Transmission or aria2; it is yours alone, so pass on no torrent file that has it.',
    );
    output.sentence('The first is for every client; the one over UDP only for those built on libtorrent (qBittorrent, Deluge).');
    output.sentence(
      `A torrent file that has it in it already: ${commandLine(context, 'torrent', ['ID'], ['--announce', 'URL'])} > f.torrent (without --announce it has the URL of this node's own passkey)`,
    );
  }
  if (made.replacedUntilMs !== null)
    output.note(
      `The passkey that ${printable(made.device)} had goes on until ${formatTime(made.replacedUntilMs)}. End it now, and this one too, with: ${commandLine(context, 'passkey', ['revoke', made.device])}`,
    );
};

const listPasskeys = async (context: Context): Promise<void> => {
  const { output } = context;
  const found = await askNode(context, 'passkeys', {});
  output.value(found);
  noteStaleness(output, found);
  if (found.passkeys.length === 0) {
    output.line('This account has no passkey.');
    return output.note(`Make one for a client of another make with: ${commandLine(context, 'passkey', ['new', 'DEVICE'])}`);
  }
  output.table(
    [
      { title: 'DEVICE', of: ({ device }) => device, shrinksTo: 12 },
      { title: 'ID', of: ({ id }) => id },
      { title: 'MADE', of: ({ createdMs }) => formatTime(createdMs) },
      { title: 'STATE', of: ({ expiresMs }) => (expiresMs === null ? 'active' : `replaced, ends ${formatTime(expiresMs)}`) },
    ],
    found.passkeys,
  );
};

const revokePasskey = async (context: Context, passkey: string, options: DemandOptions): Promise<void> => {
  const done = await askNode(context, 'passkey.revoke', { passkey, ...demandOf(options) });
  context.output.value(done);
  const [what, verb] = done.revoked === 1 ? ['The passkey', 'is'] : [`All ${done.revoked} passkeys`, 'are'];
  context.output.line(`${what} of ${context.output.style.bold(printable(done.device))} ${verb} revoked${keptWords(done)}.`);
};

/** Uploaded by downloaded; null where nothing was downloaded. */
const ratioOf = ({ uploadedBytes, downloadedBytes }: { readonly uploadedBytes: number; readonly downloadedBytes: number }): number | null =>
  downloadedBytes === 0 ? null : Math.round((uploadedBytes / downloadedBytes) * 1_000) / 1_000;

const ratioText = (ratio: number | null): string => (ratio === null ? '-' : ratio.toFixed(2));

/** Contents on a page. */
const PAGE_LENGTH = 20;
const PAGE_LENGTH_MAX = 500;

type StatisticsOptions = PageOptions & { readonly account?: string };

const nameOf = ({ content, name }: ContentStatistics): string =>
  content === '' ? '(contents of long ago)' : (name ?? '(not in the catalog any more)');

const statistics = async (context: Context, options: StatisticsOptions): Promise<void> => {
  const { output } = context;
  const page = pageOf(options, { preset: PAGE_LENGTH, max: PAGE_LENGTH_MAX });
  const { offset, limit } = page;
  await withNode(context, async (node) => {
    const found = give(await node.call('statistics', { account: options.account ?? null, offset, limit }));
    const { account, uploadedBytes, downloadedBytes, completed, total, contents } = found;
    const ratio = ratioOf(found);
    output.value({ ...found, ratio, contents: contents.map((content) => ({ ...content, ratio: ratioOf(content) })) });
    noteStaleness(output, found);
    output.line(
      `${output.style.bold(printable(account))}: uploaded ${formatSize(uploadedBytes)}, downloaded ${formatSize(downloadedBytes)}, ratio ${ratioText(ratio)}, ${plural(completed, 'content')} downloaded to the end`,
    );
    if (contents.length === 0) return output.note(total === 0 ? 'Nothing was transferred yet.' : `There are only ${total} contents.`);
    output.line();
    showList(
      output,
      [
        { title: 'ID', of: ({ content }) => (content === '' ? '-' : shortId(content)) },
        { title: 'NAME', of: nameOf, shrinksTo: 16 },
        { title: 'UPLOADED', of: (row) => formatSize(row.uploadedBytes), right: true },
        { title: 'DOWNLOADED', of: (row) => formatSize(row.downloadedBytes), right: true },
        { title: 'RATIO', of: (row) => ratioText(ratioOf(row)), right: true },
        { title: 'COMPLETED', of: (row) => (row.completed > 1 ? String(row.completed) : row.completed === 1 ? 'yes' : 'no'), rank: 1 },
        { title: 'LAST', of: (row) => formatTime(row.lastMs), rank: 2 },
      ],
      contents,
    );
    const flags = options.account === undefined ? [] : ['--account', options.account];
    notePage(context, 'stats', [], options, { page, count: contents.length, total, flags });
  });
};

export const passkeyCommands = (program: Command, ending: Ending): void => {
  const passkey = addGroup(program, {
    name: 'passkey',
    about: 'personal announce URLs, for BitTorrent clients of other makes',
    examples: ['shoal passkey new laptop', 'shoal passkey list', 'shoal passkey revoke laptop'],
  });
  addCommand<[string | undefined], DemandOptions>(passkey, ending, {
    usage: 'new [device]',
    about: 'make the announce URL of a device, by default of this node; shown this once',
    examples: ['shoal passkey new laptop'],
    exits: [...networkExits, EXIT.data],
    config: true,
    setup: (command) =>
      command
        .option(...requireOption)
        .addHelpText(
          'after',
          `\nA device has one passkey; the one that it had goes on for ${PASSKEY_GRACE_DAYS} days, so that its torrents can be changed in peace.\nA passkey opens announces and scrapes, and nothing else.`,
        ),
    run: (context, [device], options) => newPasskey(context, device, options),
  });
  addCommand(passkey, ending, {
    usage: 'list',
    about: 'the devices of your account that have a passkey',
    examples: ['shoal passkey list'],
    exits: networkExits,
    config: true,
    run: listPasskeys,
  });
  addCommand<[string], DemandOptions>(passkey, ending, {
    usage: 'revoke <device>',
    about: 'end the passkeys of a device at once, or the one of an ID',
    examples: ['shoal passkey revoke laptop', 'shoal passkey revoke 4f1c09aa7d3e'],
    exits: networkExits,
    config: true,
    setup: (command) => command.option(...requireOption),
    run: (context, [device], options) => revokePasskey(context, device, options),
  });
  addCommand<[], StatisticsOptions>(program, ending, {
    usage: 'stats',
    about: 'what an account has uploaded and downloaded, by content and in all',
    examples: ['shoal stats', 'shoal stats --account alice'],
    exits: networkExits,
    config: true,
    setup: (command) =>
      command
        .option('--account <name>', 'of another account; for administrators')
        .option('--page <n>', 'which page', '1')
        .option('--limit <n>', `contents on a page (default: ${PAGE_LENGTH})`)
        .addHelpText('after', '\nOf whatever client, counted once however many ways it announces by; what is new is here within a minute.'),
    run: (context, _args, options) => statistics(context, options),
  });
};
