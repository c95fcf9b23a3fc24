/** Keeps the last events of a run for its page: an observer with a bounded memory. */
import type { ControlFrame, LinkType } from '../../src/protocol/control/messages.ts';
import type { Result } from '../../src/protocol/result.ts';
import type { LogLine } from '../world/log.ts';
import type { Observer } from '../world/observer.ts';
import { describeFrame, epochOf, isChatter } from './describe.ts';
import { type ProcessState, stateOf } from './state.ts';

/** What a recorder asks of a run; a `RunView` fits. */
export interface Recorded {
  now(): number;
  status(process: string): object | null;
}

/** Shown as a thing on one process's line, or as an arrow from it. Numbers are counted over the whole run. */
export type RecordedEvent = {
  readonly n: number;
  /** Virtual microseconds. */
  readonly at: number;
  readonly process: string;
  readonly text: string;
} & (
  | { readonly is: 'sent'; readonly to: string; readonly link: LinkType; readonly kind: string; readonly epoch: number | null }
  /** `sent`: the number of the event in which it was sent; null where that is not known any more. */
  | {
      readonly is: 'received';
      readonly from: string;
      readonly link: LinkType;
      readonly kind: string;
      readonly epoch: number | null;
      readonly sent: number | null;
    }
  | { readonly is: 'transition'; readonly kind: string }
  | { readonly is: 'disk' | 'log' | 'process' }
  /** `kind`: the number of the plan's operation. */
  | { readonly is: 'called' | 'answered'; readonly kind: string }
);

/** From event `n` on, `process` is in this state. */
export interface StateChange {
  readonly n: number;
  readonly process: string;
  readonly state: ProcessState;
}

export interface Recording {
  /** In order. */
  readonly events: readonly RecordedEvent[];
  /** In order; the first of a process may be of an older event than the first kept. */
  readonly states: readonly StateChange[];
  /** Numbers of `sent` events that never arrived though something sent later did, or whose sender's or receiver's life ended first. */
  readonly lost: readonly number[];
  /** Events in all. */
  readonly total: number;
}

export interface RecorderLimits {
  /** Events that say something new. */
  readonly eventsMax: number;
  /** Heartbeats and their like. */
  readonly chatterMax: number;
  readonly statesMax: number;
}

const LIMITS: RecorderLimits = { eventsMax: 500, chatterMax: 1_000, statesMax: 4_000 };
/** Frames under way on one path; more are forgotten, the oldest first. */
const UNDER_WAY_MAX = 256;
/** What the ledger does to the log; reads say nothing. */
const TRANSACTIONS: ReadonlySet<string> = new Set(['append', 'truncateAndAppend', 'apply', 'snapshotWrite', 'compact']);
const TEXT_LENGTH_MAX = 240;

type Sent = Extract<RecordedEvent, { is: 'sent' }>;
type WithoutNumber = RecordedEvent extends infer E ? (E extends RecordedEvent ? Omit<E, 'n' | 'at'> : never) : never;

export class Recorder implements Observer {
  readonly #run: Recorded;
  readonly #limits: RecorderLimits;
  readonly #events: Ring<RecordedEvent>;
  readonly #chatter: Ring<RecordedEvent>;
  readonly #states: Ring<StateChange>;
  /** The last state of each process that has left the ring. */
  readonly #olderStates = new Map<string, StateChange>();
  readonly #lastState = new Map<string, string>();
  readonly #underWay = new Map<string, Sent[]>();
  readonly #lost = new Set<number>();
  #total = 0;

  constructor(run: Recorded, limits: Partial<RecorderLimits> = {}) {
    this.#run = run;
    this.#limits = { ...LIMITS, ...limits };
    this.#events = new Ring(this.#limits.eventsMax, ({ n }) => this.#lost.delete(n));
    this.#chatter = new Ring(this.#limits.chatterMax, ({ n }) => this.#lost.delete(n));
    this.#states = new Ring(this.#limits.statesMax, (change) => this.#olderStates.set(change.process, change));
  }

  recording(): Recording {
    const events = [...this.#events.items(), ...this.#chatter.items()].sort((a, b) => a.n - b.n);
    return {
      events,
      states: [...[...this.#olderStates.values()].sort((a, b) => a.n - b.n), ...this.#states.items()],
      lost: [...this.#lost].sort((a, b) => a - b),
      total: this.#total,
    };
  }

  started(process: string, incarnation: number): void {
    this.#add({ is: 'process', process, text: incarnation === 1 ? 'starts' : `starts again (${incarnation})` });
  }

  stopped(process: string, how: 'kill' | 'power' | 'forget' | 'ended'): void {
    const words = { kill: 'killed', power: 'loses its power', forget: 'loses state', ended: 'ends by itself' } as const;
    this.#add({ is: 'process', process, text: words[how] });
    for (const [path, frames] of this.#underWay) {
      const [from, to] = path.split(' ');
      if (from !== process && to !== process) continue;
      for (const { n } of frames) this.#lost.add(n);
      this.#underWay.delete(path);
    }
    this.#state(process, { state: 'down' });
  }

  sent(process: string, to: string, link: LinkType, frame: ControlFrame): void {
    const event = this.#add({ is: 'sent', process, to, link, kind: frame.kind, epoch: epochOf(frame), text: describeFrame(frame) });
    const path = `${process} ${to} ${link}`;
    const frames = this.#underWay.get(path);
    if (frames === undefined) this.#underWay.set(path, [event as Sent]);
    else {
      frames.push(event as Sent);
      if (frames.length > UNDER_WAY_MAX) frames.shift();
    }
  }

  received(process: string, from: string, link: LinkType, frame: ControlFrame): void {
    const frameShown = { kind: frame.kind, epoch: epochOf(frame), text: describeFrame(frame) };
    const sent = this.#arrived(`${from} ${process} ${link}`, frameShown);
    this.#add({ is: 'received', process, from, link, ...frameShown, sent });
  }

  committed(process: string, transaction: string, args: unknown, result: Result<unknown>): void {
    if (!TRANSACTIONS.has(transaction)) return;
    const what = result.ok ? '' : `: ${result.error.message}`;
    this.#add({ is: 'disk', process, text: `ledger ${transaction}${spanOf(args)}${what}` });
  }

  written(process: string, path: string, bytes: Uint8Array): void {
    this.#add({ is: 'disk', process, text: `${path.slice(path.lastIndexOf('/') + 1)} synced, ${bytes.length} B` });
  }

  transition(process: string, machine: string, from: string, event: string, to: string): void {
    if (from !== to) this.#add({ is: 'transition', process, kind: machine, text: `${from} → ${to}  (${event})` });
  }

  logged({ process, level, message, fields }: LogLine): void {
    if (level === 'debug') return;
    const details = Object.entries(fields).map(
      ([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    );
    this.#add({ is: 'log', process, text: shorten([`${level}: ${message}`, ...details].join(', ')) });
  }

  stepped(process: string): void {
    const status = this.#run.status(process);
    if (status !== null) this.#state(process, stateOf(status));
  }

  called(id: number, process: string): void {
    this.#add({ is: 'called', process, kind: String(id), text: '' });
  }

  answered(id: number, process: string, result: Result<object>): void {
    this.#add({
      is: 'answered',
      process,
      kind: String(id),
      text: result.ok ? 'ok' : shorten(`${result.error.code}: ${result.error.message}`),
    });
  }

  #add(event: WithoutNumber): RecordedEvent {
    const numbered = { n: this.#total++, at: this.#run.now(), ...event } as RecordedEvent;
    const chatter = (event.is === 'sent' || event.is === 'received') && isChatter(event.kind);
    (chatter ? this.#chatter : this.#events).push(numbered);
    return numbered;
  }

  /** A connection keeps the order of its frames: whatever was sent before one that arrived, and has not, never will. */
  #arrived(path: string, { kind, epoch, text }: Pick<Sent, 'kind' | 'epoch' | 'text'>): number | null {
    const frames = this.#underWay.get(path) ?? [];
    const words = bagOf(text);
    const alike = frames.findIndex((frame) => frame.kind === kind && frame.epoch === epoch && bagOf(frame.text) === words);
    // What was decoded may be written in other words: then the oldest of its kind.
    const index = alike >= 0 ? alike : frames.findIndex((frame) => frame.kind === kind);
    if (index < 0) return null;
    const [arrived, ...before] = frames.splice(0, index + 1).reverse() as [Sent, ...Sent[]];
    for (const { n } of before) this.#lost.add(n);
    return arrived.n;
  }

  #state(process: string, state: ProcessState): void {
    const text = JSON.stringify(state);
    if (this.#lastState.get(process) === text) return;
    this.#lastState.set(process, text);
    this.#states.push({ n: Math.max(0, this.#total - 1), process, state });
  }
}

/** The last items, at most so many (twice as many for a moment, so that dropping costs nothing each). */
class Ring<T> {
  readonly #max: number;
  readonly #dropped: (item: T) => void;
  #items: T[] = [];

  constructor(max: number, dropped: (item: T) => void) {
    this.#max = max;
    this.#dropped = dropped;
  }

  push(item: T): void {
    this.#items.push(item);
    if (this.#items.length >= this.#max * 2) this.items();
  }

  items(): readonly T[] {
    const excess = this.#items.length - this.#max;
    if (excess > 0) for (const item of this.#items.splice(0, excess)) this.#dropped(item);
    return this.#items;
  }
}

/** Fields may come out of a decoder in another order. */
const bagOf = (text: string): string => text.split(' ').sort().join(' ');

const shorten = (text: string): string => (text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX - 1)}…` : text);

/** Which entries a transaction is about. */
const spanOf = (args: unknown): string => {
  const { entries, commitSeq, afterSeq } = (args ?? {}) as { entries?: readonly { seq: number }[]; commitSeq?: number; afterSeq?: number };
  const parts: string[] = [];
  if (typeof afterSeq === 'number') parts.push(`after ${afterSeq}`);
  const [first] = entries ?? [];
  if (first !== undefined) parts.push(`${first.seq} to ${entries?.at(-1)?.seq ?? first.seq}`);
  if (typeof commitSeq === 'number') parts.push(`commit ${commitSeq}`);
  return parts.length === 0 ? '' : ` ${parts.join(', ')}`;
};
