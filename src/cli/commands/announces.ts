/** `--announce` and `--device`: whose announce URLs stand in a torrent or a link. */
import type { Command } from 'commander';
import { givenTiers } from '../../domain/accounts/passkeys.ts';
import type { ApiCalls } from '../../protocol/api.ts';
import type { Context } from '../command.ts';
import { keptWords } from '../durability.ts';
import { give, stopWith } from '../exit.ts';
import { commandLine } from '../hints.ts';
import { type NodeAccess, withNode } from '../node-access.ts';
import { formatTime, printable } from '../render/format.ts';

export interface AnnounceOptions {
  readonly announce: readonly string[];
  readonly device?: string;
}

type AnnouncedCall = 'torrent' | 'magnet';
type Made = ApiCalls['passkey.new']['result'];

interface Announced<K extends AnnouncedCall> {
  readonly found: ApiCalls[K]['result'];
  /** Of the passkey that was made for it; for programs. */
  readonly device: Partial<Pick<Made, 'device' | 'replacedUntilMs'>> & { readonly passkeyId?: string };
  /** What is to be known about the URLs in it. */
  readonly note: string;
}

const collect = (value: string, all: readonly string[]): string[] => [...all, value];

export const addAnnounceOptions = (command: Command): Command =>
  command
    .option(
      '--announce <url>',
      'in place of your own: one that "shoal passkey new" printed for another device; may be given several times',
      collect,
      [],
    )
    .option('--device <name>', 'for a client on another device: make its passkey now, in place of one that it has, and put that in');

const OWN =
  'It holds your own announce URL: who has it announces in your name. Pass it on to nobody; others get theirs with the same command.';
const GIVEN = 'It holds the announce URL that was given: who has it announces in the name of whose it is. Pass it on to nobody else.';
const ofDevice = (device: string): string =>
  `It holds the announce URL of ${printable(device)}: who has it announces in your name. Open it on that device, and pass it on to nobody.`;

/** Only where it has a place to stand: a passkey that is made takes the place of another. */
const makePasskey = async (context: Context, node: NodeAccess, device: string): Promise<Made> => {
  if (give(await node.call('status', {})).gates.length === 0)
    stopWith(
      'no-gate',
      'No proxy of this network takes announces of other programs: none has "announce" in network.json. No passkey was made.',
    );
  const made = give(await node.call('passkey.new', { device }));
  const name = printable(made.device);
  const before =
    made.replacedUntilMs === null
      ? ''
      : ` The one that it had goes on until ${formatTime(made.replacedUntilMs)}; end both with: ${commandLine(context, 'passkey', ['revoke', made.device])}`;
  context.output.note(`A passkey for ${name} (${made.id}) is made${keptWords(made)}.${before}`);
  return made;
};

/** Asks the node for a torrent or a link with the announce URLs that the options name: by themselves those of the node. */
export const announced = <K extends AnnouncedCall>(
  context: Context,
  call: K,
  args: Omit<ApiCalls[K]['args'], 'announce'>,
  { announce, device }: AnnounceOptions,
): Promise<Announced<K>> => {
  if (device !== undefined && announce.length > 0)
    stopWith('usage', '--device makes an announce URL and --announce gives one: only one of them can stand in the torrent.');
  const tiers = givenTiers(announce);
  if (!tiers.ok) stopWith('usage', `${tiers.error.message}.`);
  return withNode(context, async (node) => {
    const ask = async (urls?: readonly string[]): Promise<ApiCalls[K]['result']> =>
      give(await node.call(call, { ...args, ...(urls === undefined ? {} : { announce: urls }) } as ApiCalls[K]['args']));
    if (device === undefined) {
      const found = await ask(announce.length === 0 ? undefined : announce);
      return { found, device: {}, note: announce.length === 0 ? OWN : GIVEN };
    }
    // Whether there is such a content at all is known before its passkey is made.
    await ask([]);
    const made = await makePasskey(context, node, device);
    const { device: name, id: passkeyId, replacedUntilMs } = made;
    const found = await ask(made.announce.map(({ http }) => http));
    return { found, device: { device: name, passkeyId, replacedUntilMs }, note: ofDevice(name) };
  });
};
