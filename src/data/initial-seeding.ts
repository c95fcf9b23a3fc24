import type { Clock, Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import { Bitfield } from '../protocol/bittorrent/bitfield.ts';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import type { PieceMap } from '../domain/transfer/piece-map.ts';
import { Suggestions } from '../domain/transfer/suggestions.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';

/** Pieces that one peer has been offered and nobody else has said to have. */
const OFFERS_MAX = 2;

interface Offers {
  readonly told: Bitfield;
  /** Each with the time when the peer itself had it; null before. */
  readonly open: Map<PieceIndex, Micros | null>;
  /** It was offered everything that it lacks. */
  exhausted: boolean;
}

export interface InitialSeedingSettings {
  readonly clock: Clock;
  readonly map: PieceMap;
  /** The transfer's peers; changes as they come and go. */
  readonly peers: ReadonlyMap<number, Peer>;
  /** A uniform integer from 0 to its argument, that excluded. */
  readonly below: (limit: number) => number;
}

/**
 * Super-seeding (BEP 16), for the first and only seed of a swarm with a slow uplink: it seems to have nothing, and tells
 * each peer of a piece or two; of the next when some other peer has got what the first was given, so that every piece
 * leaves this node about once. It ends by itself when the others together have everything.
 */
export class InitialSeeding {
  readonly #settings: InitialSeedingSettings;
  /** Pieces by how often they were given, and pieces that others have; null before it was wanted: most are never. */
  #pieces: { readonly given: Suggestions; readonly seen: Bitfield } | null = null;
  readonly #offers = new Map<Peer, Offers>();
  #wanted = false;

  constructor(settings: InitialSeedingSettings) {
    this.#settings = settings;
  }

  /** It is wanted, everything is here, and the others do not have everything yet. */
  get active(): boolean {
    return this.#wanted && this.#settings.map.full && this.#pieces?.seen.complete === false;
  }

  /** Turns it on for the connections that come from now on, or off for all. */
  set(wanted: boolean): void {
    const { below, map } = this.#settings;
    this.#wanted = wanted;
    if (wanted) this.#pieces ??= { given: new Suggestions(map.count, below), seen: Bitfield.empty(map.count) };
    if (!this.active) this.#reveal();
  }

  /** The peer was let in and told that nothing is here. */
  hidFrom(peer: Peer): void {
    this.#offers.set(peer, { told: Bitfield.empty(this.#settings.map.count), open: new Map(), exhausted: false });
  }

  /** Whether the peer is kept in the dark about what is here. */
  hides(peer: Peer): boolean {
    return this.#offers.has(peer);
  }

  /** The peer has said what it has. */
  joined(peer: Peer): void {
    if (!this.#wanted) return;
    for (const piece of peer.bits?.pieces() ?? []) this.#pieces?.seen.add(piece);
    this.#offer(peer);
    this.#ended();
  }

  /** A peer has a piece more. */
  gained(peer: Peer, piece: PieceIndex): void {
    if (!this.#wanted) return;
    this.#pieces?.seen.add(piece);
    for (const [other, { open }] of this.#offers) {
      if (!open.has(piece)) continue;
      if (other === peer && this.#othersLack(peer, piece)) open.set(piece, this.#settings.clock.now());
      else open.delete(piece);
      this.#offer(other);
    }
    this.#ended();
  }

  /** It wants, or wants no more: then it has all that it was offered, which peers need not say to one that has it, too. */
  interest(peer: Peer): void {
    const open = this.#offers.get(peer)?.open;
    if (open === undefined || peer.interested) return;
    for (const [piece, hadAt] of open) {
      if (!this.#othersLack(peer, piece)) open.delete(piece);
      else if (hadAt === null) open.set(piece, this.#settings.clock.now());
    }
    this.#offer(peer);
  }

  /** About once a second: a peer that nobody gets a piece from is given others all the same. */
  tick(): void {
    const now = this.#settings.clock.now();
    for (const [peer, { open }] of this.#offers) {
      for (const [piece, hadAt] of open) if (hadAt !== null && now - hadAt > millis(dataLimits.offerPatienceMs)) open.delete(piece);
      this.#offer(peer);
    }
  }

  forget(peer: Peer): void {
    this.#offers.delete(peer);
  }

  #offer(peer: Peer): void {
    const offers = this.#offers.get(peer);
    const given = this.#pieces?.given;
    if (offers === undefined || given === undefined || offers.exhausted || !peer.joined) return;
    while (offers.open.size < OFFERS_MAX) {
      const piece = given.next((one) => peer.bits?.has(one) !== true && !offers.told.has(one));
      if (piece === null) {
        offers.exhausted = true;
        return;
      }
      given.give(piece);
      offers.told.add(piece);
      offers.open.set(piece, null);
      peer.send({ kind: 'have', piece });
    }
  }

  #othersLack(peer: Peer, piece: PieceIndex): boolean {
    return [...this.#settings.peers.values()].some((other) => other !== peer && other.bits?.has(piece) === false);
  }

  #ended(): void {
    if (this.#pieces?.seen.complete === true) this.#reveal();
  }

  /** Everybody hears of everything. */
  #reveal(): void {
    for (const [peer, { told }] of this.#offers) {
      for (let piece = 0 as PieceIndex; piece < told.pieceCount; piece = (piece + 1) as PieceIndex)
        if (!told.has(piece) && peer.bits?.has(piece) !== true) peer.send({ kind: 'have', piece });
    }
    this.#offers.clear();
  }
}
