import type { Clock } from '../ports/clock.ts';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import { UNIT_BYTES } from '../domain/transfer/partial-piece.ts';
import type { Picker } from '../domain/transfer/picker.ts';
import { isSnubbed, isStalled, requestQueueBytes } from '../domain/transfer/rates.ts';
import type { BufferPool } from './buffers.ts';
import type { Content } from './content.ts';
import type { Inbound } from './inbound.ts';
import type { Peer } from './peer.ts';
import type { Gate } from './own-gate.ts';
import type { Request } from './requests.ts';

export interface AskingSettings {
  readonly clock: Clock;
  readonly content: Content;
  readonly picker: Picker;
  readonly inbound: Inbound;
  readonly pool: BufferPool;
  readonly downGate: Gate;
  /** The transfer's peers; changes as they come and go. */
  readonly peers: ReadonlyMap<number, Peer>;
}

/** Asks peers for blocks, as far as bandwidth × delay, their limits, ours and the piece buffers allow; and lets go of them. */
export class Asking {
  /** Something is wanted, and may be asked for. */
  active = false;
  readonly #settings: AskingSettings;
  /** Peers that have rejected a request since the last tick. */
  readonly #refusing = new Set<Peer>();

  constructor(settings: AskingSettings) {
    this.#settings = settings;
  }

  /**
   * The peer gives us a slot and rejects what is asked for all the same: it is left alone until the next tick, or asking and
   * rejecting would go round as fast as the network can.
   */
  rejected(peer: Peer): void {
    this.#refusing.add(peer);
  }

  /** Once a second. */
  tick(): void {
    this.#refusing.clear();
    this.fillAll();
  }

  fillAll(): void {
    if (this.active) for (const peer of this.#settings.peers.values()) this.fill(peer);
  }

  /** Asks the peer for more, as far as bandwidth × delay, its limits, ours and the piece buffers allow. */
  fill(peer: Peer): void {
    // A peer that waited for memory or for its turn may be gone meanwhile.
    if (!this.active || peer.chokesUs || !peer.amInterested || this.#refusing.has(peer) || !this.#settings.peers.has(peer.key)) return;
    const queue = peer.snubbed ? peer.blockBytes : requestQueueBytes(peer.down.rate(this.#settings.clock.now()), peer.delayMicros);
    const missing = queue - peer.requests.bytes;
    if (missing < Math.min(queue, Math.max(queue / 4, UNIT_BYTES))) return;
    const { downGate } = this.#settings;
    const runUnits = peer.blockBytes / UNIT_BYTES;
    const room = (peer.requestsMax - peer.requests.size) * runUnits;
    const units = Math.min(downGate.limited ? runUnits : Math.ceil(missing / UNIT_BYTES), room);
    if (units <= 0) return;
    if (!downGate.take(units * UNIT_BYTES)) {
      downGate.wait(peer, () => this.fill(peer));
      return;
    }
    this.#ask(peer, units, runUnits);
  }

  #ask(peer: Peer, units: number, runUnits: number): void {
    const view = {
      key: peer.key,
      suggested: peer.suggested,
      has: (piece: PieceIndex): boolean => peer.bits?.has(piece) === true,
      asking: (piece: PieceIndex, unit: number): boolean => peer.requests.asking(piece, unit),
    };
    let starved = false;
    const open = (piece: PieceIndex): boolean => {
      starved = !this.#settings.inbound.open(piece);
      return !starved;
    };
    const runs = this.#settings.picker.pick(view, units, runUnits, open);
    const picked = runs.reduce((sum, run) => sum + run.units, 0);
    this.#settings.downGate.giveBack((units - picked) * UNIT_BYTES);
    if (runs.length > 0) {
      peer.ask(runs, (piece) => this.#settings.content.layout.pieceBytes(piece));
      if (this.#settings.downGate.limited) this.#settings.downGate.wait(peer, () => this.fill(peer));
    } else if (starved) this.#settings.pool.wait(() => this.fill(peer));
  }

  release(requests: readonly Request[]): void {
    for (const request of requests) this.#settings.picker.released(request.run);
  }

  cancelTwins(from: Peer | null, { run }: Request): void {
    for (const peer of this.#settings.peers.values()) {
      if (peer === from) continue;
      for (const request of peer.requests.overlapping(run)) {
        // Only what is wholly here now: a longer run of the other peer still brings units that are missing.
        if (request.run.unit < run.unit || request.run.unit + request.run.units > run.unit + run.units) continue;
        peer.cancel(request);
        this.#settings.picker.released(request.run);
      }
    }
  }

  /** What is asked for of these pieces need not come. */
  cancelPieces(pieces: readonly PieceIndex[]): void {
    for (const piece of pieces)
      for (const peer of this.#settings.peers.values())
        for (const request of peer.requests.overlapping({ piece, unit: 0, units: Number.MAX_SAFE_INTEGER })) peer.cancel(request);
  }

  checkSnub(peer: Peer): void {
    const others = [...this.#settings.peers.values()].some(
      (other) => other !== peer && !other.chokesUs && !other.snubbed && other.useful > 0,
    );
    const now = this.#settings.clock.now();
    const { progress } = peer;
    if (progress !== null && isStalled({ now, ...progress, othersCanDeliver: others })) this.#giveUpBlock(peer);
    else if (!isSnubbed({ now, outstandingBytes: peer.requests.bytes, waitingSince: peer.lastBlockAt, othersCanDeliver: others })) return;
    this.#letDown(peer);
  }

  /** Somebody begins a block and lets it trickle: nobody else's can come into its place meanwhile. */
  #giveUpBlock(peer: Peer): void {
    const request = peer.giveUpBlock();
    if (request === null) return;
    this.#settings.inbound.broken(request);
    this.release([request]);
  }

  #letDown(peer: Peer): void {
    peer.snubbed = true;
    const owed = peer.fast ? peer.requests.cancelAll() : peer.requests.clear();
    for (const request of owed) if (peer.fast) peer.send({ ...request.range, kind: 'cancel' });
    this.release(owed);
    this.#settings.picker.left(peer.key);
  }
}
