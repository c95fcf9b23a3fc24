import { equalBytes, hmacSha256 } from '../../protocol/digest.ts';
import type { Millis } from '../../ports/clock.ts';

/** A new id so often. A client uses one for a minute (BEP 15). */
const WINDOW_MS = 60_000;
/** Ids of so many windows are taken, beside that of now: two minutes as BEP 15 wants it, and clocks that differ somewhat. */
const WINDOWS_BEFORE = 2;
const WINDOWS_AFTER = 1;
const ID_BYTES = 8;

/** From the cluster key, so that all gates of a network have the same. */
export const connectionSecret = (clusterKey: Uint8Array): Uint8Array =>
  hmacSha256(clusterKey, 'shoal: connection ids of the announce gate');

const idOf = (secret: Uint8Array, host: string, window: number): Uint8Array =>
  hmacSha256(secret, `${window} ${host}`).subarray(0, ID_BYTES);

const windowOf = (wallMs: Millis): number => Math.floor(wallMs / WINDOW_MS);

/**
 * The connection id that a client at `host` gets (BEP 15): nobody else could have it, for it was sent there. Nothing is kept for
 * it, and every gate of the network takes it.
 */
export const connectionIdFor = (secret: Uint8Array, host: string, wallMs: Millis): Uint8Array => idOf(secret, host, windowOf(wallMs));

export const isConnectionId = (secret: Uint8Array, host: string, wallMs: Millis, id: Uint8Array): boolean => {
  const now = windowOf(wallMs);
  for (let window = now + WINDOWS_AFTER; window >= now - WINDOWS_BEFORE; window--)
    if (equalBytes(idOf(secret, host, window), id)) return true;
  return false;
};
