/**
 * What a node can be asked by its own user: the calls behind the HTTP API on loopback and the command line. A call is
 * answered once; progress is read by asking again (`transfers`).
 */
import type {
  AccountSummary,
  ClusterReport,
  ContentSummary,
  Durability,
  OperationResults,
  RequestFrame,
  SearchPage,
} from './control/messages.ts';

/**
 * Set on answers that a follower gave because there is no primary: newer changes may be missing, this node's own included
 * (docs/availability.md).
 */
export interface Staleness {
  readonly stale?: true;
}

/**
 * How a change is kept: `replicated` on both trackers, `local` on one (the other was down), `none` where the network has
 * not said so yet.
 */
export interface Kept {
  readonly durability: Durability;
}

/** What a change may demand: `replicated` is refused as `degraded` where it would be kept on one tracker only. */
export interface Demand {
  readonly require?: RequestFrame['require'];
}

/** Where ordinary clients announce with a passkey: at the gate of a proxy. */
export interface AnnounceUrls {
  readonly proxy: string;
  readonly http: string;
  readonly udp: string;
}

/** `metadata`: the torrent of a magnet link is being fetched. */
export type TransferState = 'metadata' | 'checking' | 'waiting' | 'downloading' | 'seeding' | 'moving' | 'paused' | 'failed';

export interface TransferSource {
  /** Node id, or the peer's address where it is no node of ours. */
  readonly node: string;
  /** The node's own name where known. */
  readonly name: string;
  readonly bytes: number;
  /** What a peer runs that is no node of ours, where it is known. */
  readonly client?: string;
}

/** How a tracker of a torrent is doing. */
export interface TrackerSummary {
  /** Without what may be a secret in it. */
  readonly url: string;
  /** From 0 (BEP 12): those of a higher tier are asked when none of a lower one answers. */
  readonly tier: number;
  /** `idle`: not asked yet, or kept in reserve. */
  readonly state: 'idle' | 'asking' | 'working' | 'failed';
  /** Of the swarm, as it said last; null where it has not. */
  readonly seeders: number | null;
  readonly leechers: number | null;
  /** What it, or the way to it, said last: why it failed, or what it warns of. */
  readonly message: string | null;
  /** Until it is asked again; null while it is being asked, in reserve, or not to be asked any more. */
  readonly nextInSeconds: number | null;
}

/** How a web seed of a transfer is doing (BEP 19). */
export interface WebSeedSummary {
  /** Without what may be a secret in it. */
  readonly url: string;
  /** `failed`: left alone for a while; `lacking`: it has nothing of this; `banned`: it sent wrong data. */
  readonly state: 'idle' | 'working' | 'failed' | 'lacking' | 'banned';
  /** What it failed with last, or why it lacks files. */
  readonly message: string | null;
  readonly connections: number;
  readonly downRate: number;
  /** Since the node started. */
  readonly downloadedBytes: number;
  /** Part of the pieces that it has, as far as is known: 0 to 1. */
  readonly has: number;
}

/** Where peers of a transfer meet: by the network's catalog, by the torrent's own trackers, or both. */
export type SwarmPlace = 'catalog' | 'trackers' | 'both';

/** By which part, if any, seeding is over; null: no matter. */
export interface GoalSummary {
  /** Bytes given for each byte of the content. */
  readonly ratio: number | null;
  readonly seconds: number | null;
}

/** What its user may change of a transfer. */
export interface TransferTerms {
  /** Its number in the queue, from 1: of those that are downloaded, or of those that are complete. */
  readonly queue: number;
  /** All that is wanted is there. */
  readonly complete: boolean;
  /** It became complete, and is being moved or seen to by the program for that. */
  readonly finishing: boolean;
  readonly sequential: boolean;
  /** Its own limits in bytes a second; 0 for none. */
  readonly uploadLimit: number;
  readonly downloadLimit: number;
  /** That of the node where it has none of its own. */
  readonly goal: GoalSummary;
  /** Each piece is given about once, as long as others do not have everything (BEP 16). */
  readonly superSeeding: boolean;
  readonly ratio: number;
  readonly seededSeconds: number;
}

/** `skip`: not wanted. */
export type FilePriority = 'skip' | 'low' | 'normal' | 'high';

export interface FileSummary {
  /** From the torrent's name on, with "/" between. */
  readonly path: string;
  readonly size: number;
  /** Verified and on disk. */
  readonly doneBytes: number;
  readonly priority: FilePriority;
}

export interface TransferSummary {
  /** Absent while the torrent of a link is still to be fetched. */
  readonly terms?: TransferTerms;

  readonly id: string;
  readonly name: string;
  readonly state: TransferState;
  /** For waiting, paused and failed: why, and what to do. Null where it was paused by its user. */
  readonly reason: string | null;
  /** Of the chosen files, padding not counted. */
  readonly size: number;
  /** Verified and on disk. */
  readonly doneBytes: number;
  /** Bytes a second, over the last seconds. */
  readonly downRate: number;
  readonly upRate: number;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Null when unknown. */
  readonly secondsLeft: number | null;
  readonly peers: number;
  readonly seeders: number;
  readonly sources: readonly TransferSource[];
  readonly piecesBad: number;
  readonly folder: string;
  /** Whether the catalog names this node as an owner. */
  readonly owned: boolean;
  readonly swarm: SwarmPlace;
}

export interface PeerSummary {
  readonly node: string;
  readonly name: string;
  readonly address: string;
  readonly client: string;
  readonly downRate: number;
  readonly upRate: number;
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
  /** 0 to 1. */
  readonly has: number;
  readonly choking: boolean;
  readonly choked: boolean;
  readonly interested: boolean;
  readonly wanted: boolean;
}

export interface NodeStatus {
  readonly node: string;
  readonly name: string;
  readonly network: string;
  readonly version: string;
  /** The account that is signed in. */
  readonly account: string | null;
  /** How the node stands to the network, in the words of its session machine. */
  readonly session: string;
  readonly proxy: string | null;
  readonly epoch: number;
  readonly primary: string | null;
  readonly peerPort: number | null;
  /** Where BitTorrent clients of other makes announce: HOST:PORT of each gate, for HTTP and UDP. */
  readonly gates: readonly string[];
  readonly folder: string;
  readonly downRate: number;
  readonly upRate: number;
  readonly transfers: number;
}

/** Every call: its arguments and its result. */
export type ApiCalls = {
  status: { args: Record<string, never>; result: NodeStatus };
  register: { args: { name: string; password: string; code: string | null } & Demand; result: OperationResults['register'] & Kept };
  /** Signs the node in: the token is kept by the node (mode 0600), never given out. */
  login: { args: { name: string; password: string } & Demand; result: { account: string; admin: boolean } & Kept };
  logout: { args: Demand; result: Kept };
  whoami: { args: Record<string, never>; result: OperationResults['whoami'] & Staleness };
  passwd: { args: { oldPassword: string; newPassword: string } & Demand; result: Kept };
  invite: { args: { admin: boolean } & Demand; result: OperationResults['invite'] & Kept };
  accounts: { args: { after: string; limit: number }; result: { accounts: readonly AccountSummary[] } & Staleness };
  'account.disable': { args: { name: string; disabled: boolean } & Demand; result: Kept };
  'account.reset': { args: { name: string; newPassword: string } & Demand; result: Kept };
  /**
   * A passkey for a device of the account that is signed in; told this once. The one that the device has goes on for a grace
   * period. `announce`: the personal URLs for ordinary clients, one for each proxy that has a gate.
   */
  'passkey.new': {
    args: { device: string } & Demand;
    result: OperationResults['passkey.new'] & { readonly announce: readonly AnnounceUrls[] } & Kept;
  };
  passkeys: { args: Record<string, never>; result: OperationResults['passkeys'] & Staleness };
  /** By device, or by the id of one; at once. */
  'passkey.revoke': { args: { passkey: string } & Demand; result: OperationResults['passkey.revoke'] & Kept };
  /** What an account has transferred; `account` null: the one that is signed in. */
  statistics: { args: { account: string | null; offset: number; limit: number }; result: OperationResults['statistics'] & Staleness };
  /** Starts hashing; follow it in `shares` until it is done. */
  share: {
    args: { paths: readonly string[]; name: string | null; tags: readonly string[]; v1: boolean; pieceLength: number | null } & Demand;
    result: { job: number };
  };
  /** The state of a share job. */
  shareJob: {
    args: { job: number };
    result: {
      state: 'hashing' | 'registering' | 'done' | 'failed';
      doneBytes: number;
      size: number;
      /** Links, devices and the like that were left out. */
      skipped: number;
      id: string | null;
      /**
       * Where the state is `failed`: whether the node shares it all the same, and tells the catalog when that listens. With
       * the code `indeterminate` the catalog may have it already.
       */
      kept: boolean;
      code: string | null;
      message: string | null;
      /** Of the catalog's entry, once the state is `done`. */
      durability: Durability;
      /** Where it lies, if this node shared it already. */
      already?: string;
    };
  };
  /**
   * Takes a torrent that is there already into the catalog, under its info-hash: the bytes of a torrent file in base64, or
   * the id of a transfer. Its data is looked for at `data`, in the folder `beside`, and in the download folder, and checked.
   * Answers with a job, to be followed in `shareJob`.
   */
  publish: {
    args: {
      torrent: string | null;
      id: string | null;
      data: string | null;
      beside: string | null;
      tags: readonly string[];
    } & Demand;
    result: { job: number };
  };
  search: { args: { words: string; offset: number; limit: number }; result: SearchPage & Staleness };
  /**
   * By id, by words that match exactly one content (otherwise `ambiguous`, with the candidates in the message), by magnet
   * link, or by the bytes of a torrent file in base64. What the catalog knows is the catalog's; all else is told of by its
   * own trackers. `content` is null while the metadata of a link is still to be fetched; the id may be another then.
   */
  get: {
    args: { what: string; to: string | null; files: readonly string[]; sequential: boolean; torrent?: string };
    result: { id: string; content: ContentSummary | null };
  };
  /**
   * The torrent file of a content, in base64: of the catalog's with this member's own announce URLs (`personal`), of any
   * other as it came. By id, or by words that match one content. `announce`: with these announce URLs in place of its own,
   * or none; of the catalog's alone.
   */
  torrent: {
    args: { what: string; announce?: readonly string[] };
    result: { id: string; name: string; torrent: string; personal: boolean };
  };
  /** Its magnet link; `bare`: without trackers, so that it holds no secret; `announce`: as of the torrent file. */
  magnet: {
    args: { what: string; bare: boolean; announce?: readonly string[] };
    result: { id: string; name: string; magnet: string; personal: boolean };
  };
  transfers: { args: { id: string | null }; result: { transfers: readonly TransferSummary[] } };
  peers: {
    args: { id: string };
    result: {
      readonly peers: readonly PeerSummary[];
      readonly trackers: readonly TrackerSummary[];
      readonly webSeeds: readonly WebSeedSummary[];
    };
  };
  pause: { args: { id: string }; result: Record<string, never> };
  resume: { args: { id: string }; result: Record<string, never> };
  remove: { args: { id: string; data: boolean }; result: Record<string, never> };
  recheck: { args: { id: string }; result: Record<string, never> };
  /** Answers when the catalog has said that it forgets it, or cannot be asked now: then it is told later. */
  unshare: { args: { id: string } & Demand; result: Kept };
  files: { args: { id: string }; result: { files: readonly FileSummary[]; sequential: boolean } };
  /** Globs by priority: what is skipped first, then the others from low to high. `sequential`: null leaves it as it is. */
  'files.set': {
    args: { id: string; sequential: boolean | null } & { readonly [P in FilePriority]: readonly string[] };
    result: { files: readonly FileSummary[]; sequential: boolean };
  };
  /** Its number in the queue afterwards, from 1. */
  queue: { args: { id: string; move: 'top' | 'bottom' | 'up' | 'down' }; result: { queue: number } };
  /** Of the node (`id` null) or of one transfer; a rate that is null stays as it is. Answers with what is set, and what holds now. */
  limits: {
    args: { id: string | null; uploadRate: number | null; downloadRate: number | null };
    result: { uploadRate: number; downloadRate: number; now: { uploadRate: number; downloadRate: number }; scheduled: boolean };
  };
  /** Sets the goal of a transfer: `node` for that of the node's configuration; null only asks. And whether it super-seeds. */
  seed: { args: { id: string; goal: GoalSummary | 'node' | null; superSeeding?: boolean }; result: TransferTerms };
  /** Answers when the files lie there; `folder` is absolute. */
  move: { args: { id: string; folder: string }; result: { folder: string } };
  /** In the order in which they entered; without `limit` as many as fit into one answer (200). */
  nodes: { args: { offset?: number; limit?: number }; result: OperationResults['nodes'] & Staleness };
  /** `node`: its id, the first digits of one (4 or more), or a name that only one has (otherwise `ambiguous`). */
  ping: { args: { node: string }; result: OperationResults['ping'] };
  /** The trackers and voters of the network, as this node's proxy sees them; also while none of them leads or answers. */
  cluster: { args: Record<string, never>; result: ClusterReport };
  /** Stops the daemon cleanly. */
  stop: { args: Record<string, never>; result: Record<string, never> };
};

export type ApiCallName = keyof ApiCalls;
