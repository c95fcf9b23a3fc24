/** What no swarm can beat: lower bounds on the time until the last of N nodes has a file of F bytes in M pieces. */

export interface SwarmFacts {
  /** Bytes of the file. */
  readonly bytes: number;
  readonly pieces: number;
  /** Nodes that want it; the one that has it from the beginning is not counted. */
  readonly leechers: number;
  /** Bytes a second that every node, the first one too, can send. */
  readonly uplinkBytesPerSecond: number;
}

/**
 * Whole pieces, stored before they are passed on, equal uplinks: (F/u)(1 + ⌊log2 N⌋/M) seconds. The last piece leaves the
 * first node no earlier than in round M, and its holders at most double in every round after that (J. Mundinger,
 * R. Weber, G. Weiss, "Optimal scheduling of peer-to-peer file dissemination", 2008).
 */
export const storeAndForwardSeconds = ({ bytes, pieces, leechers, uplinkBytesPerSecond }: SwarmFacts): number =>
  (bytes / uplinkBytesPerSecond) * (1 + Math.floor(Math.log2(leechers)) / pieces);

/** Whatever the protocol: everything must leave the first node once, and all copies through all uplinks (R. Kumar, K. Ross, 2006). */
export const fluidSeconds = ({ bytes, leechers, uplinkBytesPerSecond }: SwarmFacts): number =>
  Math.max(bytes / uplinkBytesPerSecond, (leechers * bytes) / ((leechers + 1) * uplinkBytesPerSecond));
