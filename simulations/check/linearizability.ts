/**
 * Linearizability of one object's history: Wing and Gong's search with Lowe's cache of (done, state), over a doubly linked
 * list of calls and returns, as Porcupine does it (Lowe, "Testing for linearizability", 2017). Histories are cut wherever
 * nothing is under way: behind a cut only the states count that the object may be in, with the operations of unknown
 * outcome that may still take effect. Knows nothing of what is checked.
 */

/** An object of which operations are asked, one after the other, if the history is right. */
export interface Model<S, I, O> {
  readonly initial: S;
  /**
   * The state after `input` was done and answered `output`; null where it cannot be answered so in that state. Without an
   * output (undefined) it is done whatever it would answer. Pure.
   */
  step(state: S, input: I, output: O | undefined): S | null;
  /** Whether it never changes the state: with an unknown outcome it says nothing. */
  readOnly(input: I): boolean;
  /** The same for the same states only. */
  key(state: S): string;
}

export type Verdict =
  | { readonly kind: 'linearizable' }
  /** No order explains what was answered; `because` shows the stretch in which that came out. */
  | { readonly kind: 'violated'; readonly because: string }
  /** Too many orders to look at: nothing is said. */
  | { readonly kind: 'undecided' };

export interface SearchLimits {
  /** Steps of the search between two cuts. */
  readonly stepsMax: number;
  /** States at a cut, with what may still take effect. */
  readonly statesMax: number;
}

export const SEARCH_LIMITS: SearchLimits = { stepsMax: 500_000, statesMax: 2_048 };

interface Operation<I, O> {
  readonly id: number;
  readonly client: string;
  readonly input: I;
  readonly inputKey: string;
  /** Undefined while it is under way, and where the outcome is unknown. */
  output: O | undefined;
  stage: 'open' | 'answered' | 'unknown' | 'nothing';
}

/** One point of a history: the call of an operation, or its return. */
interface Point<I, O> {
  readonly operation: Operation<I, O>;
  readonly call: boolean;
}

/** What may be the case at a cut: a state, and what may still take effect. */
interface Possibility<S, I, O> {
  readonly state: S;
  readonly pending: readonly Operation<I, O>[];
}

/** The history of one object, judged as it grows: at every moment at which nothing is under way. */
export class ObjectHistory<S, I, O> {
  readonly #model: Model<S, I, O>;
  readonly #limits: SearchLimits;
  #possible: readonly Possibility<S, I, O>[];
  /** Since the last cut. */
  #points: Point<I, O>[] = [];
  readonly #open = new Map<number, Operation<I, O>>();
  #verdict: Verdict = { kind: 'linearizable' };
  #cuts = 0;

  constructor(model: Model<S, I, O>, limits: SearchLimits = SEARCH_LIMITS) {
    this.#model = model;
    this.#limits = limits;
    this.#possible = [{ state: model.initial, pending: [] }];
  }

  /** How often the history was cut. */
  get cuts(): number {
    return this.#cuts;
  }

  /** The verdict so far: once it is not `linearizable`, it stays. */
  get verdict(): Verdict {
    return this.#verdict;
  }

  /** Of an operation that is not under way. */
  called(id: number, client: string, input: I): void {
    if (this.#open.has(id)) throw new Error(`Operation ${id} is under way already`);
    const operation: Operation<I, O> = { id, client, input, inputKey: JSON.stringify(input), output: undefined, stage: 'open' };
    this.#open.set(id, operation);
    this.#points.push({ operation, call: true });
  }

  answered(id: number, output: O): Verdict {
    const operation = this.#close(id, 'answered');
    operation.output = output;
    this.#points.push({ operation, call: false });
    return this.#cutIfQuiet();
  }

  /** It may have happened, or happen later, or never. */
  unknown(id: number): Verdict {
    const { input } = this.#open.get(id) ?? missing(id);
    this.#close(id, this.#model.readOnly(input) ? 'nothing' : 'unknown');
    return this.#cutIfQuiet();
  }

  /** It did not happen. */
  nothing(id: number): Verdict {
    this.#close(id, 'nothing');
    return this.#cutIfQuiet();
  }

  /** Nothing more is heard: what is under way has an unknown outcome. */
  end(): Verdict {
    for (const id of this.#open.keys()) this.unknown(id);
    return this.#verdict;
  }

  #close(id: number, stage: Operation<I, O>['stage']): Operation<I, O> {
    const operation = this.#open.get(id) ?? missing(id);
    this.#open.delete(id);
    operation.stage = stage;
    return operation;
  }

  #cutIfQuiet(): Verdict {
    if (this.#open.size > 0 || this.#verdict.kind !== 'linearizable') return this.#verdict;
    const points = this.#points.filter(({ operation }) => operation.stage !== 'nothing');
    this.#points = [];
    if (points.length === 0) return this.#verdict;
    this.#cuts++;
    const budget = { left: this.#limits.stepsMax };
    const found: Possibility<S, I, O>[] = [];
    for (const start of this.#possible) new Search(this.#model, start, points, budget).run(found);
    const possible = withoutWeaker(this.#model, found);
    if (budget.left < 0 || possible.length > this.#limits.statesMax) this.#verdict = { kind: 'undecided' };
    else if (possible.length === 0) this.#verdict = { kind: 'violated', because: explain(this.#model, this.#possible, points) };
    this.#possible = possible;
    return this.#verdict;
  }
}

const missing = (id: number): never => {
  throw new Error(`Operation ${id} is not under way`);
};

/** Of possibilities with the same state those go in which less may still happen: whatever follows from them, follows from the others. */
const withoutWeaker = <S, I, O>(model: Model<S, I, O>, found: readonly Possibility<S, I, O>[]): readonly Possibility<S, I, O>[] => {
  const byState = new Map<string, { readonly possibility: Possibility<S, I, O>; readonly counts: Map<string, number> }[]>();
  for (const possibility of found) {
    const key = model.key(possibility.state);
    const counts = new Map<string, number>();
    for (const { inputKey } of possibility.pending) counts.set(inputKey, (counts.get(inputKey) ?? 0) + 1);
    const others = byState.get(key) ?? [];
    if (others.some((other) => covers(other.counts, counts))) continue;
    byState.set(key, [...others.filter((other) => !covers(counts, other.counts)), { possibility, counts }]);
  }
  return [...byState.values()].flat().map(({ possibility }) => possibility);
};

const covers = (more: ReadonlyMap<string, number>, less: ReadonlyMap<string, number>): boolean => {
  for (const [key, count] of less) if ((more.get(key) ?? 0) < count) return false;
  return true;
};

/** The operations that were done so far, as a set of their places. */
class Done {
  readonly #words: Uint32Array;

  constructor(size: number) {
    this.#words = new Uint32Array((size + 31) >>> 5);
  }

  flip(place: number): void {
    const word = place >>> 5;
    this.#words[word] = (this.#words[word] as number) ^ (1 << (place & 31));
  }

  has(place: number): boolean {
    return (((this.#words[place >>> 5] as number) >>> (place & 31)) & 1) === 1;
  }

  get key(): string {
    return this.#words.length === 1 ? String(this.#words[0]) : this.#words.join(',');
  }
}

/**
 * All states that a stretch of a history may end in, from one start. The list has the calls and returns that are not done
 * yet; the search takes the first call that its state allows, takes it (and its return) out, and begins again at the
 * front; at a return it must go back, for what returned here has to be done before.
 */
class Search<S, I, O> {
  readonly #model: Model<S, I, O>;
  readonly #start: Possibility<S, I, O>;
  readonly #operations: readonly Operation<I, O>[];
  readonly #budget: { left: number };
  /** The list: places from 1 on, 0 is both ends. */
  readonly #next: number[] = [0];
  readonly #before: number[] = [0];
  /** Of each place its operation, and for a call the place of its return (0: none). */
  readonly #operationAt: number[] = [-1];
  readonly #returnOf: number[] = [0];
  readonly #isCall: boolean[] = [false];
  readonly #done: Done;
  /** Operations that must be done, and are not. */
  #left = 0;

  constructor(model: Model<S, I, O>, start: Possibility<S, I, O>, points: readonly Point<I, O>[], budget: { left: number }) {
    this.#model = model;
    this.#start = start;
    this.#budget = budget;
    const operations = [...start.pending];
    for (const number of operations.keys()) this.#add(number, true);
    const calls = new Map<Operation<I, O>, { readonly number: number; readonly place: number }>();
    for (const { operation, call } of points) {
      if (call) {
        operations.push(operation);
        calls.set(operation, { number: operations.length - 1, place: this.#add(operations.length - 1, true) });
        if (operation.stage === 'answered') this.#left++;
      } else {
        const { number, place } = calls.get(operation) ?? missing(operation.id);
        this.#returnOf[place] = this.#add(number, false);
      }
    }
    this.#operations = operations;
    this.#done = new Done(operations.length);
  }

  run(found: Possibility<S, I, O>[]): void {
    const seen = new Set<string>();
    const way: { readonly place: number; readonly state: S }[] = [];
    let { state } = this.#start;
    let place = this.#next[0] as number;
    if (this.#left === 0) found.push(this.#possibility(state));
    for (;;) {
      if (--this.#budget.left < 0) return;
      const after = place !== 0 && this.#isCall[place] === true ? this.#try(place, state) : null;
      if (after !== null && this.#isNew(seen, this.#operationAt[place] as number, after)) {
        way.push({ place, state });
        this.#takeOut(place);
        state = after;
        if (this.#left === 0) found.push(this.#possibility(state));
        place = this.#next[0] as number;
      } else if (place !== 0 && this.#isCall[place] === true) place = this.#next[place] as number;
      else {
        const last = way.pop();
        if (last === undefined) return;
        this.#putBack(last.place);
        ({ state } = last);
        place = this.#next[last.place] as number;
      }
    }
  }

  /** The state after the operation at that place; null where it cannot be next, or where taking it would tell nothing new. */
  #try(place: number, state: S): S | null {
    const number = this.#operationAt[place] as number;
    const operation = this.#operations[number] as Operation<I, O>;
    const after = this.#model.step(state, operation.input, operation.output);
    if (after === null || operation.stage === 'answered') return after;
    // Of what may or may not happen: not at all where it changes nothing, and of two that are alike the first one first.
    if (this.#model.key(after) === this.#model.key(state)) return null;
    for (let earlier = 0; earlier < number; earlier++) {
      const other = this.#operations[earlier] as Operation<I, O>;
      if (other.stage === 'unknown' && other.inputKey === operation.inputKey && !this.#done.has(earlier)) return null;
    }
    return after;
  }

  #isNew(seen: Set<string>, number: number, after: S): boolean {
    this.#done.flip(number);
    const key = `${this.#done.key}|${this.#model.key(after)}`;
    this.#done.flip(number);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  }

  #possibility(state: S): Possibility<S, I, O> {
    return { state, pending: this.#operations.filter(({ stage }, number) => stage === 'unknown' && !this.#done.has(number)) };
  }

  #add(operation: number, call: boolean): number {
    const place = this.#operationAt.length;
    const last = this.#before[0] as number;
    this.#operationAt.push(operation);
    this.#isCall.push(call);
    this.#returnOf.push(0);
    this.#next.push(0);
    this.#before.push(last);
    this.#next[last] = place;
    this.#before[0] = place;
    return place;
  }

  #takeOut(call: number): void {
    this.#done.flip(this.#operationAt[call] as number);
    this.#unlink(call);
    const end = this.#returnOf[call] as number;
    if (end === 0) return;
    this.#unlink(end);
    this.#left--;
  }

  /** In the reverse order of taking out, so that each finds its neighbours as they were. */
  #putBack(call: number): void {
    this.#done.flip(this.#operationAt[call] as number);
    const end = this.#returnOf[call] as number;
    if (end !== 0) {
      this.#relink(end);
      this.#left++;
    }
    this.#relink(call);
  }

  #unlink(place: number): void {
    const before = this.#before[place] as number;
    const next = this.#next[place] as number;
    this.#next[before] = next;
    this.#before[next] = before;
  }

  #relink(place: number): void {
    this.#next[this.#before[place] as number] = place;
    this.#before[this.#next[place] as number] = place;
  }
}

const STATES_SHOWN = 4;

/** The stretch as a person would tell it: what may have been before, then calls and returns in their order. */
const explain = <S, I, O>(model: Model<S, I, O>, before: readonly Possibility<S, I, O>[], points: readonly Point<I, O>[]): string => {
  const starts = before.slice(0, STATES_SHOWN).map(({ state, pending }) => {
    const later = pending.map(({ inputKey }) => inputKey).join(', ');
    return later === '' ? model.key(state) : `${model.key(state)} (may still happen: ${later})`;
  });
  const lines = points.map(({ operation: { id, client, inputKey, output, stage }, call }) =>
    call
      ? `  ${client} calls #${id} ${inputKey}${stage === 'unknown' ? ', and never knows what came of it' : ''}`
      : `  ${client} hears of #${id}: ${JSON.stringify(output)}`,
  );
  return [`no order explains the answers. Before: ${starts.join(' or ')}`, ...lines].join('\n');
};
