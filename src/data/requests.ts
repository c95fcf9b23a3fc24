import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import type { BlockRange } from '../protocol/bittorrent/wire.ts';
import type { Micros } from '../ports/clock.ts';
import { type Run, UNIT_BYTES } from '../domain/transfer/partial-piece.ts';

/** A block that a peer owes us. */
export interface Request {
  readonly run: Run;
  readonly range: BlockRange;
  readonly sentAt: Micros;
  /** The answer is not wanted any more, but it will come: exactly one piece or reject (BEP 6). */
  cancelled: boolean;
}

const UNITS_PER_PIECE_MAX = 65_536;
const keyOf = (piece: PieceIndex, unit: number): number => piece * UNITS_PER_PIECE_MAX + unit;

/** What a peer owes us, by the first unit of each block. */
export class Requests {
  readonly #byKey = new Map<number, Request>();
  readonly #units = new Set<number>();
  #bytes = 0;

  /** Bytes that are owed, cancelled ones not counted. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#byKey.size;
  }

  asking(piece: PieceIndex, unit: number): boolean {
    return this.#units.has(keyOf(piece, unit));
  }

  add(run: Run, range: BlockRange, sentAt: Micros): void {
    this.#byKey.set(keyOf(run.piece, run.unit), { run, range, sentAt, cancelled: false });
    this.#mark(run, true);
    this.#bytes += range.length;
  }

  /** The request that a block or a reject answers; taken out of the table. */
  take(range: BlockRange): Request | null {
    const key = keyOf(range.piece, range.begin / UNIT_BYTES);
    const request = this.#byKey.get(key);
    if (request === undefined || request.range.length !== range.length) return null;
    this.#byKey.delete(key);
    if (!request.cancelled) this.#forget(request);
    return request;
  }

  /** Requests that overlap `run` and are still wanted. */
  overlapping(run: Run): Request[] {
    const found: Request[] = [];
    for (const request of this.#byKey.values()) {
      if (request.cancelled || request.run.piece !== run.piece) continue;
      if (request.run.unit < run.unit + run.units && run.unit < request.run.unit + request.run.units) found.push(request);
    }
    return found;
  }

  cancel(request: Request): void {
    if (request.cancelled) return;
    request.cancelled = true;
    this.#forget(request);
  }

  /** Cancels all; answers those that were still wanted. */
  cancelAll(): Request[] {
    const wanted = [...this.#byKey.values()].filter((request) => !request.cancelled);
    for (const request of wanted) this.cancel(request);
    return wanted;
  }

  /** Forgets everything: a choke of a peer without the fast extension, or the end of the connection. */
  clear(): Request[] {
    const wanted = this.cancelAll();
    this.#byKey.clear();
    return wanted;
  }

  #forget(request: Request): void {
    this.#mark(request.run, false);
    this.#bytes -= request.range.length;
  }

  #mark(run: Run, owed: boolean): void {
    for (let unit = run.unit; unit < run.unit + run.units; unit++) {
      if (owed) this.#units.add(keyOf(run.piece, unit));
      else this.#units.delete(keyOf(run.piece, unit));
    }
  }
}
