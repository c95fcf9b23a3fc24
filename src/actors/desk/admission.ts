import { type Micros, seconds } from '../../ports/clock.ts';
import { isContentId } from './catalog-operations.ts';
import type { DeskContext } from './types.ts';

/** For so long a content that the catalog did not have is refused without asking again. */
const REFUSED_SECONDS = 10;
/** A node announces what it shares while its OWN is still under way: the catalog is asked again after this. */
const GRACE_SECONDS = 5;
const REMEMBERED_MAX = 10_000;
/** Questions to the catalog under way; beyond, new swarms wait for a later announce. */
const ASKING_MAX = 1_000;

/**
 * Which contents may have a swarm: those in the catalog. An announce is answered at once, so a new swarm begins on trust
 * and is dropped when the catalog says no.
 */
export class Admission {
  readonly #context: DeskContext;
  readonly #refused = new Map<string, Micros>();
  readonly #asking = new Set<string>();

  constructor(context: DeskContext) {
    this.#context = context;
  }

  /** Whether an announce of this content may be taken in. */
  admits(content: string): boolean {
    if (!isContentId(content)) return false;
    const { registry } = this.#context.swarm;
    if (registry.hasSwarm(content)) return true;
    const refusedAt = this.#refused.get(content);
    if (refusedAt !== undefined && this.#context.clock.now() - refusedAt < seconds(REFUSED_SECONDS)) return false;
    if (this.#asking.has(content)) return true;
    if (this.#asking.size >= ASKING_MAX) return false;
    this.#asking.add(content);
    this.#ask(content, (known) => {
      if (known) this.#asking.delete(content);
      else this.#context.clock.setTimer(seconds(GRACE_SECONDS), () => this.#ask(content, (now) => this.#settle(content, now)));
    });
    return true;
  }

  #ask(content: string, answer: (known: boolean) => void): void {
    this.#context.database.run('content', { id: content }, (result) => {
      // A ledger that cannot be read says nothing about the catalog.
      answer(!result.ok || result.value?.summary.id === content);
    });
  }

  #settle(content: string, known: boolean): void {
    const { clock, swarm } = this.#context;
    this.#asking.delete(content);
    if (known) return;
    swarm.registry.dropSwarm(content);
    this.#refused.delete(content);
    this.#refused.set(content, clock.now());
    const oldest = this.#refused.keys().next();
    if (this.#refused.size > REMEMBERED_MAX && oldest.done !== true) this.#refused.delete(oldest.value);
  }
}
