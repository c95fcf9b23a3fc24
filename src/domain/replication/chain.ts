/** The hash chain of the op log: every entry's hash covers all that came before it. */
import { equalBytes, sha256 } from '../../protocol/digest.ts';
import type { Epoch, LogEntry, LogPosition, RequestId } from './types.ts';

/** SHA-256(hash of the previous entry || payload). */
export const chainHash = (previous: Uint8Array, payload: Uint8Array): Uint8Array => {
  const both = new Uint8Array(previous.length + payload.length);
  both.set(previous);
  both.set(payload, previous.length);
  return sha256(both);
};

/** The entry that follows `previous`. */
export const nextEntry = (
  previous: LogPosition,
  epoch: Epoch,
  change: { readonly requestId: RequestId | null; readonly payload: Uint8Array; readonly wallMs: number },
): LogEntry => ({
  seq: previous.seq + 1,
  epoch,
  hash: chainHash(previous.hash, change.payload),
  requestId: change.requestId,
  payload: change.payload,
  wallMs: change.wallMs,
});

/** Whether the entries follow `before` without a gap, in rising epochs, each with the hash that it must have. */
export const chains = (before: LogPosition, entries: readonly LogEntry[]): boolean => {
  let previous = before;
  for (const entry of entries) {
    if (entry.seq !== previous.seq + 1 || entry.epoch < previous.epoch) return false;
    if (!equalBytes(entry.hash, chainHash(previous.hash, entry.payload))) return false;
    previous = entry;
  }
  return true;
};

/** The same place in the same history. */
export const samePosition = (a: LogPosition, b: LogPosition): boolean =>
  a.seq === b.seq && a.epoch === b.epoch && equalBytes(a.hash, b.hash);

/** Position alone, without the payload that would keep memory. */
export const positionOf = (entry: LogPosition): LogPosition => ({ seq: entry.seq, epoch: entry.epoch, hash: entry.hash });

/** Under which key a table holds a request. */
export const requestKey = (id: RequestId): string => `${id.client}:${id.n}`;
