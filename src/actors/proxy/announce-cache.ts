/** The last announce per (node, content), so that a new primary hears of the swarms before the nodes announce again. */
import type { AnnounceFrame, AnnounceItem, RequestFrame } from '../../protocol/control/messages.ts';
import { ANNOUNCE_ITEMS_MAX } from '../../protocol/control/limits.ts';

interface NodeMemory {
  /** How it entered; a new primary does not know it. */
  enter: RequestFrame | null;
  incarnation: string;
  readonly items: Map<string, { readonly item: AnnounceItem; readonly sequence: number }>;
}

export interface Replay {
  readonly enter: RequestFrame;
  readonly announces: readonly AnnounceFrame[];
}

export class AnnounceCache {
  readonly #itemsMax: number;
  readonly #nodes = new Map<string, NodeMemory>();
  #items = 0;

  /** `itemsMax`: (node, content) pairs kept; beyond it the node that was first heard is forgotten. */
  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax;
  }

  get items(): number {
    return this.#items;
  }

  nodes(): string[] {
    return [...this.#nodes.keys()];
  }

  entered(node: string, frame: RequestFrame): void {
    if (frame.operation.op !== 'enter') return;
    const memory = this.#of(node, frame.operation.incarnation);
    memory.enter = frame;
  }

  announced(frame: AnnounceFrame): void {
    const memory = this.#of(frame.node, frame.incarnation);
    for (const item of frame.items) {
      if (memory.items.delete(item.content)) this.#items -= 1;
      if (item.event === 'stopped') continue;
      memory.items.set(item.content, { item, sequence: frame.sequence });
      this.#items += 1;
    }
    while (this.#items > this.#itemsMax) this.forget(this.#nodes.keys().next().value as string);
  }

  forget(node: string): void {
    this.#items -= this.#nodes.get(node)?.items.size ?? 0;
    this.#nodes.delete(node);
  }

  /** What a new primary is told of a node; null when it never entered through here. Nobody is waiting for peers. */
  replay(node: string): Replay | null {
    const memory = this.#nodes.get(node);
    if (memory === undefined || memory.enter === null) return null;
    const bySequence = new Map<number, AnnounceItem[]>();
    for (const { item, sequence } of memory.items.values()) {
      const batch = bySequence.get(sequence);
      const quiet: AnnounceItem = { ...item, event: 'none', want: 0 };
      if (batch === undefined) bySequence.set(sequence, [quiet]);
      else if (batch.length < ANNOUNCE_ITEMS_MAX) batch.push(quiet);
    }
    const { incarnation } = memory;
    const announces = [...bySequence]
      .sort(([a], [b]) => a - b)
      .map(([sequence, items]): AnnounceFrame => ({ kind: 'announce', node, incarnation, sequence, items }));
    return { enter: memory.enter, announces };
  }

  #of(node: string, incarnation: string): NodeMemory {
    const known = this.#nodes.get(node);
    if (known !== undefined && known.incarnation === incarnation) return known;
    this.forget(node);
    const memory: NodeMemory = { enter: null, incarnation, items: new Map() };
    this.#nodes.set(node, memory);
    return memory;
  }
}
