/**
 * Control frames as bytes (docs/protocol.md): the kind as one byte, and a body. The few kinds with a rate have binary
 * bodies (`rated.ts`); all others are `u32 headBytes | head | tail`, the head a JSON object that a schema checks.
 */
import type { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../result.ts';
import { fromHex, toHex } from '../digest.ts';
import { FRAME_BYTES_MAX, HEAD_BYTES_MAX, HELLO_BYTES_MAX, REQUEST_HEAD_BYTES_MAX } from './limits.ts';
import {
  type ControlFrame,
  type HelloFrame,
  type LinkType,
  PROTOCOL_VERSION,
  type ReplyFrame,
  type VotingFrame,
  type WirePosition,
} from './messages.ts';
import { decodeRated, encodeRated, type RatedFrame } from './rated.ts';
import { heads, type HeadKind, problemOf } from './schemas.ts';

export type FrameKind = ControlFrame['kind'];

/** The byte of each kind. Never reused. */
export const KIND_BYTES: Readonly<Record<FrameKind, number>> = {
  hello: 1,
  welcome: 2,
  refuse: 3,
  ping: 4,
  pong: 5,
  request: 16,
  reply: 17,
  announce: 18,
  announced: 19,
  route: 20,
  status: 21,
  guestAnnounce: 24,
  guestAnnounced: 25,
  guestScrape: 26,
  guestScraped: 27,
  vote: 32,
  promise: 33,
  voteDenied: 34,
  propose: 35,
  accepted: 36,
  proposeDenied: 37,
  voterRead: 38,
  voterState: 39,
  heartbeat: 40,
  heartbeatAck: 41,
  preVote: 42,
  preVoteReply: 43,
  probe: 48,
  probed: 49,
  append: 50,
  appendAck: 51,
  appendNack: 52,
  snapshotChunk: 53,
  snapshotAck: 54,
  timeoutNow: 55,
  swarmDelta: 56,
  order: 64,
  ordered: 65,
};

/** A status without a report: the only kind with two forms. */
const BRIEF_STATUS_BYTE = 22;

const KIND_OF_BYTE = new Map([
  ...Object.entries(KIND_BYTES).map(([kind, byte]) => [byte, kind as FrameKind] as const),
  [BRIEF_STATUS_BYTE, 'status'] as const,
]);

const LINK: readonly FrameKind[] = ['hello', 'welcome', 'refuse', 'ping', 'pong'];
/** Between all voters: the replicas and the witnesses. */
export const VOTING: ReadonlySet<FrameKind> = new Set<VotingFrame['kind']>([
  'preVote',
  'preVoteReply',
  'vote',
  'promise',
  'voteDenied',
  'propose',
  'accepted',
  'proposeDenied',
  'voterRead',
  'voterState',
  'heartbeat',
  'heartbeatAck',
]);
const REPLICATION: readonly FrameKind[] = [
  'probe',
  'probed',
  'append',
  'appendAck',
  'appendNack',
  'snapshotChunk',
  'snapshotAck',
  'timeoutNow',
];
const GUEST: readonly FrameKind[] = ['guestAnnounce', 'guestAnnounced', 'guestScrape', 'guestScraped'];
const ALLOWED: Readonly<Record<LinkType, ReadonlySet<FrameKind>>> = {
  member: new Set([...LINK, 'request', 'reply', 'announce', 'announced', 'route']),
  proxy: new Set([...LINK, 'request', 'reply', 'announce', 'announced', 'status', ...GUEST, ...VOTING]),
  replica: new Set([...LINK, ...VOTING, ...REPLICATION]),
  swarm: new Set([...LINK, 'swarmDelta']),
  operator: new Set([...LINK, 'order', 'ordered']),
};

const RATED: ReadonlySet<FrameKind> = new Set([
  'ping',
  'pong',
  'heartbeat',
  'heartbeatAck',
  'append',
  'appendAck',
  'announce',
  'announced',
  ...GUEST,
  'swarmDelta',
]);
/** Kinds that may have a tail, and the name of the field that it is. */
const TAILS: Readonly<Partial<Record<FrameKind, 'tail' | 'bytes'>>> = { request: 'tail', reply: 'tail', snapshotChunk: 'bytes' };

export interface EncodedFrame {
  readonly kind: number;
  /** The body in pieces; a tail is the frame's own bytes, not a copy. */
  readonly parts: readonly Uint8Array[];
}

/** Fields that are positions in the log: in a head, their hash is hexadecimal digits. */
const POSITIONS = ['at', 'last', 'position'] as const;

/** Takes what a position has and no more: whoever sends one may hold it as part of something larger. */
const plainPositions = (fields: Record<string, unknown>): void => {
  for (const field of POSITIONS) {
    const value = fields[field] as WirePosition | undefined;
    if (value !== undefined) fields[field] = { seq: value.seq, epoch: value.epoch, hash: toHex(value.hash) };
  }
};

/** Instead of an answer that the other side would have to take for a violation. */
const tooLarge = (reply: ReplyFrame): ReplyFrame => ({
  ...reply,
  body: { ok: false, code: 'too-large', message: 'The answer is larger than a frame can be; ask for less at a time.' },
  tail: new Uint8Array(0),
});

/** What was encoded last: a frame that goes to several links is encoded for the first of them. */
let last: { readonly frame: ControlFrame; readonly encoded: EncodedFrame } | null = null;

/** The frame must not change afterwards. @throws RangeError for a frame with values that no decoder takes: a programmer's mistake. */
export const encodeControl = (frame: ControlFrame): EncodedFrame => {
  if (last?.frame !== frame) last = { frame, encoded: encodeAnew(frame) };
  return last.encoded;
};

const encodeAnew = (frame: ControlFrame): EncodedFrame => {
  const kind = KIND_BYTES[frame.kind];
  if (frame.kind === 'status' && frame.report === undefined) return { kind: BRIEF_STATUS_BYTE, parts: [encodeRated(frame)] };
  if (RATED.has(frame.kind)) return { kind, parts: [encodeRated(frame as RatedFrame)] };
  const fields: Record<string, unknown> = { ...frame };
  const tailField = TAILS[frame.kind];
  const tail = tailField === undefined ? null : (fields[tailField] as Uint8Array);
  delete fields['kind'];
  if (tailField !== undefined) delete fields[tailField];
  plainPositions(fields);
  const head = Buffer.from(JSON.stringify(fields), 'utf8');
  if (frame.kind === 'reply' && head.length > HEAD_BYTES_MAX) return encodeAnew(tooLarge(frame));
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32BE(head.length, 0);
  return { kind, parts: tail === null || tail.length === 0 ? [size, head] : [size, head, tail] };
};

type Violation = Failure<'violation'>;
const violation = (reason: string): Result<never, Violation> => fail('violation', reason);

/**
 * A frame of a link of this type, from its kind byte and body. Never throws; keeps nothing of `body`, which may be lent.
 * A failure means that the other side does not speak the protocol.
 */
export const decodeControl = (link: LinkType, kindByte: number, body: Uint8Array): Result<ControlFrame, Violation> => {
  const kind = KIND_OF_BYTE.get(kindByte);
  if (kind === undefined) return violation(`unknown frame kind ${kindByte}`);
  if (!ALLOWED[link].has(kind)) return violation(`a ${kind} frame has no place on ${link === 'operator' ? 'an' : 'a'} ${link} link`);
  if (body.length > FRAME_BYTES_MAX[link]) return violation(`a ${kind} frame of ${body.length} bytes`);
  if (RATED.has(kind) || kindByte === BRIEF_STATUS_BYTE) return decodeRated(kind as RatedFrame['kind'], body);
  return decodeHeaded(kind as HeadKind, body);
};

const headBytesMax = (kind: HeadKind): number => {
  if (kind === 'hello' || kind === 'welcome') return HELLO_BYTES_MAX;
  return kind === 'reply' ? HEAD_BYTES_MAX : REQUEST_HEAD_BYTES_MAX;
};

const decodeHeaded = (kind: HeadKind, lent: Uint8Array): Result<ControlFrame, Violation> => {
  const body = Buffer.from(lent.buffer, lent.byteOffset, lent.byteLength);
  if (body.length < 4) return violation(`a ${kind} frame that is cut off`);
  const headBytes = body.readUInt32BE(0);
  if (headBytes > headBytesMax(kind)) return violation(`a ${kind} frame with a head of ${headBytes} bytes`);
  if (headBytes > body.length - 4) return violation(`a ${kind} frame that is cut off`);
  const raw = parseJson(body.toString('utf8', 4, 4 + headBytes));
  if (!raw.ok) return violation(`a ${kind} frame whose head is no JSON`);
  const tailField = TAILS[kind];
  if (tailField === undefined && body.length > 4 + headBytes) return violation(`a ${kind} frame with bytes after its end`);
  const stranger = kind === 'hello' ? helloOfOtherVersion(raw.value) : null;
  if (stranger !== null) return ok(stranger);
  const parsed = (heads[kind] as z.ZodType<object>).safeParse(raw.value);
  if (!parsed.success) return violation(`a bad ${kind} frame (${problemOf(parsed.error)})`);
  const frame: Record<string, unknown> = { kind, ...bytesOfHashes(parsed.data) };
  if (tailField !== undefined) frame[tailField] = new Uint8Array(body.subarray(4 + headBytes));
  return ok(frame as unknown as ControlFrame);
};

const parseJson = (text: string): Result<unknown, null> => {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return { ok: false, error: null };
  }
};

const bytesOfHashes = (head: object): object => {
  const fields: Record<string, unknown> = { ...head };
  for (const field of POSITIONS) {
    const value = fields[field];
    if (typeof value === 'object' && value !== null && 'hash' in value && typeof value.hash === 'string') {
      fields[field] = { ...value, hash: fromHex(value.hash) };
    }
  }
  return fields;
};

/** Another version may say hello with other fields; that it is another version must be understood all the same. */
const helloOfOtherVersion = (head: unknown): HelloFrame | null => {
  if (typeof head !== 'object' || head === null || !('version' in head)) return null;
  const { version } = head;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version === PROTOCOL_VERSION) return null;
  return { kind: 'hello', version, link: 'member', networkId: '', name: '', incarnation: '', software: '' };
};
