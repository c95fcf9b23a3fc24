/** The frames with a high rate: hand-written binary bodies. */
import { fail, ok, type Failure, type Result } from '../result.ts';
import { Reader, Writer } from './binary.ts';
import { encodeGuest, readGuest } from './guest.ts';
import { ANNOUNCE_ITEMS_MAX, ANNOUNCED_PEERS_MAX, APPEND_ENTRIES_MAX, ENTRY_BYTES_MAX } from './limits.ts';
import type {
  AnnouncedFrame,
  AnnouncedPeer,
  AnnounceFrame,
  AnnounceItem,
  ControlFrame,
  GuestFrame,
  PingFrame,
  PongFrame,
  ReplicationFrame,
  StatusFrame,
  SwarmDeltaFrame,
  VotingFrame,
  WireEntry,
  WirePosition,
} from './messages.ts';
import { encodeSwarmDelta, readSwarmDelta } from './swarm-delta.ts';

type HeartbeatFrame = Extract<VotingFrame, { kind: 'heartbeat' }>;
type HeartbeatAckFrame = Extract<VotingFrame, { kind: 'heartbeatAck' }>;
type AppendFrame = Extract<ReplicationFrame, { kind: 'append' }>;
type AppendAckFrame = Extract<ReplicationFrame, { kind: 'appendAck' }>;

/** What a replica says of itself to every proxy, many times a second; with a report for people it is a JSON head instead. */
export type BriefStatusFrame = Omit<StatusFrame, 'report'>;

export type RatedFrame =
  | PingFrame
  | PongFrame
  | BriefStatusFrame
  | HeartbeatFrame
  | HeartbeatAckFrame
  | AppendFrame
  | AppendAckFrame
  | AnnounceFrame
  | AnnouncedFrame
  | GuestFrame
  | SwarmDeltaFrame;

const ROLES: readonly [StatusFrame['role'], ...StatusFrame['role'][]] = ['booting', 'follower', 'candidate', 'primary', 'fenced', 'halted'];
const MODES: readonly [StatusFrame['mode'], ...StatusFrame['mode'][]] = ['SYNC', 'SOLO', 'NONE'];
/** Longer than any name that is allowed. */
const NAME_BYTES_MAX = 2_048;
const EVENTS: readonly AnnounceItem['event'][] = ['none', 'started', 'completed', 'stopped'];
const HASH_BYTES = 32;
/** Smallest encodings, to bound counts. */
const ITEM_BYTES_MIN = 2 + 1 + 3 * 8 + 2;
const ANNOUNCED_BYTES_MIN = 2 + 4 + 4 + 2;
const PEER_BYTES_MIN = 2 + 2 + 2 + 1;
const ENTRY_BYTES_MIN = 8 + 8 + HASH_BYTES + 8 + 1 + 4;

export const encodeRated = (frame: RatedFrame): Uint8Array => {
  switch (frame.kind) {
    case 'ping':
      return new Writer(16)
        .integer(frame.nonce)
        .text(frame.node ?? '')
        .finish();
    case 'pong':
      return new Writer(17)
        .integer(frame.nonce)
        .u8(frame.roundTripMicros === null ? 0 : 1)
        .integer(frame.roundTripMicros ?? 0)
        .finish();
    case 'status':
      return encodeStatus(frame);
    case 'heartbeat':
      return new Writer(64).integer(frame.epoch).u32(frame.v).integer(frame.round).integer(frame.commitSeq).short(frame.primary).finish();
    case 'heartbeatAck':
      return new Writer(18).integer(frame.epoch).integer(frame.round).u16(frame.proxyReach).finish();
    case 'append':
      return encodeAppend(frame);
    case 'appendAck':
      return new Writer(24).integer(frame.epoch).integer(frame.durableSeq).integer(frame.appliedSeq).finish();
    case 'announce':
      return encodeAnnounce(frame);
    case 'announced':
      return encodeAnnounced(frame);
    case 'guestAnnounce':
    case 'guestAnnounced':
    case 'guestScrape':
    case 'guestScraped':
      return encodeGuest(frame);
    case 'swarmDelta':
      return encodeSwarmDelta(frame);
  }
};

/** Never throws. */
export const decodeRated = (kind: RatedFrame['kind'], body: Uint8Array): Result<ControlFrame, Failure<'violation'>> => {
  const reader = new Reader(body);
  const frame = read(kind, reader);
  if (reader.bad === null && reader.left > 0) reader.fail('bytes after its end');
  return reader.bad === null ? ok(frame) : fail('violation', `a ${kind} frame with ${reader.bad}`);
};

const read = (kind: RatedFrame['kind'], r: Reader): RatedFrame => {
  switch (kind) {
    case 'ping':
      return { kind, nonce: r.integer(), node: orNull(r.text(NAME_BYTES_MAX)) };
    case 'pong':
      return readPong(r);
    case 'status':
      return readStatus(r);
    case 'heartbeat':
      return { kind, epoch: r.integer(), v: r.u32(), round: r.integer(), commitSeq: r.integer(), primary: r.short() };
    case 'heartbeatAck':
      return { kind, epoch: r.integer(), round: r.integer(), proxyReach: r.u16() };
    case 'append':
      return readAppend(r);
    case 'appendAck':
      return { kind, epoch: r.integer(), durableSeq: r.integer(), appliedSeq: r.integer() };
    case 'announce':
      return readAnnounce(r);
    case 'announced':
      return readAnnounced(r);
    case 'guestAnnounce':
    case 'guestAnnounced':
    case 'guestScrape':
    case 'guestScraped':
      return readGuest(kind, r);
    case 'swarmDelta':
      return readSwarmDelta(r);
  }
};

const times = <T>(n: number, make: () => T): T[] => Array.from({ length: n }, make);

/** Names are never empty. */
const orNull = (name: string): string | null => (name === '' ? null : name);

const readPong = (r: Reader): PongFrame => {
  const nonce = r.integer();
  const known = r.flag();
  const roundTripMicros = r.integer();
  return { kind: 'pong', nonce, roundTripMicros: known ? roundTripMicros : null };
};

const encodeStatus = (frame: BriefStatusFrame): Uint8Array =>
  new Writer(96)
    .short(frame.name)
    .u8(ROLES.indexOf(frame.role))
    .integer(frame.epoch)
    .short(frame.primary ?? '')
    .u8(MODES.indexOf(frame.mode))
    .integer(frame.appliedSeq)
    .short(frame.waitsFor ?? '')
    .finish();

const readStatus = (r: Reader): BriefStatusFrame => ({
  kind: 'status',
  name: r.short(),
  role: oneOf(r, ROLES),
  epoch: r.integer(),
  primary: orNull(r.short()),
  mode: oneOf(r, MODES),
  appliedSeq: r.integer(),
  waitsFor: orNull(r.short()),
});

const oneOf = <T>(r: Reader, words: readonly [T, ...T[]]): T => {
  const word = words[r.u8()];
  if (word === undefined) r.fail('an unknown word');
  return word ?? words[0];
};

// ---- append ----------------------------------------------------------------------------------------------------

const writePosition = (w: Writer, at: WirePosition): Writer => {
  if (at.hash.length !== HASH_BYTES) throw new RangeError(`A log hash of ${at.hash.length} bytes`);
  return w.integer(at.seq).integer(at.epoch).raw(at.hash);
};

const readPosition = (r: Reader): WirePosition => ({ seq: r.integer(), epoch: r.integer(), hash: r.raw(HASH_BYTES) });

const encodeAppend = (frame: AppendFrame): Uint8Array => {
  const bytes = frame.entries.reduce((sum, entry) => sum + entry.payload.length + 128, 128);
  const w = new Writer(bytes).integer(frame.epoch).integer(frame.commitSeq);
  writePosition(w, frame.before).u16(frame.entries.length);
  for (const entry of frame.entries) {
    writePosition(w, entry).integer(entry.wallMs);
    if (entry.requestId === null) w.u8(0);
    else w.u8(1).short(entry.requestId.client).integer(entry.requestId.n);
    w.u32(entry.payload.length).raw(entry.payload);
  }
  return w.finish();
};

const readAppend = (r: Reader): AppendFrame => {
  const epoch = r.integer();
  const commitSeq = r.integer();
  const before = readPosition(r);
  const count = r.count(r.u16(), APPEND_ENTRIES_MAX, ENTRY_BYTES_MIN);
  return { kind: 'append', epoch, commitSeq, before, entries: times(count, () => readEntry(r)) };
};

const readEntry = (r: Reader): WireEntry => {
  const position = readPosition(r);
  const wallMs = r.integer();
  const requestId = r.flag() ? { client: r.short(), n: r.integer() } : null;
  const payload = r.raw(r.count(r.u32(), ENTRY_BYTES_MAX, 1));
  return { ...position, wallMs, requestId, payload };
};

// ---- announce --------------------------------------------------------------------------------------------------

const encodeAnnounce = (frame: AnnounceFrame): Uint8Array => {
  const w = new Writer(64 + frame.items.length * 72)
    .short(frame.node)
    .short(frame.incarnation)
    .integer(frame.sequence)
    .u8(frame.items.length);
  for (const item of frame.items) {
    w.short(item.content).u8(EVENTS.indexOf(item.event));
    w.integer(item.leftBytes).integer(item.uploadedBytes).integer(item.downloadedBytes).u16(item.want);
  }
  return w.finish();
};

const readAnnounce = (r: Reader): AnnounceFrame => {
  const node = r.short();
  const incarnation = r.short();
  const sequence = r.integer();
  const count = r.count(r.u8(), ANNOUNCE_ITEMS_MAX, ITEM_BYTES_MIN);
  return { kind: 'announce', node, incarnation, sequence, items: times(count, () => readItem(r)) };
};

const readItem = (r: Reader): AnnounceItem => {
  const content = r.short();
  const event = EVENTS[r.u8()];
  if (event === undefined) r.fail('an unknown event');
  return {
    content,
    event: event ?? 'none',
    leftBytes: r.integer(),
    uploadedBytes: r.integer(),
    downloadedBytes: r.integer(),
    want: r.u16(),
  };
};

const encodeAnnounced = (frame: AnnouncedFrame): Uint8Array => {
  const w = new Writer(1_024).short(frame.node).integer(frame.sequence).u32(frame.intervalSeconds);
  w.u8((frame.warming ? 1 : 0) + (frame.unknownNode ? 2 : 0)).u8(frame.items.length);
  for (const item of frame.items) {
    w.short(item.content).u32(item.seeders).u32(item.leechers).u16(item.peers.length);
    for (const peer of item.peers)
      w.short(peer.node)
        .short(peer.host)
        .u16(peer.port)
        .u8(peer.seeder ? 1 : 0);
  }
  return w.finish();
};

const readAnnounced = (r: Reader): AnnouncedFrame => {
  const node = r.short();
  const sequence = r.integer();
  const intervalSeconds = r.u32();
  const flags = r.u8();
  if (flags > 3) r.fail('unknown flags');
  const count = r.count(r.u8(), ANNOUNCE_ITEMS_MAX, ANNOUNCED_BYTES_MIN);
  return {
    kind: 'announced',
    node,
    sequence,
    intervalSeconds,
    warming: (flags & 1) !== 0,
    unknownNode: (flags & 2) !== 0,
    items: times(count, () => readAnnouncedItem(r)),
  };
};

const readAnnouncedItem = (r: Reader): AnnouncedFrame['items'][number] => {
  const content = r.short();
  const seeders = r.u32();
  const leechers = r.u32();
  const count = r.count(r.u16(), ANNOUNCED_PEERS_MAX, PEER_BYTES_MIN);
  return { content, seeders, leechers, peers: times(count, () => readPeer(r)) };
};

const readPeer = (r: Reader): AnnouncedPeer => ({ node: r.short(), host: r.short(), port: r.u16(), seeder: r.flag() });
