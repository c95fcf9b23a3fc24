import type { RegistrationRule } from '../../domain/accounts/registration.ts';
import type { LoginThrottle } from '../../domain/accounts/throttle.ts';
import type { LedgerTransactions } from '../../domain/ledger/types.ts';
import type { ReplicaStatus, RequestId } from '../../domain/replication/types.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Crypto, PasswordCost } from '../../ports/crypto.ts';
import type { Database } from '../../ports/database.ts';
import type { Log } from '../../ports/log.ts';
import type { Durability, ReplyBody } from '../../protocol/control/messages.ts';
import type { Done, Failure } from '../../protocol/result.ts';
import type { Swarm } from '../swarm/swarm.ts';

/** What the desk needs of the replica behind it (`actors/replica`). */
export interface ReplicaFace {
  status(): ReplicaStatus;
  propose(
    proposal: {
      readonly requestId: RequestId;
      readonly payload: Uint8Array;
      readonly wallMs: number;
      readonly require: 'any' | 'replicated';
    },
    done: Done<ProposalOutcome, Failure<'not-primary' | 'busy' | 'indeterminate' | 'disk-full' | 'degraded'>>,
  ): void;
  /** The ledger could not be read: the replica halts, for it never guesses. */
  ledgerFailed(reason: string): void;
  /** R10: what is read after the answer is the newest there is. */
  readIndex(done: Done<{ readonly seq: number; readonly epoch: number }, Failure<'not-primary' | 'busy'>>): void;
}

export interface ProposalOutcome {
  readonly seq: number;
  readonly epoch: number;
  readonly durability: Durability;
  readonly body: ReplyBody;
}

export interface DeskSettings {
  readonly registration: RegistrationRule;
  readonly sessionDays: number;
  readonly inviteDays: number;
  readonly aliveSeconds: number;
  readonly removeSeconds: number;
  readonly passwordCost: PasswordCost;
  /** Bytes of the largest torrent; the ledger's own limit is 8 MiB. */
  readonly torrentBytesMax: number;
  /** Requests that are being worked on; more are answered with `busy`. */
  readonly requestsMax: number;
}

export const DESK_DEFAULTS = { inviteDays: 7, torrentBytesMax: 8 * 1024 * 1024, requestsMax: 4_096 } as const;

export interface DeskDeps {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly database: Database<LedgerTransactions>;
  readonly replica: ReplicaFace;
  readonly swarm: Swarm;
  readonly settings: DeskSettings;
  readonly secrets: {
    /** Tokens and invites are derived from it; the same on both replicas. */
    readonly tokenKey: Uint8Array;
    /** SHA-256 (hex) of the one-time code for the first administrator, as `codeHash` makes it. */
    readonly adminCodeHash: string | null;
  };
  /** Pings a node through the proxy that it is connected to. Answers once, never from within the call. */
  readonly pingNode: (node: string, proxy: string, done: Done<{ readonly roundTripMicros: number }>) => void;
}

/** What the operations share. */
export interface DeskContext extends DeskDeps {
  readonly throttle: LoginThrottle;
}

/** Who asks: the session behind the request's token. */
export interface Asker {
  readonly account: string;
  readonly folded: string;
  readonly admin: boolean;
  readonly expiresMs: number;
  readonly tokenHash: string;
}
