import { SwarmFeed, type FeedLimits } from '../../domain/swarm/feed.ts';
import { peerTtlSeconds } from '../../domain/swarm/interval.ts';
import type { SwarmRegistry } from '../../domain/swarm/registry.ts';
import type { SwarmNews } from '../../domain/swarm/types.ts';
import { type Clock, millis, type TimerId } from '../../ports/clock.ts';
import type { SwarmDeltaFrame } from '../../protocol/control/messages.ts';

/** The links on which swarms are told of. A frame that cannot be sent is lost, which costs warmth and nothing else. */
export interface SwarmPeers {
  send(replica: string, frame: SwarmDeltaFrame): void;
  queuedBytes(replica: string): number;
}

const TURN_MS = 1_000;
/** A peer that has so much still to read is told nothing new. */
const QUEUED_BYTES_MAX = 1_048_576;
const LIMITS: Omit<FeedLimits, 'turnsPerSweep'> = { bytesPerTurn: 262_144, frameBytes: 65_536, changesMax: 100_000 };
/** Everything is told so many times before it would be forgotten. */
const SWEEPS_PER_TTL = 3;

/**
 * Keeps the other replicas warm while this one leads, and takes in what a leader tells while it does not. Lossy and
 * coalesced; nothing waits for it (docs/availability.md, I13).
 */
export class Feeder {
  readonly #clock: Clock;
  readonly #registry: SwarmRegistry;
  readonly #peers: SwarmPeers;
  readonly #limits: FeedLimits;
  /** Of the replicas whose links are up. Null while this replica does not lead. */
  readonly #feeds = new Map<string, SwarmFeed | null>();
  #leads = false;
  /** The highest seen. */
  #epoch = 0;
  /** Frames told in this epoch. */
  #batch = 0;
  #heard = { epoch: 0, batch: 0 };
  #timer: TimerId | null = null;

  constructor(clock: Clock, registry: SwarmRegistry, peers: SwarmPeers, announceIntervalSeconds: number) {
    this.#clock = clock;
    this.#registry = registry;
    this.#peers = peers;
    const sweepMs = (peerTtlSeconds(announceIntervalSeconds) * 1_000) / SWEEPS_PER_TTL;
    this.#limits = { ...LIMITS, turnsPerSweep: Math.max(1, Math.floor(sweepMs / TURN_MS)) };
  }

  /** Whether a leader has told this replica of its swarms. */
  get fed(): boolean {
    return this.#heard.epoch > 0;
  }

  leads(leads: boolean, epoch: number): void {
    if (leads === this.#leads && epoch === this.#epoch) return;
    this.#leads = leads;
    this.#epoch = epoch;
    this.#batch = 0;
    for (const replica of this.#feeds.keys()) this.#feeds.set(replica, this.#newFeed());
    this.#watch();
  }

  up(replica: string): void {
    this.#feeds.set(replica, this.#newFeed());
    this.#watch();
  }

  down(replica: string): void {
    this.#feeds.delete(replica);
    this.#watch();
  }

  /** Of an older epoch (R12), of a batch that came late, or by nobody's right: nothing is taken. */
  received(frame: SwarmDeltaFrame): void {
    const { epoch, batch } = frame;
    if (this.#leads || epoch < this.#epoch || epoch < this.#heard.epoch) return;
    if (epoch === this.#heard.epoch && batch <= this.#heard.batch) return;
    this.#heard = { epoch, batch };
    this.#registry.warm(frame, this.#clock.now());
  }

  stop(): void {
    this.#feeds.clear();
    this.#watch();
  }

  #newFeed(): SwarmFeed | null {
    return this.#leads ? new SwarmFeed(this.#registry, this.#limits) : null;
  }

  /** Listens to the registry, and has turns, while there is somebody to tell. */
  #watch(): void {
    const tells = this.#leads && this.#feeds.size > 0;
    this.#registry.watch(tells ? this.#news : null);
    if (tells) return this.#turnLater();
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  readonly #news: SwarmNews = {
    node: (node) => this.#each((feed) => feed.node(node)),
    gone: (node, incarnation) => this.#each((feed) => feed.gone(node, incarnation)),
    peer: (node, content) => this.#each((feed) => feed.peer(node, content)),
    dropped: (content) => this.#each((feed) => feed.dropped(content)),
  };

  #each(tell: (feed: SwarmFeed) => void): void {
    for (const feed of this.#feeds.values()) if (feed !== null) tell(feed);
  }

  #turnLater(): void {
    this.#timer ??= this.#clock.setTimer(millis(TURN_MS), () => {
      this.#timer = null;
      for (const [replica, feed] of this.#feeds) if (feed !== null) this.#turn(replica, feed);
      this.#turnLater();
    });
  }

  #turn(replica: string, feed: SwarmFeed): void {
    if (this.#peers.queuedBytes(replica) > QUEUED_BYTES_MAX) return;
    for (const delta of feed.turn(this.#clock.now()))
      this.#peers.send(replica, { kind: 'swarmDelta', epoch: this.#epoch, batch: ++this.#batch, ...delta });
  }
}
