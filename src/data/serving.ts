import type { Clock } from '../ports/clock.ts';
import type { BlockRange } from '../protocol/bittorrent/wire.ts';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import { Suggestions } from '../domain/transfer/suggestions.ts';
import type { RateMeter } from '../domain/transfer/rates.ts';
import type { Content } from './content.ts';
import { dataLimits } from './limits.ts';
import type { OwnGate } from './own-gate.ts';
import type { Peer } from './peer.ts';
import type { UploadEvents, Uplink } from './uplink.ts';

type Failed = UploadEvents['failed'];

export interface ServingSettings {
  readonly clock: Clock;
  readonly below: (limit: number) => number;
  readonly content: Content;
  readonly uplink: Uplink;
  readonly upGate?: OwnGate;
  /** Counts what the transfer gives. */
  readonly up: RateMeter;
  readonly failed: Failed;
  /** Whether the peer may hear what it had better ask for. */
  advises(peer: Peer): boolean;
}

/** Gives peers the blocks that they ask for: each request gets its block, or a reject where the peer understands one. */
export class Serving {
  readonly #settings: ServingSettings;
  readonly #suggestions: Suggestions;
  /** The last advice of each peer, and the piece that it began to ask for last. */
  readonly #advised = new Map<Peer, { suggested: PieceIndex; begun: PieceIndex | null }>();

  constructor(settings: ServingSettings) {
    this.#settings = settings;
    this.#suggestions = new Suggestions(settings.content.map.count, settings.below);
  }

  /** `open`: the transfer runs. */
  asked(peer: Peer, range: BlockRange, open: boolean): void {
    const { content, uplink } = this.#settings;
    const { layout, map } = content;
    const inside = range.length > 0 && range.begin + range.length <= layout.askableBytes(range.piece);
    const serve = open && !peer.amChoking && inside && range.length <= dataLimits.blockBytesMax && map.has(range.piece);
    if (serve && uplink.add(peer, content, range, this.#uploads)) {
      if (range.begin === 0) this.#begun(peer, range.piece);
      return;
    }
    if (peer.fast) peer.send({ ...range, kind: 'reject' });
    else if (!inside) peer.close('it asked for what is not there');
  }

  /** Before a peer hears that it may ask: what it should ask for. */
  unchoking(peer: Peer): void {
    const { content } = this.#settings;
    if (!peer.fast || !content.map.full || !this.#settings.advises(peer)) return;
    const piece = this.#suggestions.next((candidate) => peer.bits?.has(candidate) !== true);
    if (piece === null) return;
    this.#suggestions.give(piece);
    this.#advised.set(peer, { suggested: piece, begun: this.#advised.get(peer)?.begun ?? null });
    peer.send({ kind: 'suggest', piece });
  }

  /** It has begun to ask for a piece: the next advice, in time for the piece after it. */
  #begun(peer: Peer, piece: PieceIndex): void {
    const advised = this.#advised.get(peer);
    if (advised === undefined || advised.begun === piece) return;
    advised.begun = piece;
    if (advised.suggested !== piece) this.#suggestions.give(piece);
    this.unchoking(peer);
  }

  cancelled(peer: Peer, range: BlockRange): void {
    if (this.#settings.uplink.cancel(peer, range) && peer.fast) peer.send({ ...range, kind: 'reject' });
  }

  /** It was choked: what it has asked for it does not get. */
  refuseQueued(peer: Peer): void {
    const queued = this.#settings.uplink.clear(peer);
    if (peer.fast) for (const range of queued) peer.send({ ...range, kind: 'reject' });
  }

  drained(peer: Peer): void {
    this.#settings.uplink.drained(peer);
  }

  forget(peer: Peer): void {
    this.#advised.delete(peer);
    this.#settings.uplink.forget(peer);
  }

  readonly #uploads: UploadEvents = {
    ownGate: () => this.#settings.upGate?.gate ?? null,
    sent: (peer: Peer, bytes: number): void => {
      const now = this.#settings.clock.now();
      peer.up.add(now, bytes);
      this.#settings.up.add(now, bytes);
    },
    failed: (failure: Parameters<Failed>[0]): void => this.#settings.failed(failure),
  };
}
