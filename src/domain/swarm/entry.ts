import type { Micros } from '../../ports/clock.ts';
import type { WireAddress, WireSwarmItem } from '../../protocol/control/messages.ts';
import type { Reach } from './addresses.ts';
import type { GuestAddress } from './guests.ts';
import type { UploadLoad } from './load.ts';
import type { PeerFacts } from './swarm.ts';
import type { EnterFacts, NodeRecord, Origin } from './types.ts';

/** What a guest has that a node has not. */
export interface GuestIdentity {
  /** 40 hexadecimal digits. */
  readonly peerId: string;
  /** SHA-256 of the passkey that it announced with last, 64 hexadecimal digits; '' for none. */
  readonly passkeyHash: string;
  readonly places: readonly GuestAddress[];
}

/** A node or a guest as the registry knows it. */
export interface Entry extends NodeRecord {
  guest: GuestIdentity | null;
  origin: Origin;
  proxy: string;
  reach: Reach;
  heardAt: Micros;
  addresses: readonly WireAddress[];
  /** As it said with `alive`. */
  saidBytes: number;
  /** Added up from its announces. */
  announcedBytes: number;
  uploadedBytes: number;
  /** Whether `alive` was heard: from then on, what its counter grows by is new. */
  said: boolean;
  readonly load: UploadLoad;
  /** So much longer than a node it may be silent. */
  readonly patience: Micros;
  readonly swarms: Set<string>;
  /** The highest of its announces that was heard, of this incarnation. */
  sequence: number;
  /** What it announced up to this one was before its goodbye, or under another account: that means nothing any more. */
  readonly floor: number;
}

/** Whether nothing is new of where a node is: told again and again, that must cost little. */
export const samePlace = (entry: Entry, { name, addresses }: Pick<EnterFacts, 'name' | 'addresses'>, { proxy, host }: Origin): boolean =>
  entry.name === name &&
  entry.origin.proxy === proxy &&
  entry.origin.host === host &&
  entry.addresses.length === addresses.length &&
  entry.addresses.every((address, index) => address.host === addresses[index]?.host && address.port === addresses[index].port);

const SILENT_MS_MAX = 0xffff_ffff;

export const silence = (heardAt: Micros, now: Micros): number => Math.min(SILENT_MS_MAX, Math.max(0, Math.floor((now - heardAt) / 1_000)));

/** A guest's sequences are times of this replica, which mean nothing to another: it goes by the silence. */
export const itemOf = (content: string, facts: PeerFacts, guest: boolean, now: Micros): WireSwarmItem => ({
  content,
  sequence: guest ? 0 : facts.sequence,
  leftBytes: facts.leftBytes,
  uploadedBytes: facts.uploadedBytes,
  stopped: facts.stopped,
  paused: facts.paused,
  silentMs: silence(facts.heardAt, now),
});

/** Both counters tell of the same uploads. A first report is about all the time before: no load. */
export const countUpload = (entry: Entry, recent: boolean, now: Micros): void => {
  const before = entry.uploadedBytes;
  entry.uploadedBytes = Math.max(entry.saidBytes, entry.announcedBytes);
  if (recent) entry.load.add(Math.max(0, entry.uploadedBytes - before), now);
};
