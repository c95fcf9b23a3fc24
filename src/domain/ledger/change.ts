import { z } from 'zod';
import { fail, ok, type Result } from '../../protocol/result.ts';
import type { Change } from './types.ts';

const text = z.string();
const millis = z.number().int().nonnegative();

const content = z.strictObject({
  id: text,
  v1: text.nullable(),
  v2: text.nullable(),
  name: text,
  tags: z.array(text),
  size: z.number().int().nonnegative(),
  files: z.number().int().nonnegative(),
  pieceLength: z.number().int().nonnegative(),
});

const bytes = z.int().nonnegative();

const tallyRow = z.strictObject({
  folded: text,
  content: text,
  source: text,
  shared: z.boolean(),
  uploadedBytes: bytes,
  downloadedBytes: bytes,
  restart: z.strictObject({ uploadedBytes: bytes, downloadedBytes: bytes, nowUploadedBytes: bytes, nowDownloadedBytes: bytes }).nullable(),
  completed: z.boolean(),
  lastMs: millis,
});

const schema: z.ZodType<Change> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('account.create'),
    name: text,
    folded: text,
    passwordHash: text,
    admin: z.boolean(),
    inviteHash: text.nullable(),
  }),
  z.strictObject({
    kind: z.literal('account.password'),
    folded: text,
    passwordHash: text,
    keepSession: text.nullable(),
    verified: text.nullable(),
  }),
  z.strictObject({ kind: z.literal('account.rehash'), folded: text, passwordHash: text, replaces: text }),
  z.strictObject({ kind: z.literal('account.disable'), folded: text, disabled: z.boolean() }),
  z.strictObject({ kind: z.literal('session.issue'), folded: text, verified: text, tokenHash: text, expiresMs: millis }),
  z.strictObject({ kind: z.literal('session.revoke'), tokenHash: text }),
  z.strictObject({ kind: z.literal('invite.create'), codeHash: text, by: text, expiresMs: millis, admin: z.boolean() }),
  z.strictObject({ kind: z.literal('own.put'), content, foldedText: text, account: text, node: text, hasTorrent: z.boolean() }),
  z.strictObject({ kind: z.literal('own.remove'), content: text, account: text, node: text }),
  z.strictObject({ kind: z.literal('passkey.issue'), folded: text, device: text, deviceFolded: text, passkeyHash: text }),
  z.strictObject({ kind: z.literal('passkey.revoke'), folded: text, deviceFolded: text, id: text }),
  z.strictObject({ kind: z.literal('tally'), rows: z.array(tallyRow) }),
]);

/** A change and the raw bytes that come with it (the torrent of a first `own.put`; else empty). */
export interface DecodedChange {
  readonly change: Change;
  readonly tail: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** JSON with the keys of every object in order: the same change is the same bytes on every replica. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** The payload of a log entry: length of the head (4 bytes, big endian), head as canonical JSON, raw tail. */
export const encodeChange = (change: Change, tail: Uint8Array = NO_BYTES): Uint8Array => {
  const head = encoder.encode(canonical(change));
  const payload = new Uint8Array(4 + head.length + tail.length);
  new DataView(payload.buffer).setUint32(0, head.length);
  payload.set(head, 4);
  payload.set(tail, 4 + head.length);
  return payload;
};

/** Reads a payload; never throws. The tail is a view into `payload`. */
export const decodeChange = (payload: Uint8Array): Result<DecodedChange> => {
  if (payload.length < 4) return fail('cut', `A change of ${payload.length} bytes is too short`);
  const headLength = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(0);
  if (headLength > payload.length - 4)
    return fail('cut', `The head of a change has ${headLength} bytes, of which ${payload.length - 4} are there`);
  let head: unknown;
  try {
    head = JSON.parse(decoder.decode(payload.subarray(4, 4 + headLength)));
  } catch {
    return fail('not-json', 'The head of a change is not JSON');
  }
  const parsed = schema.safeParse(head);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return fail(
      'unknown-change',
      `The head of a change is not one of this program's: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    );
  }
  return ok({ change: parsed.data, tail: payload.subarray(4 + headLength) });
};
