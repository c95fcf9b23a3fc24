import type { Clock, Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import { CHOKE_INTERVAL_MS, decideUnchoked, OPTIMISTIC_INTERVAL_MS } from '../domain/transfer/choker.ts';
import type { Peer } from './peer.ts';

/** Keeps the upload slots of one transfer filled, by the choker's decisions. */
export class Unchoking {
  readonly #clock: Clock;
  readonly #below: (limit: number) => number;
  readonly #slots: number;
  /** The peer is choked now: what it waits for is void. */
  readonly #choked: (peer: Peer) => void;
  #optimistic: number | null = null;
  #nextRoundAt: Micros = 0;
  #nextOptimisticAt: Micros = 0;

  constructor(settings: {
    readonly clock: Clock;
    readonly below: (limit: number) => number;
    readonly slots: number;
    readonly choked: (peer: Peer) => void;
  }) {
    this.#clock = settings.clock;
    this.#below = settings.below;
    this.#slots = Math.max(1, settings.slots);
    this.#choked = settings.choked;
  }

  /** A peer wants something, or wants no more: a free slot is given at once, everything else waits for the round. */
  interest(peer: Peer, peers: Iterable<Peer>): void {
    if (!peer.interested || !peer.amChoking) return;
    let taken = 0;
    for (const other of peers) if (!other.amChoking && other.interested) taken++;
    if (taken < this.#slots) peer.setChoking(false);
  }

  /** Decides anew when the round is over. */
  tick(peers: readonly Peer[], seeding: boolean): void {
    const now = this.#clock.now();
    if (now < this.#nextRoundAt) return;
    this.#nextRoundAt = now + millis(CHOKE_INTERVAL_MS);
    if (now >= this.#nextOptimisticAt) {
      this.#optimistic = null;
      this.#nextOptimisticAt = now + millis(OPTIMISTIC_INTERVAL_MS);
    }
    const decision = decideUnchoked({
      peers: peers.map((peer) => ({
        key: peer.key,
        interested: peer.interested,
        snubbed: peer.snubbed,
        downRate: peer.down.rate(now),
        sentBytes: peer.up.total,
        has: peer.bits === null ? 0 : peer.bits.size / peer.bits.pieceCount,
      })),
      slots: this.#slots,
      seeding,
      optimistic: this.#optimistic,
      below: this.#below,
    });
    this.#optimistic = decision.optimistic;
    for (const peer of peers) {
      const choking = !decision.unchoked.has(peer.key);
      if (choking === peer.amChoking) continue;
      peer.setChoking(choking);
      if (choking) this.#choked(peer);
    }
  }
}
