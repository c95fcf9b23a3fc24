import type { Reactor } from '../../bus/reactor.ts';
import type { Epoch, VoterName } from '../../domain/replication/types.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { FailoverReport, ReplicationFrame } from '../../protocol/control/messages.ts';
import { type LinkSource, ReplicationLink } from '../replication-link/link.ts';
import type { VoterPeers } from '../voter/voter.ts';
import type { ReplicaLimits } from './api.ts';
import type { RecentEntries } from './recent-entries.ts';
import type { ReplicaLog } from './replica-log.ts';

export interface PrimaryLinksDeps {
  readonly reactor: Reactor;
  readonly clock: Clock;
  readonly log: Log;
  readonly peers: VoterPeers;
  readonly limits: ReplicaLimits;
  readonly epoch: Epoch;
  readonly followers: readonly VoterName[];
  /** See `LinkDeps.retryMs`. */
  readonly retryMs: number;
  readonly replicaLog: ReplicaLog;
  readonly recent: RecentEntries;
  readonly commitSeq: () => number;
  /** Of this primary's log. */
  readonly generation: number;
  readonly failover: FailoverReport | null;
  /** What is read for a follower is sent only by a primary that trusts itself: see `QuorumWatch`. */
  readonly whenTrusted: (run: () => void) => void;
  readonly matched: (follower: VoterName, seq: number) => void;
  readonly outranked: (epoch: Epoch) => void;
}

/** A primary's links to its followers, all reading the one log. */
export class PrimaryLinks {
  readonly #links = new Map<VoterName, ReplicationLink>();

  constructor(deps: PrimaryLinksDeps) {
    const { reactor, clock, log, peers, limits, epoch, retryMs } = deps;
    const source = sourceOf(deps);
    for (const follower of deps.followers) {
      const send = (frame: ReplicationFrame): boolean => peers.send(follower, frame);
      this.#links.set(follower, new ReplicationLink({ reactor, clock, log, follower, epoch, send, source, limits, retryMs }));
    }
  }

  phases(): Record<VoterName, string> {
    return Object.fromEntries([...this.#links].map(([name, link]) => [name, link.phase]));
  }

  /** Followers that could be taken in without stalling writes (R7). */
  closeBehind(): VoterName[] {
    return [...this.#links].filter(([, link]) => link.closeBehind).map(([name]) => name);
  }

  receive(from: VoterName, frame: ReplicationFrame): void {
    this.#links.get(from)?.receive(frame);
  }

  peerUp(name: VoterName): void {
    this.#links.get(name)?.peerUp();
  }

  peerDown(name: VoterName): void {
    this.#links.get(name)?.peerDown();
  }

  wake(): void {
    for (const link of this.#links.values()) link.wake();
  }

  stop(): void {
    for (const link of this.#links.values()) link.stop();
  }
}

const sourceOf = ({
  replicaLog,
  recent,
  limits,
  commitSeq,
  generation,
  failover,
  whenTrusted,
  matched,
  outranked,
}: PrimaryLinksDeps): LinkSource => ({
  get head() {
    return recent.head;
  },
  get commitSeq() {
    return commitSeq();
  },
  generation,
  failover,
  bytesAfter: (seq, upTo) => recent.bytesAfter(seq, upTo),
  recent: (fromSeq, bytesMax) => recent.page(fromSeq, bytesMax, limits.batchEntriesMax),
  read: (fromSeq, bytesMax, done) => replicaLog.read(fromSeq, bytesMax, (page) => whenTrusted(() => done(page))),
  position: (seq, done) => {
    const known = recent.at(seq);
    if (known) done(known);
    else replicaLog.position(seq, (position) => whenTrusted(() => done(position)));
  },
  snapshotRead: (seq, index, bytesMax, done) => replicaLog.snapshotRead(seq, index, bytesMax, (chunk) => whenTrusted(() => done(chunk))),
  matched,
  outranked,
});
