import type { Clock } from '../ports/clock.ts';
import type { Crypto } from '../ports/crypto.ts';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import type { Metainfo } from '../protocol/bittorrent/metainfo.ts';
import { type Done, type Failure, ok } from '../protocol/result.ts';
import { PieceMap } from '../domain/transfer/piece-map.ts';
import { judgePiece, type PieceVerdict, type TorrentLayout } from '../domain/transfer/torrent-layout.ts';
import type { BufferPool } from './buffers.ts';
import { dataLimits } from './limits.ts';
import type { Storage, StorageFailure } from './storage.ts';

export type ContentFailure = Failure<StorageFailure['code'] | 'busy' | 'failed'>;

const BUSY_RETRY_MICROS = 50_000;

/** What a transfer is about, with its bytes: layout, map of pieces, files, and the checks of its pieces. */
export class Content {
  readonly metainfo: Metainfo;
  readonly layout: TorrentLayout;
  readonly storage: Storage;
  readonly map: PieceMap;
  readonly #clock: Clock;
  readonly #crypto: Pick<Crypto, 'pieceDigests'>;
  readonly #pool: BufferPool;
  /** Pieces whose SHA-1 was found right, too; of a hybrid torrent only v2 is checked on the way in. */
  #sha1Right: Set<PieceIndex> | null = null;
  /** Pieces that were hashed; for tests and for people who wonder. */
  piecesHashed = 0;

  constructor(settings: {
    readonly metainfo: Metainfo;
    readonly layout: TorrentLayout;
    readonly storage: Storage;
    readonly clock: Clock;
    readonly crypto: Pick<Crypto, 'pieceDigests'>;
    readonly pool: BufferPool;
  }) {
    this.metainfo = settings.metainfo;
    this.layout = settings.layout;
    this.storage = settings.storage;
    this.#clock = settings.clock;
    this.#crypto = settings.crypto;
    this.#pool = settings.pool;
    this.map = new PieceMap(settings.layout.pieceCount, (piece) => settings.layout.dataBytes(piece));
  }

  get id(): string {
    return this.layout.id;
  }

  /** What the digests say of a piece's bytes. `both` also looks at the SHA-1 of a hybrid torrent. */
  judge(piece: PieceIndex, bytes: Uint8Array, both: boolean, done: Done<PieceVerdict, ContentFailure>): void {
    const check = this.layout.check(piece);
    const wanted =
      both || check.merkleRoot === null ? check : { ...check, sha1: null, plan: { ...check.plan, sha1: false, sha1ZeroTail: 0 } };
    this.piecesHashed++;
    this.#crypto.pieceDigests(bytes, wanted.plan, (digests) => {
      if (digests.ok) done(ok(judgePiece(wanted, digests.value)));
      else if (digests.error.code === 'busy') this.#clock.setTimer(BUSY_RETRY_MICROS, () => this.judge(piece, bytes, both, done));
      else done(digests);
    });
  }

  /** Reads a piece from disk and judges it; a file that is missing or too short makes it bad. */
  inspect(piece: PieceIndex, both: boolean, done: Done<PieceVerdict, ContentFailure>): void {
    const bytes = this.layout.pieceBytes(piece);
    const memory = this.#pool.take(bytes);
    if (memory === null) {
      this.#pool.wait(() => this.inspect(piece, both, done));
      return;
    }
    const into = memory.subarray(0, bytes);
    const finish: Done<PieceVerdict, ContentFailure> = (result) => {
      this.#pool.give(memory);
      done(result);
    };
    this.storage.read(piece, 0, into, (read) => {
      if (read.ok) this.judge(piece, into, both, finish);
      else if (read.error.code === 'missing' || read.error.code === 'changed') finish(ok('bad'));
      else finish(read);
    });
  }

  /** Before a piece of a hybrid torrent goes to a peer that checks by SHA-1 alone: is that right, too? */
  readyForV1(piece: PieceIndex, done: Done<PieceVerdict, ContentFailure>): void {
    if (this.metainfo.v1 === null || this.metainfo.v2 === null || this.#sha1Right?.has(piece) === true) {
      done(ok('good'));
      return;
    }
    this.inspect(piece, true, (verdict) => {
      if (verdict.ok && verdict.value === 'good') (this.#sha1Right ??= new Set()).add(piece);
      done(verdict);
    });
  }

  /**
   * Reads and hashes the given pieces, a few at a time; the map follows. `progress` counts the pieces done. `stop` of the
   * answer ends it: then `done` is not called.
   */
  check(pieces: readonly PieceIndex[], progress: (checked: number) => void, done: Done<void, ContentFailure>): { stop(): void } {
    const check = { next: 0, checked: 0, over: false };
    const finish: Done<void, ContentFailure> = (result) => {
      if (check.over) return;
      check.over = true;
      done(result);
    };
    const more = (): void => {
      while (!check.over && check.next < pieces.length && check.next - check.checked < dataLimits.checksUnderWayMax) {
        const piece = pieces[check.next++] as PieceIndex;
        this.inspect(piece, false, (verdict) => {
          if (check.over) return;
          if (!verdict.ok) return finish(verdict);
          if (verdict.value === 'good') this.map.gain(piece);
          else this.map.lose(piece);
          progress(++check.checked);
          if (check.checked === pieces.length) return finish(ok(undefined));
          return more();
        });
      }
    };
    if (pieces.length === 0) this.#clock.setTimer(0, () => finish(ok(undefined)));
    else more();
    return { stop: () => void (check.over = true) };
  }
}
