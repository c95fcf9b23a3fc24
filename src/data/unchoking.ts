import type { Clock, Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import { CHOKE_INTERVAL_MS, type ChokingPeer, decideFreeSlot, decideUnchoked, OPTIMISTIC_INTERVAL_MS } from '../domain/transfer/choker.ts';
import type { Peer } from './peer.ts';

interface UnchokingSettings {
  readonly clock: Clock;
  readonly below: (limit: number) => number;
  readonly slots: number;
  /** The peer is choked now: what it waits for is void. */
  readonly choked: (peer: Peer) => void;
  /** The peer is about to be told that it may ask. */
  readonly unchoking: (peer: Peer) => void;
}

/** Keeps the upload slots of one transfer filled, by the choker's decisions. */
export class Unchoking {
  readonly #settings: UnchokingSettings;
  readonly #slots: number;
  #optimistic: number | null = null;
  #nextRoundAt: Micros = 0;
  #nextOptimisticAt: Micros = 0;

  constructor(settings: UnchokingSettings) {
    this.#settings = settings;
    this.#slots = Math.max(1, settings.slots);
  }

  /** A peer wants something, or wants no more: a slot that is free is given at once, everything else waits for the round. */
  interest(peer: Peer, peers: Iterable<Peer>): void {
    if (peer.interested !== peer.amChoking) return;
    const all = [...peers];
    const chosen = decideFreeSlot(
      all.map((other) => ({ ...this.#facts(other), served: !other.amChoking })),
      this.#slots,
    );
    if (chosen !== null) this.#unchoke(all.find((other) => other.key === chosen) as Peer);
  }

  /** Decides anew when the round is over. */
  tick(peers: readonly Peer[], seeding: boolean): void {
    const now = this.#settings.clock.now();
    if (now < this.#nextRoundAt) return;
    this.#nextRoundAt = now + millis(CHOKE_INTERVAL_MS);
    if (now >= this.#nextOptimisticAt) {
      this.#optimistic = null;
      this.#nextOptimisticAt = now + millis(OPTIMISTIC_INTERVAL_MS);
    }
    const decision = decideUnchoked({
      peers: peers.map((peer) => this.#facts(peer)),
      slots: this.#slots,
      seeding,
      optimistic: this.#optimistic,
      below: this.#settings.below,
    });
    this.#optimistic = decision.optimistic;
    for (const peer of peers) {
      const choking = !decision.unchoked.has(peer.key);
      if (choking === peer.amChoking) continue;
      if (choking) {
        peer.setChoking(true);
        this.#settings.choked(peer);
      } else this.#unchoke(peer);
    }
  }

  #unchoke(peer: Peer): void {
    this.#settings.unchoking(peer);
    peer.setChoking(false);
  }

  #facts(peer: Peer): ChokingPeer {
    return {
      key: peer.key,
      interested: peer.interested,
      snubbed: peer.snubbed,
      downRate: peer.down.rate(this.#settings.clock.now()),
      sentBytes: peer.up.total,
      has: peer.bits === null ? 0 : peer.bits.size / peer.bits.pieceCount,
    };
  }
}
