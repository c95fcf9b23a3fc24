/**
 * A flash crowd of thousands of nodes, piece by piece: whom to unchoke and which piece next are the program's own
 * decisions (`decideUnchoked`, `Picker`); connections, requests and bytes are rows of typed arrays and shared uplinks
 * instead of sockets. docs/adr/0008-swarm-model.md says what that leaves out.
 */
import {
  CHOKE_INTERVAL_MS,
  type ChokingPeer,
  decideFreeSlot,
  decideUnchoked,
  OPTIMISTIC_INTERVAL_MS,
} from '../../src/domain/transfer/choker.ts';
import { type Run, UNIT_BYTES } from '../../src/domain/transfer/partial-piece.ts';
import { Picker, type PickingPeer } from '../../src/domain/transfer/picker.ts';
import { PieceMap } from '../../src/domain/transfer/piece-map.ts';
import { Suggestions } from '../../src/domain/transfer/suggestions.ts';
import { type Micros, millis } from '../../src/ports/clock.ts';
import { createRandom } from '../../src/ports/counter-random.ts';
import { DueHeap } from '../../src/ports/due-heap.ts';
import { below } from '../../src/ports/random.ts';
import { Bitfield } from '../../src/protocol/bittorrent/bitfield.ts';
import type { PieceIndex } from '../../src/protocol/bittorrent/ids.ts';
import { TraceHash } from '../world/trace.ts';
import type { SwarmFacts } from './bounds.ts';
import { FairUplink } from './fair-uplink.ts';
import { type Graph, randomGraph } from './graph.ts';

export interface SwarmOptions extends SwarmFacts {
  readonly seed: number;
  /** Connections that each node makes; it has about twice as many. Default 22. */
  readonly dials?: number;
  /** Peers served at once. Default 4, as the program has it. */
  readonly uploadSlots?: number;
  /** One way. Default 25 ms. */
  readonly latencyMs?: number;
}

export interface SwarmReport {
  /** When the last leecher had everything, and on average. */
  readonly lastSeconds: number;
  readonly meanSeconds: number;
  readonly events: number;
  readonly traceHash: string;
  /** Bytes of pieces that were taken, and that left uplinks: what the endgame wasted is the difference. */
  readonly takenBytes: number;
  readonly sentBytes: number;
}

/** As `dataLimits.haveDelayMs` of the program. */
const HAVE_DELAY_MS = 50;
const NONE = -1;

interface Node {
  readonly map: PieceMap;
  readonly picker: Picker;
  /** What its neighbours know it has. */
  readonly announced: Bitfield;
  readonly uplink: FairUplink;
  /** Null until it has everything: then it advises. */
  suggestions: Suggestions | null;
  news: PieceIndex[];
  optimistic: number | null;
  optimisticUntil: Micros;
}

export class Swarm {
  readonly #options: Required<SwarmOptions>;
  readonly #heap = new DueHeap();
  readonly #trace = new TraceHash();
  readonly #graph: Graph;
  readonly #nodes: Node[] = [];
  readonly #pieceBytes: number;
  readonly #latency: Micros;
  /** By edge, from its owner's view: pieces there that it needs, whether it asked for one, whether it serves that peer. */
  readonly #useful: Int16Array;
  readonly #asks: Uint8Array;
  readonly #serves: Uint8Array;
  /** The piece that the edge's owner is sending to the peer. */
  readonly #sending: Int16Array;
  readonly #sent: Float64Array;
  /** Bytes from the peer, in this round of choking and in the one before. */
  readonly #got: Float32Array;
  readonly #gotBefore: Float32Array;
  readonly #below: (purpose: string) => (limit: number) => number;
  #now: Micros = 0;
  #events = 0;
  #left: number;
  #finishedSum = 0;
  #lastFinished: Micros = 0;
  #taken = 0;

  constructor(options: SwarmOptions) {
    this.#options = { dials: 22, uploadSlots: 4, latencyMs: 25, ...options };
    const { seed, leechers, pieces, bytes, dials, latencyMs } = this.#options;
    const random = createRandom(seed);
    this.#below = (purpose) => (limit) => below(random, purpose, limit);
    this.#graph = randomGraph(leechers + 1, dials, random);
    this.#pieceBytes = Math.ceil(bytes / pieces);
    this.#latency = millis(latencyMs);
    this.#left = leechers;
    const edges = this.#graph.peer.length;
    this.#useful = new Int16Array(edges);
    this.#asks = new Uint8Array(edges);
    this.#serves = new Uint8Array(edges);
    this.#sending = new Int16Array(edges).fill(NONE);
    this.#sent = new Float64Array(edges);
    this.#got = new Float32Array(edges);
    this.#gotBefore = new Float32Array(edges);
    for (let node = 0; node <= leechers; node++) this.#nodes.push(this.#makeNode(node === 0));
    for (let node = 0; node <= leechers; node++) this.#begin(node);
  }

  /** Until everybody has everything. @throws where that does not happen within `secondsMax` of virtual time. */
  run(secondsMax = 1_000_000): SwarmReport {
    const until = secondsMax * 1_000_000;
    while (this.#left > 0) {
      const due = this.#heap.take();
      if (due === undefined || due.at > until) throw new Error(`${this.#left} nodes are not complete after ${this.#now / 1e6} s`);
      this.#now = due.at;
      this.#events++;
      due.fire();
    }
    return {
      lastSeconds: this.#lastFinished / 1e6,
      meanSeconds: this.#finishedSum / this.#options.leechers / 1e6,
      events: this.#events,
      traceHash: this.#trace.digest(),
      takenBytes: this.#taken,
      sentBytes: this.#nodes.reduce((sum, node) => sum + node.uplink.sentBytes, 0),
    };
  }

  /** Bytes that an uplink has sent so far: never more than its rate times the time. */
  sentBytes(node: number): number {
    return this.#node(node).uplink.sentBytes;
  }

  #makeNode(complete: boolean): Node {
    const { pieces, uplinkBytesPerSecond } = this.#options;
    const map = new PieceMap(pieces, () => this.#pieceBytes);
    if (complete) for (let piece = 0; piece < pieces; piece++) map.gain(piece as PieceIndex);
    return {
      map,
      // A piece is one unit here: it is stored before it is passed on, and asked of one peer.
      picker: new Picker(map, () => UNIT_BYTES, this.#below('pick')),
      announced: complete ? Bitfield.full(pieces) : Bitfield.empty(pieces),
      uplink: new FairUplink(this.#heap, uplinkBytesPerSecond, (edge) => this.#pieceSent(edge)),
      suggestions: complete ? this.#newSuggestions() : null,
      news: [],
      optimistic: null,
      optimisticUntil: 0,
    };
  }

  /** Everybody is connected and has heard everybody's bitfield; rounds of choking are out of step. */
  #begin(node: number): void {
    for (const edge of this.#edges(node)) if (this.#nodes[this.#peer(edge)]?.announced.complete) this.#useful[edge] = this.#options.pieces;
    this.#in(this.#below('phase')(millis(CHOKE_INTERVAL_MS)), () => this.#round(node));
    if (node === 0) this.#in(0, () => this.#edges(0).forEach(() => this.#giveFreeSlot(0)));
  }

  // ---- Uploading ---------------------------------------------------------------------------------------------------

  /** As `Unchoking.interest`: a slot that is free is given at once. */
  #giveFreeSlot(node: number): void {
    if (this.#slotsTaken(node) >= this.#options.uploadSlots) return;
    const peers = this.#edges(node).map((edge) => ({ ...this.#facts(edge), served: this.#serves[edge] === 1 }));
    const chosen = decideFreeSlot(peers, this.#options.uploadSlots);
    if (chosen !== null) this.#unchoke(chosen);
  }

  #slotsTaken(node: number): number {
    let taken = 0;
    const end = this.#end(node);
    for (let edge = this.#start(node); edge < end; edge++) if (this.#serves[edge] === 1 && this.#wants(this.#twin(edge))) taken++;
    return taken;
  }

  #facts(edge: number): ChokingPeer {
    return {
      key: edge,
      interested: this.#wants(this.#twin(edge)),
      snubbed: false,
      downRate: (this.#got[edge] as number) + (this.#gotBefore[edge] as number),
      sentBytes: this.#sent[edge] as number,
      has: this.#node(this.#peer(edge)).announced.size / this.#options.pieces,
    };
  }

  #unchoke(edge: number): void {
    this.#serves[edge] = 1;
    this.#in(this.#latency, () => this.#fill(this.#twin(edge)));
  }

  /** As `Unchoking.tick`. */
  #round(node: number): void {
    const state = this.#node(node);
    if (this.#now >= state.optimisticUntil) {
      state.optimistic = null;
      state.optimisticUntil = this.#now + millis(OPTIMISTIC_INTERVAL_MS);
    }
    const peers: ChokingPeer[] = [];
    for (const edge of this.#edges(node)) {
      peers.push(this.#facts(edge));
      this.#gotBefore[edge] = this.#got[edge] as number;
      this.#got[edge] = 0;
    }
    const slots = this.#options.uploadSlots;
    const facts = { peers, slots, seeding: state.map.complete, optimistic: state.optimistic, below: this.#below('optimistic') };
    const decision = decideUnchoked(facts);
    state.optimistic = decision.optimistic;
    for (const edge of this.#edges(node)) {
      const serves = decision.unchoked.has(edge);
      if (serves === (this.#serves[edge] === 1)) continue;
      if (serves) this.#unchoke(edge);
      // What is being sent is finished.
      else this.#serves[edge] = 0;
    }
    this.#in(millis(CHOKE_INTERVAL_MS), () => this.#round(node));
  }

  /** A request has come. */
  #asked(edge: number, piece: PieceIndex): void {
    if (this.#serves[edge] === 0) {
      this.#refuse(edge, piece);
      return;
    }
    this.#sending[edge] = piece;
    this.#node(this.#owner(edge)).uplink.start(this.#now, edge, this.#pieceBytes);
  }

  #refuse(edge: number, piece: PieceIndex): void {
    const asker = this.#twin(edge);
    this.#in(this.#latency, () => this.#released(asker, piece));
  }

  #pieceSent(edge: number): void {
    const piece = this.#sending[edge] as PieceIndex;
    this.#sending[edge] = NONE;
    this.#sent[edge] = (this.#sent[edge] as number) + this.#pieceBytes;
    const asker = this.#twin(edge);
    this.#in(this.#latency, () => this.#received(asker, piece));
  }

  // ---- Downloading -------------------------------------------------------------------------------------------------

  #fill(edge: number): void {
    const node = this.#owner(edge);
    const { picker, map } = this.#node(node);
    const uploader = this.#twin(edge);
    if (map.complete || this.#asks[edge] === 1 || this.#serves[uploader] === 0 || !this.#wants(edge)) return;
    const { announced, suggestions } = this.#node(this.#peer(edge));
    const peer: PickingPeer = {
      key: edge,
      suggested: suggestions?.next((piece) => map.needs(piece)) ?? null,
      has: (piece) => announced.has(piece),
      asking: () => false,
    };
    for (const { piece } of picker.pick(peer, 1, 1, () => true)) {
      suggestions?.give(piece);
      this.#asks[edge] = 1;
      this.#in(this.#latency, () => this.#asked(uploader, piece));
    }
  }

  #released(edge: number, piece: PieceIndex): void {
    this.#asks[edge] = 0;
    this.#node(this.#owner(edge)).picker.released(runOf(piece));
    this.#fill(edge);
  }

  #received(edge: number, piece: PieceIndex): void {
    const node = this.#owner(edge);
    const state = this.#node(node);
    this.#asks[edge] = 0;
    this.#got[edge] = (this.#got[edge] as number) + this.#pieceBytes;
    if (state.picker.received(runOf(piece)) === 'whole') {
      state.map.gain(piece);
      state.picker.settled(piece);
      this.#taken += this.#pieceBytes;
      this.#trace.step(this.#now, node, { port: 'transport', kind: 'piece', id: piece });
      this.#stored(node, piece);
    }
    this.#fill(edge);
  }

  #stored(node: number, piece: PieceIndex): void {
    const state = this.#node(node);
    const end = this.#end(node);
    for (let edge = this.#start(node); edge < end; edge++) {
      const peer = this.#peer(edge);
      if (this.#node(peer).announced.has(piece)) {
        this.#useful[edge] = (this.#useful[edge] as number) - 1;
        if (!this.#wants(edge) && this.#serves[this.#twin(edge)] === 1) this.#giveFreeSlot(peer);
      }
      if (state.picker.endgame) this.#cancelTwin(edge, piece);
    }
    if (state.news.push(piece) === 1) this.#in(millis(HAVE_DELAY_MS) + this.#latency, () => this.#announce(node));
    if (!state.map.complete) return;
    state.suggestions = this.#newSuggestions();
    this.#left--;
    this.#finishedSum += this.#now;
    this.#lastFinished = this.#now;
  }

  /** Endgame: somebody else was asked for it too. */
  #cancelTwin(edge: number, piece: PieceIndex): void {
    const uploader = this.#twin(edge);
    if (this.#sending[uploader] !== piece) return;
    this.#sending[uploader] = NONE;
    this.#node(this.#peer(edge)).uplink.cancel(this.#now, uploader);
    this.#refuse(uploader, piece);
  }

  /** The neighbours hear of what has come. */
  #announce(node: number): void {
    const state = this.#node(node);
    const pieces = state.news;
    state.news = [];
    for (const piece of pieces) state.announced.add(piece);
    const end = this.#end(node);
    for (let edge = this.#start(node); edge < end; edge++) this.#heard(this.#twin(edge), pieces);
  }

  #heard(edge: number, pieces: readonly PieceIndex[]): void {
    const { picker, map } = this.#node(this.#owner(edge));
    if (map.complete) return;
    const before = this.#useful[edge] as number;
    let useful = before;
    for (const piece of pieces) {
      picker.peerGained(piece);
      if (map.needs(piece)) useful++;
    }
    this.#useful[edge] = useful;
    if (useful === before) return;
    if (before === 0) this.#giveFreeSlot(this.#peer(edge));
    else this.#fill(edge);
  }

  // ------------------------------------------------------------------------------------------------------------------

  #wants(edge: number): boolean {
    return (this.#useful[edge] as number) > 0;
  }

  #in(delay: Micros, fire: () => void): void {
    this.#heap.add(this.#now + delay, fire);
  }

  #node(node: number): Node {
    return this.#nodes[node] as Node;
  }

  #peer(edge: number): number {
    return this.#graph.peer[edge] as number;
  }

  #twin(edge: number): number {
    return this.#graph.twin[edge] as number;
  }

  #owner(edge: number): number {
    return this.#peer(this.#twin(edge));
  }

  #newSuggestions(): Suggestions {
    return new Suggestions(this.#options.pieces, this.#below('suggest'));
  }

  #start(node: number): number {
    return this.#graph.start[node] as number;
  }

  #end(node: number): number {
    return this.#graph.start[node + 1] as number;
  }

  #edges(node: number): number[] {
    const start = this.#start(node);
    return Array.from({ length: this.#end(node) - start }, (_, n) => start + n);
  }
}

const runOf = (piece: PieceIndex): Run => ({ piece, unit: 0, units: 1 });
