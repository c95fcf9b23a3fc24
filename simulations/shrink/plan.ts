/**
 * Shrinks a plan that fails to a small one that fails in the same way (the same checker), so that a person can follow it:
 * fewer faults and operations first, then fewer processes, then plainer faults, then a shorter time with round numbers.
 */
import { checkPlan } from '../plan/schema.ts';
import type { Plan } from '../plan/types.ts';
import type { Failure } from '../run/outcome.ts';
import { ddmin } from './ddmin.ts';
import { smallerClusters } from './processes.ts';
import { plainerThan, rounder, rounderLengths } from './simplify.ts';
import { endOf, type Item, itemsOf, pulledBack, withItems } from './timeline.ts';

/** Runs a plan: what broke, or null. The same plan, the same answer. */
export type Fails = (plan: Plan) => Failure | null;

export interface ShrinkLimits {
  readonly runsMax: number;
  readonly secondsMax: number;
  /** Real time in milliseconds, for `secondsMax`. The answer depends on it only where the seconds run out. */
  readonly now: () => number;
}

export interface Shrunk {
  readonly plan: Plan;
  /** How the small plan fails. */
  readonly failure: Failure;
  readonly runs: number;
  /** `no`: nothing of it can be left out. Otherwise what ran out before that was known. */
  readonly stoppedBy: 'no' | 'runs' | 'seconds';
}

/** After the failure nothing matters, but the step in which it shows must be reached. */
const MARGIN_MS = 1;
const ROUNDS_MAX = 8;
/** A gap or a length below this is short enough. */
const SHORT_MS = 20;

/**
 * @param failure how `plan` fails, as a run of it has told
 * @param fails may be asked about any plan with the same seed; a plan that it throws on does not count as failing
 */
export const shrinkPlan = (plan: Plan, failure: Failure, fails: Fails, limits: ShrinkLimits): Shrunk => {
  const shrinking = new Shrinking(plan, failure, fails, limits);
  shrinking.run();
  return shrinking.answer();
};

class Shrinking {
  readonly #fails: Fails;
  readonly #limits: ShrinkLimits;
  readonly #begunAt: number;
  /** Plans that were tried: passes come by the same one again and again. */
  readonly #known = new Set<string>();
  /** What comes out can be saved and read again, if what went in could. */
  readonly #mustBeSound: boolean;
  #plan: Plan;
  #failure: Failure;
  #runs = 0;
  #stoppedBy: Shrunk['stoppedBy'] = 'no';

  constructor(plan: Plan, failure: Failure, fails: Fails, limits: ShrinkLimits) {
    this.#plan = plan;
    this.#mustBeSound = isSound(plan);
    this.#failure = failure;
    this.#fails = fails;
    this.#limits = limits;
    this.#begunAt = limits.now();
    this.#known.add(JSON.stringify(plan));
  }

  answer(): Shrunk {
    return { plan: this.#plan, failure: this.#failure, runs: this.#runs, stoppedBy: this.#stoppedBy };
  }

  run(): void {
    if (this.#plan.profile !== null) this.#try({ ...this.#plan, profile: null });
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const before = JSON.stringify(this.#plan);
      this.#cutAfterFailure();
      // What makes runs short comes first: every later question costs a run.
      this.#fewerKinds();
      this.#fewerProcesses();
      this.#fewerItems();
      this.#cutAfterFailure();
      this.#fewerProcesses();
      this.#plainerItems();
      this.#lessTime();
      if (JSON.stringify(this.#plan) === before || this.#spent()) break;
    }
    this.#rounderNumbers();
    this.#cutAfterFailure();
  }

  #spent(): boolean {
    if (this.#stoppedBy === 'no') {
      if (this.#runs >= this.#limits.runsMax) this.#stoppedBy = 'runs';
      else if (this.#limits.now() - this.#begunAt >= this.#limits.secondsMax * 1_000) this.#stoppedBy = 'seconds';
    }
    return this.#stoppedBy !== 'no';
  }

  /** Whether the candidate fails in the same way; it takes the place of the plan then. */
  #try(candidate: Plan): boolean {
    const key = JSON.stringify(candidate);
    if (this.#known.has(key) || this.#spent()) return false;
    this.#known.add(key);
    if (this.#mustBeSound && !isSound(candidate)) return false;
    this.#runs++;
    const failure = this.#ask(candidate);
    if (failure?.checker !== this.#failure.checker) return false;
    this.#plan = candidate;
    this.#failure = failure;
    return true;
  }

  #ask(candidate: Plan): Failure | null {
    try {
      return this.#fails(candidate);
    } catch {
      // Not a plan that can be run at all: some combinations are none.
      return null;
    }
  }

  #tryItems(items: readonly Item[]): boolean {
    return this.#try(withItems(this.#plan, items));
  }

  /** What comes after the failure never happened. A failure of the calm phase needs its phase. */
  #cutAfterFailure(): void {
    const { chaosMs, calmMs } = this.#plan;
    const endMs = Math.ceil(this.#failure.atMs) + MARGIN_MS;
    if (endMs <= chaosMs) {
      const items = itemsOf(this.#plan).filter((item) => item.of.atMs <= endMs);
      if (this.#try({ ...withItems(this.#plan, items), chaosMs: endMs, calmMs: 0 })) return;
    }
    if (calmMs > 0 && this.#try({ ...this.#plan, calmMs: 0 })) return;
    const calm = endMs - chaosMs;
    if (calm > 0 && calm < calmMs) this.#try({ ...this.#plan, calmMs: calm });
  }

  /** Whole kinds at once: most of a profile has nothing to do with the failure. */
  #fewerKinds(): void {
    for (const kind of new Set(itemsOf(this.#plan).map(kindOf))) {
      const left = itemsOf(this.#plan).filter((item) => kindOf(item) !== kind);
      this.#tryItems(left);
    }
  }

  #fewerItems(): void {
    ddmin(itemsOf(this.#plan), (part) => this.#tryItems(part));
  }

  #fewerProcesses(): void {
    for (let found = true; found && !this.#spent();) found = smallerClusters(this.#plan).some((smaller) => this.#try(smaller));
  }

  #plainerItems(): void {
    this.#replaceEach(plainerThan);
    this.#replaceEach(shorterThan);
  }

  /** Each item by the first of its replacements that serves, again and again. */
  #replaceEach(replacements: (item: Item) => readonly Item[], again = true): void {
    for (let index = 0; index < itemsOf(this.#plan).length; index++) {
      for (let found = true; found && !this.#spent(); found &&= again) {
        const items = itemsOf(this.#plan);
        const item = items[index] as Item;
        found = replacements(item).some((replacement) => this.#tryItems(items.with(index, replacement)));
      }
    }
  }

  /** Shorter waits, from the beginning to the first item, between items, and from the last to the end. */
  #lessTime(): void {
    for (let index = 0; index < itemsOf(this.#plan).length; index++) {
      for (let found = true; found && !this.#spent();) {
        const items = itemsOf(this.#plan);
        const gap = (items[index] as Item).of.atMs - (items[index - 1]?.of.atMs ?? 0);
        found = gap > SHORT_MS && [gap, Math.floor(gap / 2)].some((byMs) => this.#try(this.#sooner(index, byMs)));
      }
    }
    const endMs = endOf(itemsOf(this.#plan));
    if (endMs < this.#plan.chaosMs) this.#try({ ...this.#plan, chaosMs: Math.max(1, endMs) });
  }

  /** Everything from an item on, the end of chaos too, so much earlier. */
  #sooner(index: number, byMs: number): Plan {
    const plan = withItems(this.#plan, pulledBack(itemsOf(this.#plan), index, byMs));
    return { ...plan, chaosMs: Math.max(1, plan.chaosMs - byMs) };
  }

  #rounderNumbers(): void {
    const { chaosMs } = this.#plan;
    // Room for times that are rounded up; cut again afterwards.
    if (this.#plan.calmMs === 0) this.#try({ ...this.#plan, chaosMs: Math.ceil(chaosMs / 1_000 + 1) * 1_000 });
    this.#replaceEach(rounder, false);
    this.#replaceEach(rounderLengths, false);
  }
}

const isSound = (plan: Plan): boolean => checkPlan(plan, 'the plan').ok;

const kindOf = ({ is, of }: Item): string => `${is} ${'kind' in of ? of.kind : of.do}`;

const shorterThan = (item: Item): readonly Item[] => {
  if (item.is !== 'fault' || !('forMs' in item.of) || item.of.forMs <= SHORT_MS) return [];
  const { of } = item;
  const shorter = Math.floor(of.forMs / 2);
  return [{ is: 'fault', of: { ...of, forMs: shorter } }];
};
