/** What holds for one transfer alone: its place in the queue, its limits, its goal, and how far it is with that. */
import { type Micros, seconds } from '../../ports/clock.ts';
import { FOREVER } from '../../domain/transfer/goals.ts';
import { type SeedingGoal } from '../../protocol/terms.ts';
import type { TransferRecord, TransferSettings } from '../../domain/transfer/journal.ts';

export class Terms {
  place: number | null;
  /** Bytes a second; 0 for no limit. */
  uploadRate: number;
  downloadRate: number;
  /** Null: that of the node. */
  goal: SeedingGoal | null;
  /** It gives each piece about once, as long as others do not have everything (BEP 16). */
  superSeeding: boolean;
  /** It stands still because this part of its goal was reached. */
  reached: 'ratio' | 'time' | null;
  /** Its files are being moved there. */
  movingTo: string | null;
  /** It became complete, and what is to follow that has not been done yet. */
  finishing: boolean;
  /** That is under way. */
  following = false;
  readonly #seededBefore: number;
  /** Of the process, up to `#seedsSince`. */
  #seeded: Micros = 0;
  #seedsSince: Micros | null = null;

  constructor({ settings = {} }: TransferRecord) {
    this.place = settings.place ?? null;
    this.uploadRate = settings.uploadRate ?? 0;
    this.downloadRate = settings.downloadRate ?? 0;
    this.goal = settings.goal ?? null;
    this.superSeeding = settings.superSeeding ?? false;
    this.reached = settings.reached ?? null;
    this.movingTo = settings.movingTo ?? null;
    this.finishing = settings.finishing ?? false;
    this.#seededBefore = settings.seededSeconds ?? 0;
  }

  /** It has begun to seed, or does so no more. */
  seeds(now: Micros, begun: boolean): void {
    if (this.#seedsSince !== null) this.#seeded += now - this.#seedsSince;
    this.#seedsSince = begun ? now : null;
  }

  seededSeconds(now: Micros): number {
    const running = this.#seedsSince === null ? 0 : now - this.#seedsSince;
    return this.#seededBefore + (this.#seeded + running) / seconds(1);
  }

  /** Its user wants it to go on, whatever it has reached. */
  goOn(): void {
    if (this.reached !== null) this.goal = FOREVER;
    this.reached = null;
  }

  /** For the journal; nothing where nothing is set. */
  record(now: Micros): { readonly settings?: TransferSettings } {
    const seeded = Math.floor(this.seededSeconds(now));
    const settings: TransferSettings = {
      ...(this.place === null ? {} : { place: this.place }),
      ...(this.uploadRate === 0 ? {} : { uploadRate: this.uploadRate }),
      ...(this.downloadRate === 0 ? {} : { downloadRate: this.downloadRate }),
      ...(this.goal === null ? {} : { goal: this.goal }),
      ...(this.superSeeding ? { superSeeding: true as const } : {}),
      ...(this.reached === null ? {} : { reached: this.reached }),
      ...(seeded === 0 ? {} : { seededSeconds: seeded }),
      ...(this.movingTo === null ? {} : { movingTo: this.movingTo }),
      ...(this.finishing ? { finishing: true as const } : {}),
    };
    return Object.keys(settings).length === 0 ? {} : { settings };
  }
}
