/**
 * Control messages of Shoal's own links (docs/protocol.md). Each type of link has a closed union of frames: `member` (node
 * to proxy), `proxy` (proxy to replica), `replica` and `swarm` (tracker to backup), `operator` (a command to a replica). The
 * words of the original program stand where it has the thing: register, login, enter, exit, alive, own, need.
 */

import type { AccountStatistics, PasskeySummary } from './members.ts';
import type { ClusterReport, OperatorOnlyFrame, ServerReport } from './operator.ts';
import type { GuestFrame } from './guest.ts';
import type { ReplicationFrame, VotingFrame, WireRequestId } from './pair.ts';
import type { SwarmDeltaFrame } from './swarm-delta.ts';

export type * from './guest.ts';
export type * from './members.ts';
export type * from './operator.ts';
export type * from './pair.ts';
export type * from './report.ts';
export type { SwarmDeltaFrame, WireSwarmItem, WireSwarmNode } from './swarm-delta.ts';

/** Raised when an old program could misunderstand a new one. The two sides of a hello must have the same. */
export const PROTOCOL_VERSION = 3;

// ---- Shared shapes ---------------------------------------------------------------------------------------------

export interface WireAddress {
  readonly host: string;
  readonly port: number;
}

/** A content of the catalog. */
export interface ContentSummary {
  /** Its identity: the v2 info-hash (64 hex digits), or v1 (40) where there is no v2. */
  readonly id: string;
  readonly v1: string | null;
  readonly v2: string | null;
  readonly name: string;
  readonly tags: readonly string[];
  /** Bytes, padding not counted. */
  readonly size: number;
  readonly files: number;
  readonly pieceLength: number;
}

export interface OwnerSummary {
  readonly account: string;
  readonly node: string;
  /** Pieces' bytes that this node has uploaded, as it said in its announces (soft state). */
  readonly uploadedBytes: number;
  readonly online: boolean;
}

export interface SearchHit extends ContentSummary {
  /** Those that are there first, then those that gave most; no more than `OWNERS_LISTED_MAX`. */
  readonly owners: readonly OwnerSummary[];
  /** Nodes that own it, listed or not. */
  readonly ownerCount: number;
  /** Owners that are in the network now, listed or not; counted among the first 1,000. */
  readonly onlineCount: number;
  /** Nodes in the swarm right now that have all of it. */
  readonly seeders: number;
}

export interface SearchPage {
  readonly hits: readonly SearchHit[];
  readonly total: number;
}

export interface NodeSummary {
  readonly node: string;
  readonly name: string;
  readonly account: string;
  readonly addresses: readonly WireAddress[];
  /** Seconds since it was last heard. */
  readonly silentSeconds: number;
  readonly uploadedBytes: number;
  readonly shares: readonly { readonly id: string; readonly name: string }[];
  /** A BitTorrent client of another make, which announces at a gate; `name` is that of its program. */
  readonly guest?: true;
}

export interface AccountSummary {
  readonly name: string;
  readonly admin: boolean;
  readonly disabled: boolean;
  readonly createdMs: number;
}

// ---- Requests and replies --------------------------------------------------------------------------------------

/** What a member may ask for. */
export type Operation =
  | { readonly op: 'register'; readonly name: string; readonly password: string; readonly code: string | null }
  | { readonly op: 'login'; readonly name: string; readonly password: string }
  | { readonly op: 'logout' }
  | { readonly op: 'whoami' }
  | { readonly op: 'passwd'; readonly oldPassword: string; readonly newPassword: string }
  | { readonly op: 'invite'; readonly admin: boolean }
  | { readonly op: 'accounts'; readonly after: string; readonly limit: number }
  | { readonly op: 'account.disable'; readonly name: string; readonly disabled: boolean }
  | { readonly op: 'account.reset'; readonly name: string; readonly newPassword: string }
  /** A passkey for a device of the asker's; the one that the device has goes on for a grace period. */
  | { readonly op: 'passkey.new'; readonly device: string }
  | { readonly op: 'passkeys' }
  /** By device (all of its passkeys) or by the id of one; at once. */
  | { readonly op: 'passkey.revoke'; readonly passkey: string }
  /** What an account has transferred: the asker's own (null), or for administrators another's. */
  | { readonly op: 'statistics'; readonly account: string | null; readonly offset: number; readonly limit: number }
  /** Joins the swarm side of the network: soft state at the tracker, removed after silence. */
  | {
      readonly op: 'enter';
      readonly node: string;
      readonly name: string;
      /** Random per process start: a late `exit` or announce of an older one changes nothing. */
      readonly incarnation: string;
      /** Where its peer port can be reached. */
      readonly addresses: readonly WireAddress[];
    }
  | { readonly op: 'exit'; readonly node: string; readonly incarnation: string }
  | { readonly op: 'alive'; readonly node: string; readonly incarnation: string; readonly uploadedBytes: number }
  /** The tail is the torrent file; may be empty when the catalog has it (`torrent-wanted` says when not). */
  | { readonly op: 'own'; readonly content: ContentSummary; readonly node: string }
  | { readonly op: 'disown'; readonly content: string; readonly node: string }
  | { readonly op: 'need'; readonly words: string; readonly offset: number; readonly limit: number }
  /** By its id, or by the first digits of one (at least `ID_PREFIX_MIN`); `ambiguous` where several begin so. */
  | { readonly op: 'content'; readonly id: string }
  /** The reply's tail is the torrent file. */
  | { readonly op: 'torrent'; readonly id: string }
  /** In the order in which they entered, then the clients of other makes. */
  | { readonly op: 'nodes'; readonly offset: number; readonly limit: number }
  /** By id, by the first digits of one, or by a name that only one node has (otherwise `ambiguous`). */
  | { readonly op: 'ping'; readonly node: string }
  /** Answered by the proxy itself, from what trackers and backup tell it: also where none of them is there. */
  | { readonly op: 'cluster' };

export type OperationName = Operation['op'];

export interface OperationResults {
  readonly register: { readonly account: string; readonly admin: boolean };
  readonly login: { readonly token: string; readonly account: string; readonly admin: boolean; readonly expiresMs: number };
  readonly logout: Record<string, never>;
  readonly whoami: { readonly account: string; readonly admin: boolean; readonly expiresMs: number };
  readonly passwd: Record<string, never>;
  readonly invite: { readonly code: string; readonly expiresMs: number };
  readonly accounts: { readonly accounts: readonly AccountSummary[] };
  readonly 'account.disable': Record<string, never>;
  readonly 'account.reset': Record<string, never>;
  /** `passkey`: 32 hex digits, told this once. `replacedUntilMs`: when the device's passkey of before ends; null: it had none. */
  readonly 'passkey.new': {
    readonly passkey: string;
    readonly id: string;
    readonly device: string;
    readonly replacedUntilMs: number | null;
  };
  readonly passkeys: { readonly passkeys: readonly PasskeySummary[] };
  /** `revoked`: how many ended; more than one where a device had some in their grace period. */
  readonly 'passkey.revoke': { readonly device: string; readonly revoked: number };
  readonly statistics: AccountStatistics;
  /**
   * `aliveSeconds`: how often the node should say `alive`; after `removeSeconds` of silence it is removed. `generation`:
   * how often a promotion was forced up to here; left out: never. Where it has risen, what the node had told the catalog
   * may be overridden.
   */
  readonly enter: { readonly aliveSeconds: number; readonly removeSeconds: number; readonly generation?: number };
  readonly exit: Record<string, never>;
  readonly alive: Record<string, never>;
  readonly own: { readonly id: string; readonly first: boolean };
  readonly disown: { readonly id: string };
  readonly need: SearchPage;
  readonly content: SearchHit;
  readonly torrent: { readonly id: string };
  readonly nodes: { readonly nodes: readonly NodeSummary[]; readonly total: number };
  readonly ping: { readonly node: string; readonly roundTripMicros: number };
  readonly cluster: ClusterReport;
}

export type ErrorCode =
  | 'bad-request'
  | 'name-invalid'
  | 'name-taken'
  | 'password-weak'
  | 'wrong-password'
  /** Between the check of the password and the login the account got another one: log in again. */
  | 'password-changed'
  | 'disabled'
  | 'session-expired'
  | 'forbidden'
  | 'registration-closed'
  | 'invite-needed'
  | 'invite-invalid'
  | 'not-found'
  | 'ambiguous'
  | 'torrent-wanted'
  | 'torrent-invalid'
  | 'too-large'
  | 'not-entered'
  | 'busy'
  | 'not-primary'
  | 'unavailable'
  | 'degraded'
  | 'disk-full'
  | 'indeterminate'
  | 'internal';

export type ReplyBody =
  | { readonly ok: true; readonly value: object }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly retryAfterMs?: number };

/** How an acknowledged change is kept: on both replicas, or (SOLO) on one. `none` for what is not durable. */
export type Durability = 'replicated' | 'local' | 'none';

export interface RequestFrame {
  readonly kind: 'request';
  readonly requestId: WireRequestId;
  /** The session token; null before login. */
  readonly token: string | null;
  readonly operation: Operation;
  /** A read must see at least this entry applied: read-your-writes. */
  readonly minSeq: number;
  readonly require: 'any' | 'replicated';
  /** Time left until the asker gives up. */
  readonly deadlineMs: number;
  /** Highest epoch the asker has seen (R12). */
  readonly epoch: number;
  /** Filled in by the proxy: the node behind the link and its address. Null on the member link. */
  readonly from: { readonly node: string; readonly host: string } | null;
  readonly tail: Uint8Array;
}

export interface ReplyFrame {
  readonly kind: 'reply';
  readonly requestId: WireRequestId;
  readonly epoch: number;
  /** The entry that the reply reflects. */
  readonly seq: number;
  readonly durability: Durability;
  /** Set where there was no primary and a follower answered: it may not know the newest changes, the asker's own included. */
  readonly stale?: true;
  readonly body: ReplyBody;
  readonly tail: Uint8Array;
}

// ---- Announces (binary: they have a rate) ----------------------------------------------------------------------

export interface AnnounceItem {
  /** The content's id in the catalog. */
  readonly content: string;
  readonly event: 'started' | 'completed' | 'stopped' | 'none';
  readonly leftBytes: number;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Peers wanted; 0 for none. */
  readonly want: number;
}

export interface AnnounceFrame {
  readonly kind: 'announce';
  readonly node: string;
  readonly incarnation: string;
  /** Rises with every announce of an incarnation: a late one does not revive a stopped peer. */
  readonly sequence: number;
  /** At most 64. */
  readonly items: readonly AnnounceItem[];
}

export interface AnnouncedPeer {
  /** '' of a client that is no node of the network. */
  readonly node: string;
  readonly host: string;
  readonly port: number;
  readonly seeder: boolean;
}

export interface AnnouncedFrame {
  readonly kind: 'announced';
  readonly node: string;
  readonly sequence: number;
  /** Not before this should the node announce again (plus its own jitter). */
  readonly intervalSeconds: number;
  /** The swarm is still being rebuilt after a promotion: few peers mean nothing. */
  readonly warming: boolean;
  /** The tracker does not know the node (any more): enter, then announce again. */
  readonly unknownNode: boolean;
  readonly items: readonly {
    readonly content: string;
    readonly seeders: number;
    readonly leechers: number;
    readonly peers: readonly AnnouncedPeer[];
  }[];
}

// ---- Hello, on every link --------------------------------------------------------------------------------------

export type LinkType = 'member' | 'proxy' | 'replica' | 'swarm' | 'operator';

export interface HelloFrame {
  readonly kind: 'hello';
  readonly version: number;
  readonly link: LinkType;
  readonly networkId: string;
  /** Node id, proxy name or replica name. */
  readonly name: string;
  readonly incarnation: string;
  /** Program and version, for logs. */
  readonly software: string;
}

export interface WelcomeFrame {
  readonly kind: 'welcome';
  readonly version: number;
  readonly name: string;
  readonly incarnation: string;
  /** The dialler's address as the other side sees it. */
  readonly observed: WireAddress;
  readonly epoch: number;
}

/** The last frame of a link that will not be. */
export interface RefuseFrame {
  readonly kind: 'refuse';
  readonly code: 'version' | 'network' | 'name' | 'full' | 'bad-frame';
  readonly message: string;
}

/** Either side, any link: is the other there? `ping` from a proxy to a node also serves `ping NODE`. */
export interface PingFrame {
  readonly kind: 'ping';
  readonly nonce: number;
  /** Set on the proxy link when a replica asks a proxy to ping one of its nodes. */
  readonly node: string | null;
}

export interface PongFrame {
  readonly kind: 'pong';
  readonly nonce: number;
  /** Null: no such node here. Otherwise the round trip from the proxy to the node, or 0 where the node itself answers. */
  readonly roundTripMicros: number | null;
}

/** Proxy to node: the network has a (new) primary. Nodes enter and announce again within `spreadMs`, at random. */
export interface RouteFrame {
  readonly kind: 'route';
  readonly epoch: number;
  readonly primary: string | null;
  /** The replica that answers everything but changes while there is no primary; null where none does. */
  readonly reader: string | null;
  /** The replica without which there will be no primary (`StatusFrame.waitsFor`); null where one may come by itself. */
  readonly waitsFor: string | null;
  readonly spreadMs: number;
}

/** Replica to proxy, at every change and with every heartbeat interval. */
export interface StatusFrame {
  readonly kind: 'status';
  readonly name: string;
  readonly role: 'booting' | 'follower' | 'candidate' | 'primary' | 'fenced' | 'halted';
  readonly epoch: number;
  readonly primary: string | null;
  readonly mode: 'SYNC' | 'SOLO' | 'NONE';
  readonly appliedSeq: number;
  /** It may not lead (R2): the replica named may hold newer changes. Null otherwise. */
  readonly waitsFor: string | null;
  /** For people; not with every status: about every five seconds, and where what the others say has changed. */
  readonly report?: ServerReport;
}

// ---- The closed unions -----------------------------------------------------------------------------------------

export type LinkFrame = HelloFrame | WelcomeFrame | RefuseFrame | PingFrame | PongFrame;
export type MemberFrame = LinkFrame | RequestFrame | ReplyFrame | AnnounceFrame | AnnouncedFrame | RouteFrame;
export type ProxyFrame = LinkFrame | RequestFrame | ReplyFrame | AnnounceFrame | AnnouncedFrame | GuestFrame | StatusFrame | VotingFrame;
export type ReplicaFrame = LinkFrame | VotingFrame | ReplicationFrame;
export type SwarmFrame = LinkFrame | SwarmDeltaFrame;
export type OperatorFrame = LinkFrame | OperatorOnlyFrame;
export type ControlFrame = MemberFrame | ProxyFrame | ReplicaFrame | SwarmFrame | OperatorFrame;
