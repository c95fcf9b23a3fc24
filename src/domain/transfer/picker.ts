import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { PartialPiece, type Run } from './partial-piece.ts';
import type { PieceMap, Priority } from './piece-map.ts';
import { RarityOrder } from './rarity.ts';

/** The first pieces are taken at random: a common piece comes soonest, and then there is something to give. */
const RANDOM_PIECES = 2;
const RANDOM_TRIES = 16;
/** Requests for the same unit in the endgame. */
const ENDGAME_COPIES = 2;

/** The picker's view of a peer. */
export interface PickingPeer {
  /** Unique in the transfer. */
  readonly key: number;
  /** The piece that it would rather be asked for (BEP 6); null where it has said nothing. */
  readonly suggested?: PieceIndex | null;
  has(piece: PieceIndex): boolean;
  /** Whether it owes us the unit. */
  asking(piece: PieceIndex, unit: number): boolean;
  /** Chooses the piece that it starts itself, unless pieces come in order. */
  choose?(pieces: PieceFacts): PieceIndex | null;
}

/** What the picker knows of pieces. */
export interface PieceFacts {
  readonly count: number;
  /** Wanted, not here, and nobody has been asked for any of it. */
  startable(piece: PieceIndex): boolean;
  /** Wanted and not here, but somebody is at it. */
  underWay(piece: PieceIndex): boolean;
  priority(piece: PieceIndex): Priority;
  /** Of the piece that is wanted most among those that may be started; 0 where there is none. */
  mostWanted(): Priority;
  /** How many peers have it, those that have everything not counted. */
  copies(piece: PieceIndex): number;
}

/**
 * Decides what to ask of whom. A peer goes on with the piece that it started, then finishes what others left, then starts
 * the rarest piece, then helps with pieces of others; when everything is asked for, the endgame asks twice.
 */
export class Picker {
  sequential = false;
  readonly #map: PieceMap;
  readonly #pieceBytes: (piece: PieceIndex) => number;
  readonly #below: (limit: number) => number;
  /** Made when it is first needed: a content that is complete, or that nobody asks about, needs none. */
  #made: RarityOrder | null = null;
  readonly #partials = new Map<PieceIndex, PartialPiece>();
  readonly #verifying = new Set<PieceIndex>();
  readonly #exclusive = new Set<PieceIndex>();
  readonly #facts: PieceFacts;
  #firstNeeded = 0;

  /** `pieceBytes`: on the wire. `below` draws a uniform integer from 0 to its argument, that excluded. */
  constructor(map: PieceMap, pieceBytes: (piece: PieceIndex) => number, below: (limit: number) => number) {
    this.#map = map;
    this.#pieceBytes = pieceBytes;
    this.#below = below;
    this.#facts = {
      count: map.count,
      startable: (piece) => this.#order.contains(piece),
      underWay: (piece) => this.#partials.has(piece) || this.#verifying.has(piece),
      priority: (piece) => map.priority(piece),
      mostWanted: () => (this.#order.size === 0 ? 0 : map.priority(this.#order.at(0))),
      copies: (piece) => this.#order.availability(piece),
    };
  }

  get #order(): RarityOrder {
    if (this.#made !== null) return this.#made;
    this.#made = new RarityOrder(this.#map.count, this.#below);
    for (let piece = 0; piece < this.#map.count; piece++) this.refresh(piece as PieceIndex);
    return this.#made;
  }

  /** Pieces under way, those that are being verified not counted. */
  get partials(): Iterable<PartialPiece> {
    return this.#partials.values();
  }

  /** Pieces that a crash could leave on disk without the journal knowing: under way, or verified and being written. */
  get unsettled(): readonly PieceIndex[] {
    return [...this.#partials.keys(), ...this.#verifying];
  }

  /** Every piece that is wanted has been started. */
  get endgame(): boolean {
    return this.#order.size === 0;
  }

  availability(piece: PieceIndex): number {
    return this.#order.availability(piece);
  }

  /** Counts a peer's copy of the piece. Peers that have everything need not be counted. */
  peerGained(piece: PieceIndex): void {
    this.#order.more(piece);
  }

  peerLost(piece: PieceIndex): void {
    this.#order.fewer(piece);
  }

  /** To be called when the map's `needs` of a piece has changed. */
  refresh(piece: PieceIndex): void {
    this.#made?.remove(piece);
    if (!this.#map.needs(piece)) {
      this.#partials.delete(piece);
      return;
    }
    this.#firstNeeded = Math.min(this.#firstNeeded, piece);
    if (!this.#partials.has(piece) && !this.#verifying.has(piece)) this.#made?.add(piece, this.#map.priority(piece));
  }

  /**
   * Up to `unitsMax` units in runs of at most `runUnitsMax`, marked as asked for. `open` gets memory for a piece that is
   * to be started; where it cannot, none is started.
   */
  pick(peer: PickingPeer, unitsMax: number, runUnitsMax: number, open: (piece: PieceIndex) => boolean): Run[] {
    const order: Order = { peer, left: unitsMax, runUnitsMax, runs: [] };
    this.#join(order, (partial) => partial.leader === peer.key);
    this.#join(order, (partial) => partial.leader === null);
    while (order.left > 0) {
      const partial = this.#start(peer, open);
      if (partial === null) break;
      this.#drain(order, partial);
    }
    this.#join(order, (partial) => !partial.exclusive);
    if (order.runs.length === 0 && this.endgame) this.#takeAgain(order);
    return order.runs;
  }

  /** A request is over without its units. */
  released(run: Run): void {
    const partial = this.#partials.get(run.piece);
    if (partial === undefined) return;
    for (let unit = run.unit; unit < run.unit + run.units; unit++) partial.release(unit);
  }

  /** Whether any of these units is still missing, and so whether to keep the bytes that come. */
  wants(run: Run): boolean {
    const partial = this.#partials.get(run.piece);
    if (partial === undefined) return false;
    for (let unit = run.unit; unit < run.unit + run.units; unit++) if (!partial.got(unit)) return true;
    return false;
  }

  /** Whether a unit of the run is here already. */
  touched(run: Run): boolean {
    const partial = this.#partials.get(run.piece);
    if (partial === undefined) return true;
    for (let unit = run.unit; unit < run.unit + run.units; unit++) if (partial.got(unit)) return true;
    return false;
  }

  /** Units came. The answer tells whether the piece is whole; then it is to be verified. */
  received(run: Run): 'more' | 'whole' {
    const partial = this.#partials.get(run.piece);
    if (partial === undefined) return 'more';
    for (let unit = run.unit; unit < run.unit + run.units; unit++) {
      partial.release(unit);
      partial.receive(unit);
    }
    if (partial.missing > 0) return 'more';
    this.#partials.delete(run.piece);
    this.#verifying.add(run.piece);
    return 'whole';
  }

  /** A whole piece was verified and written, or given up; `exclusive` asks for it again from one source alone. */
  settled(piece: PieceIndex, exclusive = false): void {
    this.#verifying.delete(piece);
    if (exclusive) this.#exclusive.add(piece);
    else if (this.#map.has(piece)) this.#exclusive.delete(piece);
    this.refresh(piece);
  }

  /** A peer has gone or let us down (its requests are released by the caller): its pieces are anybody's. */
  left(key: number): void {
    for (const partial of this.#partials.values()) {
      if (partial.leader !== key) continue;
      partial.leader = null;
      if (partial.exclusive) partial.restart();
    }
  }

  /** Whether the piece is under way in name only: nothing of it is here, and nobody is asked for any of it. */
  untouched(piece: PieceIndex): boolean {
    const partial = this.#partials.get(piece);
    return partial !== undefined && partial.free === partial.units;
  }

  /** A piece under way is dropped, with its memory. */
  drop(piece: PieceIndex): void {
    if (this.#partials.delete(piece)) this.refresh(piece);
  }

  /** Takes what is free in the pieces under way that pass; a piece without a leader gets the peer as such. */
  #join(order: Order, passes: (partial: PartialPiece) => boolean): void {
    for (const partial of this.#partials.values()) {
      if (order.left <= 0) return;
      if (partial.free === 0 || !passes(partial) || !order.peer.has(partial.piece)) continue;
      partial.leader ??= order.peer.key;
      this.#drain(order, partial);
    }
  }

  #drain(order: Order, partial: PartialPiece): void {
    while (order.left > 0) {
      const run = partial.takeFree(Math.min(order.left, order.runUnitsMax));
      if (run === null) return;
      order.runs.push(run);
      order.left -= run.units;
    }
  }

  #start(peer: PickingPeer, open: (piece: PieceIndex) => boolean): PartialPiece | null {
    const piece = this.#choose(peer);
    if (piece === null || !open(piece)) return null;
    const partial = new PartialPiece(piece, this.#pieceBytes(piece), peer.key, this.#exclusive.has(piece));
    this.#order.remove(piece);
    this.#partials.set(piece, partial);
    return partial;
  }

  #choose(peer: PickingPeer): PieceIndex | null {
    const order = this.#order;
    if (this.sequential) return this.#chooseInOrder(peer);
    if (peer.choose !== undefined) return peer.choose(this.#facts);
    const random = this.#map.haveCount < RANDOM_PIECES;
    const suggested = peer.suggested ?? null;
    const advice = suggested !== null && order.contains(suggested) && peer.has(suggested) ? suggested : null;
    if (random && advice !== null && this.#map.priority(advice) === this.#map.priority(order.at(0))) return advice;
    if (random) {
      for (let n = 0; n < Math.min(RANDOM_TRIES, order.size); n++) {
        const piece = order.at(this.#below(order.size));
        if (peer.has(piece) && this.#map.priority(piece) === this.#map.priority(order.at(0))) return piece;
      }
    }
    for (let place = 0; place < order.size; place++) {
      const rarest = order.at(place);
      if (!peer.has(rarest)) continue;
      return advice !== null && order.sameRank(advice, rarest) ? advice : rarest;
    }
    return null;
  }

  /** From the front, among the most wanted that the peer has. */
  #chooseInOrder(peer: PickingPeer): PieceIndex | null {
    while (this.#firstNeeded < this.#map.count && !this.#map.needs(this.#firstNeeded as PieceIndex)) this.#firstNeeded++;
    if (this.#order.size === 0) return null;
    const most = this.#map.priority(this.#order.at(0));
    let best: PieceIndex | null = null;
    for (let piece = this.#firstNeeded as PieceIndex; piece < this.#map.count; piece++) {
      if (!this.#order.contains(piece) || !peer.has(piece)) continue;
      const priority = this.#map.priority(piece);
      if (priority === most) return piece;
      if (best === null || priority > this.#map.priority(best)) best = piece;
    }
    return best;
  }

  #takeAgain({ peer, left, runUnitsMax, runs }: Order): void {
    for (const partial of this.#partials.values()) {
      if (partial.exclusive || !peer.has(partial.piece)) continue;
      const run = partial.takeAgain(Math.min(left, runUnitsMax), ENDGAME_COPIES, (unit) => peer.asking(partial.piece, unit));
      if (run === null) continue;
      runs.push(run);
      return;
    }
  }
}

/** What one call of `pick` is about. */
interface Order {
  readonly peer: PickingPeer;
  left: number;
  readonly runUnitsMax: number;
  readonly runs: Run[];
}
