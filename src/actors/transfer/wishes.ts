/** What the user of a transfer may change while it lives: what of it is wanted first, how fast, for how long, and where. */
import type { Done } from '../../protocol/result.ts';
import type { FilePriority } from '../../domain/transfer/file-priorities.ts';
import { FOREVER, reachedGoal } from '../../domain/transfer/goals.ts';
import { type SeedingGoal } from '../../protocol/terms.ts';
import type { Assembly } from './assembly.ts';
import type { Relocating } from './relocating.ts';
import type { TransferSetting } from './setting.ts';
import type { Transfer, WantedFile } from './transfer.ts';

/** Progress of seeding that a crash may lose, in seconds. */
const UNSAVED_SECONDS_MAX = 300;

export class Wishes {
  readonly #transfer: Transfer;
  readonly #parts: Assembly;
  readonly #setting: TransferSetting;
  readonly #relocation: Relocating;
  #savedSeconds = 0;

  constructor(transfer: Transfer, parts: Assembly, setting: TransferSetting, relocation: Relocating) {
    this.#transfer = transfer;
    this.#parts = parts;
    this.#setting = setting;
    this.#relocation = relocation;
  }

  /**
   * Wants its files by these priorities; `files`: where those lie, or are to, that were not wanted before. Answers when
   * the journal has it. Not to be called while it is completing or moving.
   */
  prioritise(priorities: readonly FilePriority[], files: readonly WantedFile[], done: Done<void>): void {
    const { content, exchange, keeper, selection } = this.#parts;
    const { phase } = this.#transfer;
    selection.set(priorities);
    if (files.length > 0) return this.#transfer.extend(files, done);
    exchange.reconsider();
    // What was missing may be wanted no more.
    const complete = content.map.complete && !this.#transfer.notes.placed;
    if (complete && (phase === 'waiting' || phase === 'downloading')) this.#transfer.post({ type: 'transfer.complete' });
    else if (complete && phase === 'queued') this.#transfer.post({ type: 'transfer.extend' });
    return keeper.save(false, done);
  }

  /** Own limits of rate, in bytes a second; 0 for none. */
  limit(uploadRate: number, downloadRate: number): void {
    Object.assign(this.#transfer.notes.terms, { uploadRate, downloadRate });
    this.#parts.gates.up.setRate(uploadRate);
    this.#parts.gates.down.setRate(downloadRate);
    this.#parts.keeper.later();
  }

  get sequential(): boolean {
    return this.#parts.exchange.sequential;
  }

  /** Pieces from the front on, or the rarest first. */
  setSequential(sequential: boolean): void {
    this.#parts.exchange.sequential = sequential;
    this.#parts.keeper.later();
  }

  /** In the queue. */
  setPlace(place: number): void {
    this.#transfer.notes.terms.place = place;
    this.#parts.keeper.later();
  }

  /** When seeding is over; a share that has no goal of its own is seeded until somebody stops it. */
  get goal(): SeedingGoal {
    const { origin, terms } = this.#transfer.notes;
    return terms.goal ?? (origin === 'get' ? this.#setting.seeding : FOREVER);
  }

  /** Null: that of the node. One that stands still because it had reached its goal goes on, unless it has reached this one too. */
  setGoal(goal: SeedingGoal | null): void {
    const { terms } = this.#transfer.notes;
    const stopped = terms.reached !== null;
    terms.goal = goal;
    terms.reached = null;
    if (stopped) this.#transfer.resume();
    this.#setting.phaseChanged(this.#transfer);
    this.#parts.keeper.later();
  }

  /** Super-seeding (BEP 16): for a first seed with a slow uplink. */
  setSuperSeeding(superSeeding: boolean): void {
    this.#transfer.notes.terms.superSeeding = superSeeding;
    this.#parts.exchange.setSuperSeeding(superSeeding);
    this.#parts.keeper.later();
  }

  /** Stops seeding where its goal is reached; to be called every few seconds. */
  checkGoal(): void {
    const { notes, phase, size, uploadedBytes } = this.#transfer;
    const { terms } = notes;
    if (phase !== 'seeding') return;
    const seededSeconds = terms.seededSeconds(this.#setting.ports.clock.now());
    terms.reached = reachedGoal(this.goal, { uploadedBytes, size, seededSeconds });
    if (terms.reached === null) {
      if (seededSeconds - this.#savedSeconds < UNSAVED_SECONDS_MAX) return;
      this.#savedSeconds = seededSeconds;
      this.#parts.keeper.later();
      return;
    }
    notes.paused = true;
    this.#transfer.post({ type: 'transfer.goal' });
    this.#parts.keeper.save(false, () => {});
  }

  /** Moves its files to another folder; answers when they lie there. Errors: `exists`, the disk's; it goes on in any case. */
  move(folder: string, done: Done<void>): void {
    this.#relocation.prepare(folder, done, () => this.#transfer.post({ type: 'transfer.move' }));
  }

  /** What is to follow its completion was done. */
  finished(): void {
    this.#transfer.notes.terms.finishing = false;
    this.#parts.keeper.later();
  }
}
