/**
 * The effective configuration of a process, after defaults: plain frozen slices that modules receive. The documented
 * schema with its defaults is in `schema.ts`; `network.json` is what must agree across a network, the rest is a process's.
 */
import type { SeedingGoal } from '../protocol/terms.ts';
import type { ScheduleEntry } from '../protocol/terms.ts';
import type { Security } from '../transports/transport.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export type Registration = 'open' | 'invite' | 'closed';

/** network.json: given to every process, and to members by the join code. */
export interface NetworkConfig {
  /** 32 hexadecimal digits. */
  readonly networkId: string;
  readonly name: string;
  /** The replicas, in order of priority: `main`, then `backup`. Where proxies and the other replica reach them. */
  readonly replicas: readonly { readonly name: string; readonly address: HostPort }[];
  /** Where nodes reach proxies; `announce`: where guests (clients of other makes) do, of those that have a gate. */
  readonly proxies: readonly { readonly name: string; readonly address: HostPort; readonly announce?: HostPort }[];
  /** So many of the proxies, the first ones, vote with the replicas. Not more than there are. */
  readonly witnesses: 1 | 3;
  readonly registration: Registration;
  readonly announceIntervalSeconds: number;
  readonly aliveSeconds: number;
  /** A node that stays silent this long is removed. */
  readonly removeSeconds: number;
  readonly sessionDays: number;
  /** Of guests. */
  readonly announce: { readonly passkeys: 'required' | 'open'; readonly intervalSeconds: number };
  /** How failures are found, by all voters alike. */
  readonly timing: {
    readonly heartbeatMs: number;
    readonly suspectMinMs: number;
    readonly suspectMaxMs: number;
    readonly degradeAfterMs: number;
  };
}

/** Secrets, from a file of mode 0600 beside the configuration. */
export interface Secrets {
  /** Among tracker, backup and proxies. */
  readonly clusterKey: Security | null;
  /** For members. */
  readonly networkKey: Security;
  /** From which session tokens are derived; on replicas only. */
  readonly tokenKey: Uint8Array | null;
  /** SHA-256 (hex) of the one-time code for the first administrator; on replicas only. */
  readonly adminCodeHash: string | null;
}

export interface LogConfig {
  readonly folder: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** A log file is rotated at this size; this many are kept. */
  readonly fileMegabytesMax: number;
  readonly filesMax: number;
}

interface ProcessConfig {
  readonly name: string;
  readonly network: NetworkConfig;
  readonly secrets: Secrets;
  /** Absolute. */
  readonly dataFolder: string;
  readonly log: LogConfig;
}

export interface ReplicaConfig extends ProcessConfig {
  readonly role: 'tracker' | 'backup';
  readonly listen: HostPort;
  readonly limits: {
    readonly torrentBytesMax: number;
    readonly linksMax: number;
    readonly passwordQueueMax: number;
    /** Applied entries kept in the log for the other replica. */
    readonly logEntriesKept: number;
  };
}

export interface ProxyConfig extends ProcessConfig {
  readonly role: 'proxy';
  /** Where members connect. */
  readonly listen: HostPort;
  readonly limits: { readonly membersMax: number; readonly requestsUnderWayMax: number; readonly requestDeadlineMs: number };
  /** Nodes enter and announce again at random within this time after a failover. */
  readonly spreadMs: number;
  readonly announce: GateConfig;
}

/** The gate of guests. */
export interface GateConfig {
  /** Null: there is none. */
  readonly listen: HostPort | null;
  readonly http: boolean;
  readonly udp: boolean;
  /** Addresses, or networks such as 10.0.0.0/8. */
  readonly trustedForwarders: readonly string[];
  readonly limits: {
    readonly connectionsMax: number;
    readonly connectionsPerAddressMax: number;
    readonly requestBytesMax: number;
    readonly requestsUnderWayMax: number;
    /** Of one address. */
    readonly requestsPerSecond: number;
    readonly failuresPerMinute: number;
    readonly rememberedMax: number;
  };
}

export interface NodeConfig extends ProcessConfig {
  readonly role: 'node';
  /** Where peers connect; port 0 lets the system choose. */
  readonly peer: {
    readonly listen: HostPort;
    readonly advertise: readonly HostPort[];
    /** This machine's own IP addresses, one of a family at most, that traffic with peers is bound to; empty: any. */
    readonly bind: readonly string[];
    /** Encrypted streams (`EncryptionPolicy` of the data plane). */
    readonly encryption: 'off' | 'allowed' | 'preferred' | 'required';
  };
  /** The HTTP API, on loopback. */
  readonly api: HostPort;
  /** Where downloads go. */
  readonly downloadFolder: string;
  /** Where they are moved once they are complete; null: they stay. */
  readonly completedFolder: string | null;
  readonly limits: {
    /** Bytes a second; 0 for no limit. */
    readonly uploadRate: number;
    readonly downloadRate: number;
    readonly peersMax: number;
    readonly peersPerTransferMax: number;
    readonly uploadSlots: number;
    readonly activeTransfersMax: number;
    /** 0 for no limit. */
    readonly activeSeedsMax: number;
    readonly pieceBufferBytesMax: number;
  };
  /** When seeding is over, for contents that have no goal of their own. */
  readonly seeding: SeedingGoal;
  readonly schedule: readonly ScheduleEntry[];
  readonly watch: WatchConfig | null;
  /** A program and its arguments, run for every download that is complete; empty: none. */
  readonly onComplete: readonly string[];
}

/** A folder in which torrents and magnets are dropped. */
export interface WatchConfig {
  /** Absolute. */
  readonly folder: string;
  /** `share`: a torrent that is dropped is published in the catalog as well. */
  readonly as: 'get' | 'share';
  /** Where the contents go, absolute; null: where downloads go. */
  readonly to: string | null;
  /** What was taken is deleted; otherwise it gets another name. */
  readonly delete: boolean;
  readonly seconds: number;
}

export type AnyConfig = ReplicaConfig | ProxyConfig | NodeConfig;
