/**
 * A TCP proxy that misbehaves on demand: it stands on one directed link (who dials whom) and delays, silences, slices or
 * cuts what goes through it. Bytes of one direction never overtake each other and are never lost while a connection
 * stands: a silence is what a network does that loses packets and repeats them later.
 */
import { createServer, type Server, Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { below, between, type Random } from '../../src/ports/random.ts';

/** `there`: from who dials to who is dialled. */
export type Direction = 'there' | 'back';

export interface LinkQuality {
  /** Each chunk waits so long, and up to `jitterMs` more at random. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** What is delivered is cut into pieces of 1 to this many bytes; 0: as it came. */
  readonly sliceBytesMax: number;
}

export const GOOD: LinkQuality = { delayMs: 0, jitterMs: 0, sliceBytesMax: 0 };

/** A direction that holds more than this takes no more until it could deliver: back-pressure, as of a slow network. */
const HELD_BYTES_MAX = 262_144;
/** Pieces delivered at one time: the others of a process's links want their turn. */
const PIECES_PER_TURN = 64;

interface Held {
  readonly chunk: Buffer;
  readonly dueAt: number;
}

/** One direction of one connection. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #link: FaultProxy;
  readonly #direction: Direction;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #lastDueAt = 0;
  #ended = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(link: FaultProxy, direction: Direction, from: Socket, to: Socket) {
    this.#link = link;
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
    from.on('data', (chunk) => this.#take(chunk));
    from.on('end', () => {
      this.#ended = true;
      this.deliver();
    });
    to.on('drain', () => this.deliver());
  }

  #take(chunk: Buffer): void {
    const { delayMs, jitterMs } = this.#link.quality;
    const wait = delayMs + (jitterMs === 0 ? 0 : between(this.#link.random, 'jitter', 0, jitterMs));
    this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + wait);
    this.#held.push({ chunk, dueAt: this.#lastDueAt });
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > HELD_BYTES_MAX) this.#from.pause();
    this.deliver();
  }

  /** Sends on what is due, unless the direction is silent. */
  deliver(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#link.isSilent(this.#direction) || this.#to.destroyed) return;
    for (let pieces = 0; this.#held.length > 0; pieces++) {
      const { chunk, dueAt } = this.#held[0] as Held;
      const waitMs = dueAt - performance.now();
      if (waitMs > 0 || pieces >= PIECES_PER_TURN) return this.#deliverLater(Math.max(0, waitMs));
      if (this.#to.writableNeedDrain) return;
      const piece = this.#cut(chunk, dueAt);
      this.#heldBytes -= piece.length;
      this.#link.carried(piece.length);
      this.#to.write(piece);
    }
    if (this.#from.isPaused() && this.#heldBytes <= HELD_BYTES_MAX) this.#from.resume();
    if (this.#ended && !this.#to.writableEnded) this.#to.end();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#held.length = 0;
  }

  /** Takes the next piece off the first chunk. */
  #cut(chunk: Buffer, dueAt: number): Buffer {
    const { sliceBytesMax } = this.#link.quality;
    const bytes = sliceBytesMax === 0 ? chunk.length : 1 + below(this.#link.random, 'slice', sliceBytesMax);
    this.#held.shift();
    if (bytes >= chunk.length) return chunk;
    this.#held.unshift({ chunk: chunk.subarray(bytes), dueAt });
    return chunk.subarray(0, bytes);
  }

  #deliverLater(waitMs: number): void {
    this.#timer = setTimeout(() => this.deliver(), waitMs);
  }
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  readonly pipes: readonly Pipe[];
}

/** One link: everything that is dialled at its port goes to `target`, as well as `quality` and its faults let it. */
export class FaultProxy {
  readonly name: string;
  readonly random: Random;
  quality: LinkQuality = GOOD;
  connections = 0;
  bytes = 0;
  readonly #target: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #silent = new Set<Direction>();

  /** `target`: a port of this machine. `name`: for people, such as "backup → main". */
  constructor(name: string, target: number, random: Random) {
    this.name = name;
    this.random = random;
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#connected(near));
  }

  /** Opens a port of this machine; resolves with it. */
  open(port = 0): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  isSilent(direction: Direction): boolean {
    return this.#silent.has(direction);
  }

  carried(bytes: number): void {
    this.bytes += bytes;
  }

  /** Nothing more is delivered in this direction; the function lets it through again, and what waited. */
  silence(direction: Direction): void {
    this.#silent.add(direction);
  }

  /** Everything is as it should be from now on; connections that were cut stay cut. */
  heal(): void {
    this.quality = GOOD;
    this.#silent.clear();
    for (const { pipes } of this.#pairs) for (const pipe of pipes) pipe.deliver();
  }

  /** Both sides of all connections see a reset. */
  reset(): void {
    for (const pair of this.#pairs) this.#drop(pair, true);
  }

  /** One side is gone and the other one does not hear of it: its connection stays open, and says nothing any more. */
  halfOpen(keeps: Direction): void {
    for (const pair of this.#pairs) {
      const [kept, gone] = keeps === 'there' ? [pair.near, pair.far] : [pair.far, pair.near];
      for (const pipe of pair.pipes) pipe.close();
      kept.removeAllListeners('data').removeAllListeners('end').resume();
      gone.removeAllListeners('close').resetAndDestroy();
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const pair of this.#pairs) this.#drop(pair, true);
    await closed;
  }

  #connected(near: Socket): void {
    this.connections += 1;
    const far = new Socket({ allowHalfOpen: true });
    far.setNoDelay(true).connect(this.#target, '127.0.0.1');
    const pair: Pair = { near, far, pipes: [new Pipe(this, 'there', near, far), new Pipe(this, 'back', far, near)] };
    this.#pairs.add(pair);
    for (const socket of [near, far]) {
      socket.on('error', () => this.#drop(pair, true));
      socket.on('close', () => {
        if (near.destroyed && far.destroyed) this.#drop(pair, false);
      });
    }
  }

  #drop(pair: Pair, reset: boolean): void {
    this.#pairs.delete(pair);
    for (const pipe of pair.pipes) pipe.close();
    for (const socket of [pair.near, pair.far]) {
      if (reset && !socket.destroyed) socket.resetAndDestroy();
      else socket.destroy();
    }
  }
}
