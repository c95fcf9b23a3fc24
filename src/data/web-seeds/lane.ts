import { type Micros, millis } from '../../ports/clock.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { type WebUrl, webSeedRedirect } from '../../protocol/bittorrent/web-seed.ts';
import type { HttpResponseHead } from '../../protocol/tracker/http-response.ts';
import { ok } from '../../protocol/result.ts';
import { type Run, UNIT_BYTES } from '../../domain/transfer/partial-piece.ts';
import type { Picker } from '../../domain/transfer/picker.ts';
import { RateMeter } from '../../domain/transfer/rates.ts';
import { judgeSeedAnswer } from '../../domain/transfer/web-seed-answer.ts';
import { chooseForWebSeed, webSeedOrderBytes } from '../../domain/transfer/web-seed-choice.ts';
import { type FileRange, rangesOf, runBytes } from '../../domain/transfer/web-seed-ranges.ts';
import type { BufferPool } from '../buffers.ts';
import type { Content } from '../content.ts';
import type { Inbound } from '../inbound.ts';
import type { Gate } from '../own-gate.ts';
import type { Request } from '../requests.ts';
import { BlockFeed } from './block-feed.ts';
import { webSeedLimits } from './limits.ts';
import { WebConnection, type WebHandler, type WebWays } from './web-connection.ts';
import type { WebSeed } from './web-seed.ts';

/** Where a server wants to be left alone and does not say for how long. */
const LATER_SECONDS = 60;

export interface LaneDeps {
  readonly ways: WebWays;
  readonly content: Content;
  readonly picker: Picker;
  readonly inbound: Inbound;
  readonly pool: BufferPool;
  readonly downGate: Gate;
  /** Whether this lane may ask for more. */
  mayAsk(lane: Lane): boolean;
  /** Whether a lane has been asked for the unit: nothing is asked of two. */
  asking(piece: PieceIndex, unit: number): boolean;
  /** How many share the work: lanes, and peers that deliver. */
  sources(): number;
  /** Bytes have come. */
  received(seed: WebSeed, bytes: number): void;
  /** A block is whole, and was wanted. */
  block(seed: WebSeed, request: Request): void;
  /** The order failed, for so many seconds at least where the server says so. */
  failed(lane: Lane, reason: string, seconds: number | null): void;
  /** It lacks a file; or it delivers again. */
  changed(): void;
}

/** One connection to a web seed, and what it is to bring: some runs of units, as ranges of files one after the other. */
export class Lane implements WebHandler {
  /** Below zero: never that of a peer. */
  readonly key: number;
  readonly seed: WebSeed;
  readonly #deps: LaneDeps;
  readonly #rate = new RateMeter();
  readonly #retry = (): void => this.fill();
  #connection: WebConnection | null = null;
  #requests: readonly Request[] = [];
  #ranges: readonly FileRange[] = [];
  #feed: BlockFeed | null = null;
  #url: WebUrl | null = null;
  #redirects = 0;
  /** It is asked where it redirected to some time ago. */
  #moved = false;
  #skipBytes = 0;
  #state: 'idle' | 'asking' | 'taking' | 'draining' = 'idle';
  #drained = 0;
  /** What came and the limit of speed has not let pass yet. */
  #owedBytes = 0;
  #last: PieceIndex | null = null;
  /** Since when its pace is measured, and how much had come by then. */
  #paceAt: Micros = 0;
  #paceBytes = 0;
  #over = false;

  constructor(deps: LaneDeps, key: number, seed: WebSeed) {
    this.#deps = deps;
    this.key = key;
    this.seed = seed;
  }

  get busy(): boolean {
    return this.#requests.length > 0;
  }

  /** An answer is coming in. */
  get delivering(): boolean {
    return this.#state === 'taking';
  }

  get connected(): boolean {
    return this.#connection !== null;
  }

  asking(piece: PieceIndex, unit: number): boolean {
    return this.#requests.some(({ run }) => run.piece === piece && unit >= run.unit && unit < run.unit + run.units);
  }

  /** Takes an order where it has none: what comes in some seconds at its speed. */
  fill(): void {
    if (this.#over || this.busy || this.#state !== 'idle' || this.#owedBytes > 0 || !this.#deps.mayAsk(this)) return;
    const { content, downGate, inbound, picker, pool } = this.#deps;
    const rate = this.#rate.rate(this.#deps.ways.clock.now());
    const orderBytes = webSeedOrderBytes({
      rate,
      limit: downGate.bytesPerSecond,
      leftBytes: content.map.leftBytes,
      sources: this.#deps.sources(),
    });
    const units = Math.ceil(orderBytes / UNIT_BYTES);
    let starved = false;
    const open = (piece: PieceIndex): boolean => {
      starved = !inbound.open(piece);
      if (!starved) this.#last = piece;
      return !starved;
    };
    const has = (piece: PieceIndex): boolean => this.seed.has(piece);
    const runs = picker.pick(
      {
        key: this.key,
        has,
        asking: (piece, unit) => this.#deps.asking(piece, unit),
        choose: (pieces) => chooseForWebSeed({ ...pieces, has }, this.#last),
      },
      units,
      units,
      open,
    );
    if (runs.length === 0) {
      if (starved) pool.wait(this.#retry);
      return;
    }
    runs.sort((a, b) => a.piece - b.piece || a.unit - b.unit);
    this.#requests = runs.map((run) => this.#requestFor(run));
    this.#ranges = rangesOf(content.layout, runs);
    this.#pace();
    this.#next();
  }

  /** Once a second: silence and a trickle end it; so does it when others have brought all that it was to bring. */
  tick(now: Micros): void {
    this.#connection?.tick(now);
    if (!this.busy || this.#over) return;
    if (this.#tooSlow(now)) return this.#fail('it is too slow', null);
    const left = this.#requests.filter((request) => this.#feed?.isPast(request) !== true);
    if (left.some(({ run }) => this.#deps.picker.wants(run))) return;
    this.#cutOff();
    this.#release();
    return this.fill();
  }

  /** Lets everything go. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deps.downGate.forget(this);
    this.#cutOff();
    this.#release();
  }

  // ---- What the connection tells ------------------------------------------------------------------------------------

  head(head: HttpResponseHead): void {
    const [range] = this.#ranges;
    if (range === undefined || range.file === null) return;
    const verdict = judgeSeedAnswer(head.status, head.fields, this.#rangeOf(range));
    if (verdict.kind === 'take') {
      this.#skipBytes = verdict.skipBytes;
      this.#state = 'taking';
      return;
    }
    this.#state = 'draining';
    this.#drained = 0;
    if (verdict.kind === 'redirect') return this.#redirect(range.file, head.fields.get('location'));
    if (verdict.kind === 'lacks') return this.#missed(range.file, verdict.reason);
    return this.#fail(verdict.reason, verdict.kind === 'later' ? (verdict.seconds ?? LATER_SECONDS) : null);
  }

  body(bytes: Uint8Array): void {
    this.#throttle(bytes.length);
    if (this.#state === 'taking') return this.#body(bytes);
    this.#drained += bytes.length;
    // A long page of excuses is not worth reading to its end.
    if (this.#drained > webSeedLimits.drainBytesMax) {
      this.#cutOff();
      this.#proceed();
    }
    return undefined;
  }

  end(): void {
    // All that was wanted has left this state already.
    if (this.#state === 'taking') return this.#fail('its file is shorter than it says', null);
    this.#proceed();
    return undefined;
  }

  failed(reason: string, stale: boolean): void {
    this.#connection = null;
    if (stale && this.#state === 'asking') this.#ask();
    else if (this.#state === 'draining') this.#proceed();
    else this.#fail(reason, null);
  }

  // ---- Ranges, one after the other ----------------------------------------------------------------------------------

  /** While limits of this node hold it up it is not its fault. */
  #tooSlow(now: Micros): boolean {
    const bytes = this.#rate.total - this.#paceBytes;
    const ended = now - this.#paceAt >= millis(webSeedLimits.slowMs);
    if (ended || this.#owedBytes > 0) this.#pace();
    return ended && this.#owedBytes === 0 && bytes < webSeedLimits.slowBytes;
  }

  #pace(): void {
    this.#paceAt = this.#deps.ways.clock.now();
    this.#paceBytes = this.#rate.total;
  }

  #requestFor(run: Run): Request {
    const { begin, length } = runBytes(this.#deps.content.layout, run);
    return { run, range: { piece: run.piece, begin, length }, sentAt: this.#deps.ways.clock.now(), cancelled: false };
  }

  #rangeOf(range: FileRange): { from: number; length: number; fileBytes: number } {
    const fileBytes = this.#deps.content.layout.files[range.file ?? -1]?.size ?? 0;
    return { from: range.from, length: range.length, fileBytes };
  }

  /** Goes on with the first range that is left; padding comes by itself. */
  #next(): void {
    this.#feed ??= new BlockFeed(this.key, this.seed.name, this.#requests, this.#deps, (request) => this.#deps.block(this.seed, request));
    for (let [range] = this.#ranges; range !== undefined; [range] = this.#ranges) {
      this.#feed.begin(range);
      if (range.file === null) {
        this.#feed.zeros();
        this.#ranges = this.#ranges.slice(1);
        continue;
      }
      const moved = this.seed.movedTo(range.file);
      this.#moved = moved !== null;
      this.#redirects = 0;
      return this.#askFor(range.file, moved);
    }
    this.#requests = [];
    this.#feed = null;
    this.#state = 'idle';
    return this.fill();
  }

  #askFor(file: number, moved: WebUrl | null): void {
    const url = moved === null ? this.seed.urlOf(file) : ok(moved);
    if (!url.ok) return this.#lacks(file, url.error.message);
    this.#url = url.value;
    return this.#ask();
  }

  #ask(): void {
    const [range] = this.#ranges;
    const url = this.#url;
    if (range === undefined || url === null) return;
    if (this.#connection?.reusable(url) !== true) {
      this.#cutOff();
      this.#connection = new WebConnection(this.#deps.ways, url, this);
    }
    this.#state = 'asking';
    this.#connection?.request(url, this.#rangeOf(range));
  }

  #body(bytes: Uint8Array): void {
    const skipped = Math.min(this.#skipBytes, bytes.length);
    this.#skipBytes -= skipped;
    const [range] = this.#ranges;
    const feed = this.#feed;
    if (range === undefined || feed === null || skipped === bytes.length) return;
    const wanted = bytes.subarray(skipped, Math.min(bytes.length, skipped + feed.missing));
    this.#rate.add(this.#deps.ways.clock.now(), wanted.length);
    feed.take(wanted);
    if (this.#over || feed.missing > 0) return;
    const doubted = !this.seed.sound;
    this.seed.succeeded();
    if (doubted) this.#deps.changed();
    this.#ranges = this.#ranges.slice(1);
    this.#state = 'draining';
    this.#drained = bytes.length - skipped - wanted.length;
    const rest = range.from + range.length < this.#rangeOf(range).fileBytes;
    // Of a whole file that nobody asked for, the rest is not waited for.
    if (rest && this.#drained > 0) {
      this.#cutOff();
      this.#next();
    }
  }

  /** The answer is over: on with what is left, if there is anything. */
  #proceed(): void {
    if (this.#over) return;
    this.#state = 'idle';
    if (this.busy) this.#next();
    else this.fill();
  }

  #redirect(file: number, location: string | undefined): void {
    const from = this.#url;
    if (from === null) return;
    if (++this.#redirects > webSeedLimits.redirectsMax) return this.#lacks(file, 'it redirects without end');
    const to = webSeedRedirect(from, location);
    if (!to.ok) return this.#lacks(file, to.error.message);
    this.seed.redirected(file, to.value);
    this.#cutOff();
    this.#url = to.value;
    return this.#ask();
  }

  #missed(file: number, reason: string): void {
    if (!this.#moved) return this.#lacks(file, reason);
    // Where it redirected to is good for a time only, perhaps: once more from the beginning.
    this.#moved = false;
    this.#cutOff();
    return this.#askFor(file, null);
  }

  /** The order cannot be carried out; what it was about is anybody's again. Another one comes with the next tick, or answer. */
  #lacks(file: number, reason: string): void {
    this.seed.lacks(file, reason);
    this.#release();
    this.#deps.changed();
  }

  #fail(reason: string, seconds: number | null): void {
    this.#cutOff();
    this.#release();
    this.#deps.failed(this, reason, seconds);
  }

  #release(): void {
    const { picker } = this.#deps;
    this.#feed?.broken();
    for (const request of this.#requests) if (this.#feed?.isPast(request) !== true) picker.released(request.run);
    picker.left(this.key);
    for (const { run } of this.#requests) this.#deps.inbound.dropUntouched(run.piece);
    this.#requests = [];
    this.#ranges = [];
    this.#feed = null;
    this.#last = null;
    if (this.#state !== 'draining') this.#state = 'idle';
  }

  #cutOff(): void {
    this.#connection?.abort();
    this.#connection = null;
    this.#state = 'idle';
  }

  /** Bytes have come: while the limits of speed say no, no more are read. */
  #throttle(bytes: number): void {
    this.#deps.received(this.seed, bytes);
    if (!this.#deps.downGate.limited) return;
    const waits = this.#owedBytes > 0;
    this.#owedBytes += bytes;
    if (waits) this.#connection?.pause();
    else this.#pay();
  }

  #pay(): void {
    const { downGate } = this.#deps;
    if (this.#over) return;
    if (downGate.take(this.#owedBytes)) {
      this.#owedBytes = 0;
      this.#connection?.resume();
      this.fill();
      return;
    }
    this.#connection?.pause();
    downGate.wait(this, () => this.#pay());
  }
}
