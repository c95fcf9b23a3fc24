import type { Clock, Micros } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { type WebUrl, webSeedFileUrl } from '../../protocol/bittorrent/web-seed.ts';
import type { Result } from '../../protocol/result.ts';
import { RateMeter } from '../../domain/transfer/rates.ts';
import type { TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import { webSeedBackOff } from '../../domain/transfer/web-seed-answer.ts';
import { webSeedLimits } from './limits.ts';

/** How a web seed stands: with nothing to do, delivering, left alone after a failure, without what is wanted, banned. */
export type WebSeedState = 'idle' | 'working' | 'failed' | 'lacking' | 'banned';

/** One web seed of a torrent: which files it has, and whether it may be asked. */
export class WebSeed {
  /** For people, and its name in the blame for wrong bytes. */
  readonly name: string;
  /** HOST:PORT, for the limit of connections. */
  readonly server: string;
  readonly down = new RateMeter();
  /** Connections that it may have; fewer once it has refused a second one. */
  lanesMax: number = webSeedLimits.lanesPerServerMax;
  /** What it failed with last, or why it lacks files; null while all is well. */
  reason: string | null = null;
  banned = false;
  /** It has delivered, and not failed since. */
  proven = false;
  readonly #url: string;
  readonly #clock: Clock;
  readonly #layout: TorrentLayout;
  readonly #single: boolean;
  readonly #lackingFiles = new Set<number>();
  readonly #lackingPieces: Uint8Array;
  #lackingCount = 0;
  readonly #redirects = new Map<number, WebUrl>();
  #failures = 0;
  #notBefore: Micros = 0;

  constructor(clock: Clock, layout: TorrentLayout, url: string, name: string, server: string) {
    this.#clock = clock;
    this.#layout = layout;
    this.#url = url;
    this.name = name;
    this.server = server;
    this.#single = layout.files.length === 1 && layout.files[0]?.path.length === 1;
    this.#lackingPieces = new Uint8Array(layout.pieceCount);
  }

  get now(): Micros {
    return this.#clock.now();
  }

  /** It may be asked now. */
  get ready(): boolean {
    return !this.banned && this.#clock.now() >= this.#notBefore;
  }

  /** Nothing speaks against its delivering: it has not failed, or not since it delivered last. */
  get sound(): boolean {
    return !this.banned && this.#failures === 0 && this.#lackingCount < this.#layout.pieceCount;
  }

  get lacking(): boolean {
    return this.#lackingCount === this.#layout.pieceCount;
  }

  /** Part of the pieces, 0 to 1. */
  get share(): number {
    return 1 - this.#lackingCount / Math.max(1, this.#layout.pieceCount);
  }

  has(piece: PieceIndex): boolean {
    return this.#lackingPieces[piece] === 0;
  }

  /** Where it redirected to last time that it was asked for the file; null where it did not. */
  movedTo(file: number): WebUrl | null {
    return this.#redirects.get(file) ?? null;
  }

  /** Where the torrent says that it has a file. */
  urlOf(file: number): Result<WebUrl> {
    return webSeedFileUrl(this.#url, this.#layout.files[file]?.path ?? [], this.#single);
  }

  redirected(file: number, to: WebUrl): void {
    if (this.#redirects.size < webSeedLimits.redirectsKeptMax || this.#redirects.has(file)) this.#redirects.set(file, to);
  }

  /** It does not have this file. */
  lacks(file: number, reason: string): void {
    this.reason = reason;
    this.#redirects.delete(file);
    if (this.#lackingFiles.has(file)) return;
    this.#lackingFiles.add(file);
    const { firstPiece = 0, endPiece = 0 } = this.#layout.files[file] ?? {};
    for (let piece = firstPiece; piece < endPiece; piece++) {
      if (this.#lackingPieces[piece] === 0) this.#lackingCount++;
      this.#lackingPieces[piece] = 1;
    }
  }

  delivered(bytes: number): void {
    this.down.add(this.#clock.now(), bytes);
  }

  /** An answer was whole and right. */
  succeeded(): void {
    this.#failures = 0;
    this.proven = true;
    if (this.#lackingFiles.size === 0) this.reason = null;
  }

  /** It is left alone for a while, longer each time. `seconds`: as it asked for. `busy`: another connection to it delivers. */
  failed(reason: string, seconds: number | null, busy: boolean): void {
    this.#redirects.clear();
    if (!busy) this.proven = false;
    this.reason = reason;
    const now = this.#clock.now();
    // It may mind a second connection and nothing else; and what both connections fail of counts once.
    if (busy || seconds !== null) this.lanesMax = 1;
    if ((busy && seconds === null) || now < this.#notBefore) return;
    this.#failures++;
    this.#notBefore = now + millis(1_000 * (seconds ?? webSeedBackOff(this.#failures)));
  }

  /** The user, or a new run of the transfer, wants it tried again; bans stay. */
  renew(): void {
    this.#failures = 0;
    this.#notBefore = 0;
    this.proven = false;
    this.reason = null;
    this.#lackingFiles.clear();
    this.#lackingPieces.fill(0);
    this.#lackingCount = 0;
    this.lanesMax = webSeedLimits.lanesPerServerMax;
  }

  state(busy: boolean): WebSeedState {
    if (this.banned) return 'banned';
    if (busy) return 'working';
    if (this.#failures > 0) return 'failed';
    return this.lacking ? 'lacking' : 'idle';
  }
}
