import { type Micros, seconds, type TimerId } from '../../ports/clock.ts';
import { isContentId } from './catalog-operations.ts';
import type { DeskContext } from './types.ts';

/** A node may announce while its `own` is still on its way: so long may a swarm be ahead of the catalog. */
const TRUST_SECONDS = 15;
/** For so long a content that the catalog did not have is refused without asking again. */
const REFUSED_SECONDS = 10;
const REFUSED_MAX = 10_000;
/** Contents on trust at one time; beyond, new swarms wait for a later announce. */
const TRUSTED_MAX = 1_000;

/**
 * Which contents may have a swarm: those in the catalog. An announce is answered at once, so a new swarm begins on trust
 * and is dropped when the catalog does not have its content some time later.
 */
export class Admission {
  readonly #context: DeskContext;
  readonly #refused = new Map<string, Micros>();
  /** With the timer of the second look, once the first one found nothing. */
  readonly #trusted = new Map<string, TimerId | null>();

  constructor(context: DeskContext) {
    this.#context = context;
  }

  /** Whether an announce of this content may be taken in. */
  admits(content: string): boolean {
    if (!isContentId(content)) return false;
    if (this.#context.swarm.registry.hasSwarm(content) || this.#trusted.has(content)) return true;
    const refusedAt = this.#refused.get(content);
    if (refusedAt !== undefined && this.#context.clock.now() - refusedAt < seconds(REFUSED_SECONDS)) return false;
    if (this.#trusted.size >= TRUSTED_MAX) return false;
    this.#trusted.set(content, null);
    this.#check(content, () => this.#lookAgain(content));
    return true;
  }

  /** The content has just come into the catalog. */
  welcome(content: string): void {
    this.#refused.delete(content);
  }

  stop(): void {
    for (const timer of this.#trusted.values()) if (timer !== null) this.#context.clock.clearTimer(timer);
    this.#trusted.clear();
  }

  #lookAgain(content: string): void {
    if (!this.#trusted.has(content)) return;
    const timer = this.#context.clock.setTimer(seconds(TRUST_SECONDS), () => this.#check(content, () => this.#refuse(content)));
    this.#trusted.set(content, timer);
  }

  /** Looks the content up; the trust ends when it is there, otherwise `missing` says what to do. */
  #check(content: string, missing: () => void): void {
    this.#context.database.run('content', { id: content }, (result) => {
      // A ledger that cannot be read says nothing about the catalog.
      if (!result.ok || result.value?.summary.id === content) this.#trusted.delete(content);
      else missing();
    });
  }

  #refuse(content: string): void {
    this.#trusted.delete(content);
    this.#context.swarm.registry.dropSwarm(content);
    this.#refused.delete(content);
    this.#refused.set(content, this.#context.clock.now());
    const oldest = this.#refused.keys().next();
    if (this.#refused.size > REFUSED_MAX && oldest.done !== true) this.#refused.delete(oldest.value);
  }
}
