/** What an operator sees of a replica (`shoal status --cluster`). */

/** The last change of primary, as a replica knows it. */
export interface FailoverReport {
  /** By the clock of the replica that tells it. */
  readonly wallMs: number;
  /** The epoch that began. */
  readonly epoch: number;
  /** Who led before; null where nobody was known to. */
  readonly from: string | null;
  readonly to: string;
  /** A short sentence for people, at most `FAILOVER_WHY_CHARACTERS_MAX`: "main was silent for 1.0 s". */
  readonly why: string;
}

/** What one replica says of itself and, where it leads, of the others. */
export interface ReplicaReport {
  readonly name: string;
  readonly role: 'booting' | 'follower' | 'candidate' | 'primary' | 'fenced' | 'halted';
  readonly mode: 'SYNC' | 'SOLO' | 'NONE';
  readonly epoch: number;
  /** Raised by a forced promotion; 0 in a network that never had one. */
  readonly generation: number;
  readonly primary: string | null;
  /** See `StatusFrame.waitsFor`. */
  readonly waitsFor: string | null;
  readonly lastSeq: number;
  readonly commitSeq: number;
  readonly appliedSeq: number;
  /** Of a primary: the other replicas. Empty elsewhere. */
  readonly followers: readonly {
    readonly name: string;
    /** The phase of the replication link to it. */
    readonly state: string;
    /** Entries that it has not acknowledged. */
    readonly lagEntries: number;
    /** Their payload; null where that is not known without reading the log. */
    readonly lagBytes: number | null;
  }[];
  /** Every voter, the replica itself too. `reachable`: it has answered this primary lately; elsewhere, there is a link to it. */
  readonly voters: readonly { readonly name: string; readonly reachable: boolean }[];
  readonly lastFailover: FailoverReport | null;
  /** A hand-over, asked for by the operator or by the primary itself, is under way. */
  readonly draining: boolean;
}

/** In UTF-16 units; of `FailoverReport.why`. */
export const FAILOVER_WHY_CHARACTERS_MAX = 120;
