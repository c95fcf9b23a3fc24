import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import { sha256, toHex } from '../protocol/digest.ts';
import { BlameLedger } from '../domain/transfer/blame.ts';
import { type Run, UNIT_BYTES } from '../domain/transfer/partial-piece.ts';
import type { Picker } from '../domain/transfer/picker.ts';
import { type BufferPool, copyInto } from './buffers.ts';
import type { Content, ContentFailure } from './content.ts';
import type { Request } from './requests.ts';

/** A piece on its way in: its memory, who sent each unit, and whose block is coming in right now. */
interface Arriving {
  readonly memory: Uint8Array;
  readonly sources: string[];
  readonly streaming: Map<number, number>;
}

export interface InboundEvents {
  /** Verified and on disk (not yet synced). `sources` names who sent its units. */
  stored(piece: PieceIndex, sources: readonly string[]): void;
  /** A piece failed its check. */
  bad(piece: PieceIndex): void;
  /** These have sent wrong bytes. */
  liars(names: readonly string[]): void;
  /** The disk, or the torrent itself, fails; the piece is wanted again. */
  failed(failure: ContentFailure | { readonly code: 'conflict'; readonly message: string }): void;
}

/** Blocks into piece buffers, buffers to the check, good pieces to disk, and bad ones back to the picker. */
export class Inbound {
  readonly #content: Content;
  readonly #picker: Picker;
  readonly #pool: BufferPool;
  readonly #events: InboundEvents;
  readonly #arriving = new Map<PieceIndex, Arriving>();
  readonly #blame = new BlameLedger();
  #settling = 0;

  constructor(content: Content, picker: Picker, pool: BufferPool, events: InboundEvents) {
    this.#content = content;
    this.#picker = picker;
    this.#pool = pool;
    this.#events = events;
  }

  /** Pieces that are being verified or written. */
  get settling(): number {
    return this.#settling;
  }

  /** Memory for a piece that is to be started. */
  open(piece: PieceIndex): boolean {
    const memory = this.#pool.take(this.#content.layout.pieceBytes(piece));
    if (memory === null) return false;
    this.#arriving.set(piece, { memory, sources: [], streaming: new Map() });
    return true;
  }

  /** Whether the bytes of the block are wanted: some unit is missing, and nobody else's block is coming into its place. */
  start(peer: number, { run }: Request): boolean {
    const arriving = this.#arriving.get(run.piece);
    if (arriving === undefined || !this.#picker.wants(run)) return false;
    for (const unit of unitsOf(run)) if (arriving.streaming.has(unit)) return false;
    for (const unit of unitsOf(run)) arriving.streaming.set(unit, peer);
    return true;
  }

  bytes({ run, range }: Request, offset: number, chunk: Uint8Array): void {
    const arriving = this.#arriving.get(run.piece);
    if (arriving === undefined) return;
    let from = 0;
    while (from < chunk.length) {
      const at = range.begin + offset + from;
      const unit = Math.floor(at / UNIT_BYTES);
      const wholeRunOpen = from === 0 && !this.#picker.touched(run);
      const to = wholeRunOpen ? chunk.length : Math.min(chunk.length, from + (unit + 1) * UNIT_BYTES - at);
      if (wholeRunOpen || !this.#got(run.piece, unit)) copyInto(arriving.memory, at, chunk.subarray(from, to));
      from = to;
    }
  }

  /** The block is complete: `source` sent it. */
  end(source: string, { run }: Request): void {
    const arriving = this.#arriving.get(run.piece);
    if (arriving === undefined) return;
    for (const unit of unitsOf(run)) {
      arriving.streaming.delete(unit);
      if (!this.#got(run.piece, unit)) arriving.sources[unit] = source;
    }
    if (this.#picker.received(run) === 'whole') this.#verify(run.piece, arriving);
  }

  /** The connection broke off within a block. */
  broken({ run }: Request): void {
    const arriving = this.#arriving.get(run.piece);
    for (const unit of unitsOf(run)) arriving?.streaming.delete(unit);
  }

  /** Drops what is under way and not wanted any more, and gives its memory back. Answers which pieces that were. */
  dropUnwanted(): readonly PieceIndex[] {
    const unwanted = [...this.#picker.partials].map(({ piece }) => piece).filter((piece) => !this.#content.map.needs(piece));
    for (const piece of unwanted) this.#drop(piece);
    return unwanted;
  }

  /** Drops what is under way and gives its memory back: the transfer pauses. What is being written still gets done. */
  dropAll(): void {
    for (const partial of this.#picker.partials) this.#drop(partial.piece);
  }

  /** Gives back the memory of a piece that was begun in name only. */
  dropUntouched(piece: PieceIndex): void {
    if (this.#picker.untouched(piece)) this.#drop(piece);
  }

  #drop(piece: PieceIndex): void {
    const arriving = this.#arriving.get(piece);
    this.#arriving.delete(piece);
    this.#picker.drop(piece);
    if (arriving !== undefined) this.#pool.give(arriving.memory);
  }

  #verify(piece: PieceIndex, arriving: Arriving): void {
    const bytes = arriving.memory.subarray(0, this.#content.layout.pieceBytes(piece));
    this.#settling++;
    this.#content.judge(piece, bytes, false, (verdict) => {
      if (!verdict.ok) return this.#giveUp(piece, arriving, verdict.error);
      if (verdict.value === 'good') return this.#write(piece, arriving, bytes);
      if (verdict.value === 'conflict') {
        return this.#giveUp(piece, arriving, {
          code: 'conflict',
          message: 'The torrent is broken: its v1 and v2 hashes name different data.',
        });
      }
      return this.#bad(piece, arriving, bytes);
    });
  }

  #write(piece: PieceIndex, arriving: Arriving, bytes: Uint8Array): void {
    this.#content.storage.write(piece, bytes, (written) => {
      if (!written.ok) return this.#giveUp(piece, arriving, written.error);
      const liars = this.#blame.suspects(piece) ? this.#blame.passed(piece, digestsOf(bytes)) : [];
      this.#settle(piece, arriving, () => {
        this.#content.map.gain(piece);
        this.#picker.settled(piece);
      });
      this.#events.stored(piece, arriving.sources);
      if (liars.length > 0) this.#events.liars(liars);
      return undefined;
    });
  }

  #bad(piece: PieceIndex, arriving: Arriving, bytes: Uint8Array): void {
    const decision = this.#blame.failed(piece, { sources: arriving.sources, digests: digestsOf(bytes) });
    this.#settle(piece, arriving, () => this.#picker.settled(piece, true));
    this.#events.bad(piece);
    if (decision.kind === 'ban') this.#events.liars(decision.names);
  }

  #giveUp(piece: PieceIndex, arriving: Arriving, failure: Parameters<InboundEvents['failed']>[0]): void {
    this.#settle(piece, arriving, () => this.#picker.settled(piece));
    this.#events.failed(failure);
  }

  #settle(piece: PieceIndex, arriving: Arriving, settle: () => void): void {
    this.#arriving.delete(piece);
    this.#settling--;
    settle();
    this.#pool.give(arriving.memory);
  }

  #got(piece: PieceIndex, unit: number): boolean {
    return !this.#picker.wants({ piece, unit, units: 1 });
  }
}

function* unitsOf(run: Run): Iterable<number> {
  for (let unit = run.unit; unit < run.unit + run.units; unit++) yield unit;
}

const digestsOf = (bytes: Uint8Array): string[] => {
  const digests: string[] = [];
  for (let at = 0; at < bytes.length; at += UNIT_BYTES) digests.push(toHex(sha256(bytes.subarray(at, at + UNIT_BYTES))));
  return digests;
};
