/** Keeps one link up to an address. */
import type { TimerId } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import { between, type Random } from '../ports/random.ts';
import type { ControlFrame, HelloFrame, RefuseFrame, WelcomeFrame } from '../protocol/control/messages.ts';
import { dialLink, type DialOptions, type LinkDeps } from './dial.ts';
import type { Link, LinkDown, LinkHandler } from './link.ts';

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 1_000;
/** After so many the wait is the longest. */
const FAILURES_FOR_MAX = 16;

/** How long to wait before attempt number `failures + 1`: exponential, with full jitter above the least. */
export const backoffMs = (random: Random, failures: number, maxMs = BACKOFF_MAX_MS): number =>
  between(
    random,
    'link backoff',
    BACKOFF_MIN_MS,
    Math.max(BACKOFF_MIN_MS, Math.min(maxMs, BACKOFF_MIN_MS * 2 ** Math.min(failures, FAILURES_FOR_MAX))) + 1,
  );

/** `up` and `down` come in turns; `failed` for each attempt that did not get a link. */
export interface DiallerHandler<F extends ControlFrame> extends LinkHandler<F> {
  failed(reason: LinkDown): void;
}

export class LinkDialler<F extends ControlFrame> {
  readonly #deps: LinkDeps & { readonly random: Random };
  readonly #options: DialOptions;
  readonly #handler: DiallerHandler<F>;
  #link: Link<F> | null = null;
  #up = false;
  #failures = 0;
  #timer: TimerId | null = null;
  #running = false;

  constructor(deps: LinkDeps & { readonly random: Random }, options: DialOptions, handler: DiallerHandler<F>) {
    this.#deps = deps;
    this.#options = options;
    this.#handler = handler;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#dial();
  }

  /** Dials no more, and closes the link; its `down` still comes. */
  stop(): void {
    this.#running = false;
    if (this.#timer !== null) this.#deps.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#link?.close();
  }

  /** Closes a link that leads to somebody else, and tries again after the longest wait. */
  drop(): void {
    this.#failures = FAILURES_FOR_MAX;
    this.#link?.close();
  }

  get isUp(): boolean {
    return this.#up;
  }

  queuedBytes(): number {
    return this.#link?.queuedBytes() ?? 0;
  }

  send(frame: Exclude<F, HelloFrame | WelcomeFrame | RefuseFrame>): boolean {
    return this.#up && this.#link !== null && this.#link.send(frame);
  }

  #dial(): void {
    this.#link = dialLink<F>(this.#deps, this.#options, {
      up: (peer) => {
        this.#up = true;
        this.#failures = 0;
        this.#handler.up(peer);
      },
      frame: (frame) => this.#handler.frame(frame),
      drained: () => this.#handler.drained?.(),
      down: (reason) => this.#ended(reason),
    });
  }

  #ended(reason: LinkDown): void {
    const wasUp = this.#up;
    this.#up = false;
    this.#link = null;
    if (this.#running) {
      this.#timer = this.#deps.clock.setTimer(millis(backoffMs(this.#deps.random, this.#failures++)), () => {
        this.#timer = null;
        if (this.#running) this.#dial();
      });
    }
    if (wasUp) this.#handler.down(reason);
    else this.#handler.failed(reason);
  }
}
