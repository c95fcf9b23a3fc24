import type { Micros } from '../../ports/clock.ts';

/** When a stretch of the log was begun. */
interface Begun {
  readonly seq: number;
  readonly at: Micros;
}

/** Since when the oldest entry that is not committed yet has waited. As many stretches as transactions are under way. */
export class WaitingWrites {
  #begun: Begun[] = [];

  begun(seq: number, at: Micros): void {
    this.#begun.push({ seq, at });
  }

  /** @param headSeq the end of the log. */
  committed(through: number, headSeq: number): void {
    if (through >= headSeq) this.#begun = [];
    while (this.#begun.length > 1 && (this.#begun[1] as Begun).seq <= through + 1) this.#begun.shift();
  }

  get since(): Micros | null {
    return this.#begun[0]?.at ?? null;
  }
}
