import type { Micros } from './clock.ts';

/** Something that is due at a time. Only the heap writes its fields. */
export interface Due {
  readonly at: Micros;
  /** Order of adding: decides between equal times. */
  readonly seq: number;
  readonly fire: () => void;
  /** Where it is in the heap; -1 when it is not. */
  place: number;
}

const earlier = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq);

/** A binary heap by time, equal times in the order of adding. Add, take and remove cost O(log n). */
export class DueHeap {
  readonly #items: Due[] = [];
  #seq = 0;

  get size(): number {
    return this.#items.length;
  }

  first(): Due | undefined {
    return this.#items[0];
  }

  add(at: Micros, fire: () => void): Due {
    const due: Due = { at, seq: this.#seq++, fire, place: this.#items.length };
    this.#items.push(due);
    this.#up(due);
    return due;
  }

  /** Takes the first out. */
  take(): Due | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** One that is not in the heap any more may be removed again. */
  remove(due: Due): void {
    const place = due.place;
    if (place < 0) return;
    due.place = -1;
    const last = this.#items.pop() as Due;
    if (last === due) return;
    this.#put(last, place);
    this.#up(last);
    this.#down(last);
  }

  #put(due: Due, place: number): void {
    this.#items[place] = due;
    due.place = place;
  }

  #up(due: Due): void {
    while (due.place > 0) {
      const place = due.place;
      const above = (place - 1) >> 1;
      const parent = this.#items[above] as Due;
      if (!earlier(due, parent)) return;
      this.#put(parent, place);
      this.#put(due, above);
    }
  }

  #down(due: Due): void {
    for (;;) {
      const place = due.place;
      const left = 2 * place + 1;
      let least = this.#items[left];
      if (least === undefined) return;
      const right = this.#items[left + 1];
      if (right !== undefined && earlier(right, least)) least = right;
      if (!earlier(least, due)) return;
      const below = least.place;
      this.#put(least, place);
      this.#put(due, below);
    }
  }
}
