/**
 * A run as data: which processes there are, what goes wrong when, and what users ask for when. A plan and its seed decide
 * a run to the last event. Hand-written scenarios, generated runs and shrunk failures are all plans; as files they are
 * JSON of this shape. Times are milliseconds of virtual time since the cluster was up.
 */

/** `tracker`, `backup`, `proxy1` … `proxy3`, `node1` …, `liar1` … (a peer that lies). */
export type ProcessName = string;

export interface ClusterPlan {
  /** Proxies, from 1 to 3. */
  readonly proxies: number;
  /** How many of them vote. */
  readonly witnesses: 1 | 3;
  readonly nodes: number;
  /** Peers that take part in swarms and lie. */
  readonly liars: number;
  /** BitTorrent clients of other makes, which announce at the proxies' gates; with them the network is open to all. Default: none. */
  readonly guests?: number;
  /** Bytes a second of each node's uplink; null for no limit. */
  readonly uplinkBytesPerSecond: number | null;
  /** Applied changes that a replica keeps in its log; few make the other one need the whole state. Default: as shipped. */
  readonly logEntriesKept?: number;
}

interface Timed {
  /** Unique within the plan; chance that belongs to a fault is drawn by it, so that others keep theirs when it is taken away. */
  readonly id: number;
  readonly atMs: number;
}

interface Lasting extends Timed {
  readonly forMs: number;
}

/** What goes wrong. A `Lasting` fault that is still on when chaos ends is taken back then in the core, and lasts for good outside it. */
export type Fault =
  /** Delay and jitter of one direction, as long as it lasts. */
  | (Lasting & {
      readonly kind: 'slowLink';
      readonly from: ProcessName;
      readonly to: ProcessName;
      readonly latencyMs: number;
      readonly jitterMs: number;
    })
  /** Nothing passes from one side to the other, silently; what was sent arrives when it is over. `bothWays`: a partition. */
  | (Lasting & {
      readonly kind: 'cut';
      readonly from: readonly ProcessName[];
      readonly to: readonly ProcessName[];
      readonly bothWays: boolean;
    })
  /** The connections between two processes (or all of one) end: with a reset, or half-open without a word. */
  | (Timed & { readonly kind: 'breakLinks'; readonly process: ProcessName; readonly other: ProcessName | null; readonly silently: boolean })
  /** Bytes of one direction arrive in pieces of at most so many, cut anywhere. */
  | (Lasting & { readonly kind: 'slice'; readonly from: ProcessName; readonly to: ProcessName; readonly bytesMax: number })
  /** SIGKILL; the system lives on. `afterSteps`: at that step of the process from `atMs` on, so that it may fall between any two events. */
  | (Lasting & { readonly kind: 'kill'; readonly process: ProcessName; readonly afterSteps: number })
  /** The machine loses its power: what was not synced is lost, all of it or (torn) page by page. */
  | (Lasting & { readonly kind: 'power'; readonly process: ProcessName; readonly afterSteps: number; readonly torn: boolean })
  /** SIGSTOP, SIGCONT: what arrives waits. */
  | (Lasting & { readonly kind: 'pause'; readonly process: ProcessName })
  /** Every step takes so much longer. */
  | (Lasting & { readonly kind: 'slow'; readonly process: ProcessName; readonly stepMicros: number })
  /** The monotonic clock goes at this rate (0.98 to 1.02). */
  | (Lasting & { readonly kind: 'clockRate'; readonly process: ProcessName; readonly rate: number })
  /** The wall clock jumps; it stays wrong until it jumps again. */
  | (Timed & { readonly kind: 'wallJump'; readonly process: ProcessName; readonly byMs: number })
  | (Lasting & { readonly kind: 'diskFull'; readonly process: ProcessName })
  /** Every `nth` operation on files fails with an I/O error. */
  | (Lasting & { readonly kind: 'diskError'; readonly process: ProcessName; readonly nth: number })
  | (Lasting & { readonly kind: 'diskSlow'; readonly process: ProcessName; readonly factor: number })
  /** Transactions of the ledger answer `full`. */
  | (Lasting & { readonly kind: 'ledgerFull'; readonly process: ProcessName })
  /** Every `nth` transaction of the ledger fails with an I/O error: the replica halts, and is started again after a second. */
  | (Lasting & { readonly kind: 'ledgerError'; readonly process: ProcessName; readonly nth: number })
  | (Lasting & { readonly kind: 'ledgerSlow'; readonly process: ProcessName; readonly factor: number })
  /**
   * The process is killed and loses a part of its state, and starts again after `forMs`. Skipped by the run where that
   * would take the last copy of what was acknowledged, or a majority of the voters' memory (what no protocol survives).
   */
  | (Lasting & { readonly kind: 'forget'; readonly process: ProcessName; readonly what: 'voter' | 'ledger' | 'all' })
  /** Bytes of a file that a node shares are other bytes from now on. */
  | (Timed & { readonly kind: 'bitRot'; readonly process: ProcessName });

export type FaultKind = Fault['kind'];

/** What a user of `node` asks for. Accounts and contents are numbers: names, passwords and bytes follow from them. */
export type Operation = Timed & {
  readonly node: ProcessName;
  /** A change is wanted on both replicas, or not at all. */
  readonly require?: 'replicated';
} & (
    | { readonly do: 'register'; readonly account: number }
    | { readonly do: 'login'; readonly account: number; /** Which of the passwords it has had. */ readonly password: number }
    | { readonly do: 'logout' }
    | { readonly do: 'passwd'; readonly password: number }
    | { readonly do: 'disable'; readonly account: number; readonly disabled: boolean }
    | { readonly do: 'share'; readonly content: number; readonly bytes: number }
    | { readonly do: 'unshare'; readonly content: number }
    | { readonly do: 'get'; readonly content: number }
    | { readonly do: 'search'; readonly words: string }
    | { readonly do: 'accounts' }
    /** A passkey for a device of whoever is signed in; devices are numbers, as accounts are. */
    | { readonly do: 'passkey'; readonly device: number }
    | { readonly do: 'revokePasskey'; readonly device: number }
    | { readonly do: 'passkeys' }
    /** What the account has transferred. */
    | { readonly do: 'stats' }
    /** The operator's orders (`node` is the replica asked). */
    | { readonly do: 'handOver' }
    | { readonly do: 'forcePromote' }
    /** With a download or share that the node has. */
    | { readonly do: 'manage'; readonly content: number; readonly how: 'pause' | 'resume' | 'recheck' }
    /** A client of its own sends one change this many times, in any order, over the proxies there are. */
    | { readonly do: 'repeat'; readonly account: number; readonly times: number }
  );

/** Which faults a run has, and how many: drawn for each seed, so that runs differ in kind (swarm testing). */
export interface Profile {
  /** Faults of each kind a simulated minute; a kind that is not named is off. */
  readonly faultsPerMinute: Readonly<Partial<Record<FaultKind, number>>>;
  /** Operations of each kind a simulated minute. */
  readonly operationsPerMinute: Readonly<Partial<Record<Operation['do'], number>>>;
  /** Faults prefer these processes, if there are any. */
  readonly targets: readonly ProcessName[];
}

export interface Plan {
  readonly version: 1;
  /** What this plan is, in a sentence; for people. */
  readonly about: string;
  readonly seed: number;
  readonly cluster: ClusterPlan;
  /** Faults happen so long. */
  readonly chaosMs: number;
  /** Then a core is healed, everything else stays as it is, and progress is demanded for so long. 0: no such phase. */
  readonly calmMs: number;
  /** What is healed: a majority of the voters with at least one replica that may lead, a proxy, and nodes. */
  readonly core: readonly ProcessName[];
  readonly profile: Profile | null;
  /** In the order of their times. */
  readonly faults: readonly Fault[];
  readonly operations: readonly Operation[];
}
