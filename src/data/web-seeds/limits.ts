/** Limits of web seeds. */
export const webSeedLimits = {
  /** Of one torrent; the rest of a longer list is passed over. */
  seedsMax: 16,
  /** Connections of one transfer, and of it to one server. */
  lanesMax: 4,
  lanesPerServerMax: 2,
  dialTimeoutMs: 10_000,
  /** Until an answer begins, and between two of its parts. */
  silenceMs: 20_000,
  /** Who sends less than that in that time is too slow to be of use. */
  slowMs: 30_000,
  slowBytes: 16 * 1024,
  /** A connection without a request is closed after this. */
  idleMs: 15_000,
  redirectsMax: 5,
  /** Where redirects lead, by file, so that not every request goes round. */
  redirectsKeptMax: 1_024,
  /** Of answers that are of no use, so much is read to keep the connection. */
  drainBytesMax: 64 * 1024,
} as const;
