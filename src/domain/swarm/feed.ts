/**
 * What a primary tells another replica of its swarms, and when: changes soon, everything again and again. It keeps names
 * of what is to be told, not the news itself, so that what waits is told as it is when its turn comes: newest state wins.
 */
import type { SwarmDeltaFrame, WireSwarmNode } from '../../protocol/control/messages.ts';
import { swarmItemBytes, swarmNodeBytes } from '../../protocol/control/swarm-delta.ts';
import type { Micros } from '../../ports/clock.ts';
import type { SwarmRegistry } from './registry.ts';
import type { SwarmNews } from './types.ts';

export interface FeedLimits {
  /** In one turn. */
  readonly bytesPerTurn: number;
  /** In one frame. */
  readonly frameBytes: number;
  /** Changes that wait to be told. Beyond it they are forgotten: the sweep tells them. */
  readonly changesMax: number;
  /** A sweep takes so many turns, or more where the bytes do not suffice; the first one as few as the bytes allow. */
  readonly turnsPerSweep: number;
}

export type SwarmDelta = Pick<SwarmDeltaFrame, 'nodes' | 'gone' | 'dropped'>;

/** Looked at in one frame: a limit on names that turn out to be gone. */
const NAMES_PER_FRAME = 1_024;
/** Items that a group holds at most: others than this node have news as well. */
const ITEMS_PER_GROUP = 256;

export class SwarmFeed implements SwarmNews {
  readonly #registry: SwarmRegistry;
  readonly #limits: FeedLimits;
  /** By node: the contents of which there is news; none for news of the node itself. */
  readonly #changed = new Map<string, Set<string>>();
  readonly #gone = new Map<string, string>();
  readonly #dropped = new Set<string>();
  #changes = 0;
  readonly #sweep: Sweep;

  constructor(registry: SwarmRegistry, limits: FeedLimits) {
    this.#registry = registry;
    this.#limits = limits;
    this.#sweep = new Sweep(registry, limits.turnsPerSweep);
  }

  node(node: string): void {
    if (this.#room() && !this.#changed.has(node)) this.#changed.set(node, new Set());
  }

  gone(node: string, incarnation: string): void {
    this.#forget(node);
    if (this.#room()) this.#gone.set(node, incarnation);
  }

  peer(node: string, content: string): void {
    this.#dropped.delete(content);
    if (!this.#room()) return;
    const contents = this.#changed.get(node);
    if (contents === undefined) this.#changed.set(node, new Set([content]));
    else if (contents.has(content)) return;
    else contents.add(content);
    this.#changes += 1;
  }

  dropped(content: string): void {
    if (this.#room()) this.#dropped.add(content);
  }

  /** Changes that wait. */
  get waiting(): number {
    return this.#changes + this.#changed.size + this.#gone.size + this.#dropped.size;
  }

  /** What is to be told in this turn, in frames; none where there is nothing. */
  turn(now: Micros): SwarmDelta[] {
    const frames: SwarmDelta[] = [];
    this.#sweep.turn();
    for (let left = this.#limits.bytesPerTurn; left > 0;) {
      const { delta, bytes } = this.#frame(now, Math.min(left, this.#limits.frameBytes));
      if (delta === null) break;
      frames.push(delta);
      left -= bytes;
    }
    return frames;
  }

  #frame(now: Micros, bytesMax: number): { readonly delta: SwarmDelta | null; readonly bytes: number } {
    const gone = takeFrom(this.#gone, NAMES_PER_FRAME, ([node, incarnation]) => {
      this.#gone.delete(node);
      return { node, incarnation };
    });
    const dropped = takeFrom(this.#dropped, NAMES_PER_FRAME, (content) => {
      this.#dropped.delete(content);
      return content;
    });
    const nodes: WireSwarmNode[] = [];
    let bytes = [...gone, ...dropped].length * 64;
    // Who has gone is told before who is there: of a node that came back at once both are true.
    const names = this.#gone.size > 0 ? 0 : NAMES_PER_FRAME;
    for (let looked = 0; looked < names && bytes < bytesMax; looked++) {
      const next = this.#nextChange() ?? this.#sweep.next(ITEMS_PER_GROUP);
      if (next === null) break;
      const told = this.#registry.tell(next.node, next.contents, now);
      if (told === null) continue;
      nodes.push(told);
      bytes += swarmNodeBytes(told) + told.items.reduce((sum, item) => sum + swarmItemBytes(item), 0);
    }
    const nothing = nodes.length + gone.length + dropped.length === 0;
    return { delta: nothing ? null : { nodes, gone, dropped }, bytes };
  }

  #nextChange(): Told | null {
    const first = this.#changed.entries().next();
    if (first.done === true) return null;
    const [node, waiting] = first.value;
    const contents = takeFrom(waiting, ITEMS_PER_GROUP, (content) => {
      waiting.delete(content);
      return content;
    });
    this.#changes -= contents.length;
    this.#changed.delete(node);
    // The others' turn is next.
    if (waiting.size > 0) this.#changed.set(node, waiting);
    return { node, contents };
  }

  #forget(node: string): void {
    this.#changes -= this.#changed.get(node)?.size ?? 0;
    this.#changed.delete(node);
  }

  #room(): boolean {
    return this.waiting < this.#limits.changesMax;
  }
}

interface Told {
  readonly node: string;
  readonly contents: readonly string[];
}

/** Entries of a turn at the least: a small network is told in one go, and then not for a while. */
const ENTRIES_PER_TURN_MIN = 64;

/** Goes through all nodes and their contents, at an even pace; the first time as fast as it is asked. */
class Sweep {
  readonly #registry: SwarmRegistry;
  readonly #turns: number;
  #nodes: Iterator<{ readonly node: string }> | null;
  #node: string | null = null;
  #contents: Iterator<string> | null = null;
  #first = true;
  #turn = 0;
  #beganAt = 0;
  /** Entries of this turn that are left. */
  #left = 0;

  constructor(registry: SwarmRegistry, turns: number) {
    this.#registry = registry;
    this.#turns = turns;
    this.#nodes = registry.everybody()[Symbol.iterator]();
  }

  /** A turn begins. */
  turn(): void {
    this.#turn += 1;
    if (this.#nodes === null) {
      if (this.#turn - this.#beganAt < this.#turns) return;
      this.#nodes = this.#registry.everybody()[Symbol.iterator]();
      this.#beganAt = this.#turn;
    }
    const entries = this.#registry.nodeCount + this.#registry.guests.count + this.#registry.peerCount;
    this.#left = this.#first ? Number.POSITIVE_INFINITY : Math.max(ENTRIES_PER_TURN_MIN, Math.ceil(entries / this.#turns));
  }

  /** The next node with at most so many of its contents; null where this turn or the sweep is over. */
  next(contentsMax: number): Told | null {
    if (this.#left <= 0 || this.#nodes === null) return null;
    if (this.#node === null || this.#contents === null) {
      const next = this.#nodes.next();
      if (next.done === true) {
        this.#nodes = null;
        this.#first = false;
        return null;
      }
      this.#node = next.value.node;
      this.#contents = this.#registry.contentsOf(this.#node)[Symbol.iterator]();
    }
    const node = this.#node;
    const contents: string[] = [];
    while (contents.length < Math.min(contentsMax, this.#left)) {
      const next = this.#contents.next();
      if (next.done === true) {
        this.#node = null;
        break;
      }
      contents.push(next.value);
    }
    this.#left -= contents.length + 1;
    return { node, contents };
  }
}

/** Does it with the first few of a set or map, which `take` removes. */
const takeFrom = <T, R>(from: Iterable<T>, countMax: number, take: (item: T) => R): R[] => {
  const taken: R[] = [];
  for (const item of from) {
    if (taken.length >= countMax) break;
    taken.push(take(item));
  }
  return taken;
};
