/** What the journal of a transfer says beside its pieces and files: it changes while the transfer lives. */
import type { SwarmKind, TransferRecord } from '../../domain/transfer/journal.ts';
import type { Micros } from '../../ports/clock.ts';
import type { RecordFacts } from './keeper.ts';
import { Terms } from './terms.ts';

/** What only the transfer knows when the journal is written. */
export type LiveFacts = Pick<RecordFacts, 'sequential' | 'unsettled' | 'priorities'> & {
  /** Since the start of the process. */
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** The time of the step. */
  readonly now: Micros;
};

export class Notes {
  readonly id: string;
  readonly origin: TransferRecord['origin'];
  folder: string;
  tags: readonly string[];
  swarm: SwarmKind;
  readonly terms: Terms;
  /** Nothing was written after the record that it began with. */
  readonly loadedClean: boolean;
  /** Of the time before this process. */
  readonly uploadedBefore: number;
  readonly downloadedBefore: number;
  /** The files lie where they belong: what was chosen was complete once. */
  placed: boolean;
  paused: boolean;
  #owned: boolean;
  #account: string | null;
  #generation: number;

  constructor(record: TransferRecord) {
    this.id = record.id;
    this.origin = record.origin;
    this.folder = record.folder;
    this.tags = record.tags;
    this.swarm = record.swarm ?? 'catalog';
    this.terms = new Terms(record);
    this.loadedClean = record.clean;
    this.uploadedBefore = record.uploadedBytes;
    this.downloadedBefore = record.downloadedBytes;
    this.placed = record.placed;
    this.paused = record.paused;
    this.#owned = record.owned;
    this.#account = record.account ?? null;
    this.#generation = record.generation ?? 0;
  }

  /** Whether the catalog names this node as an owner, as far as known. */
  get owned(): boolean {
    return this.#owned;
  }

  /** Under which account it does; null where that is not known. */
  get account(): string | null {
    return this.#account;
  }

  /** How many promotions had been forced in the network when it was told: a later one may have overridden that. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether that changes anything. */
  setOwned(owned: boolean, account: string | null, generation: number): boolean {
    if (owned === this.#owned && account === this.#account && generation === this.#generation) return false;
    this.#owned = owned;
    this.#account = account;
    this.#generation = generation;
    return true;
  }

  facts({ now, ...live }: LiveFacts): RecordFacts {
    return {
      id: this.id,
      origin: this.origin,
      folder: this.folder,
      tags: this.tags,
      placed: this.placed,
      paused: this.paused,
      owned: this.#owned,
      account: this.#account,
      ...(this.swarm === 'catalog' ? {} : { swarm: this.swarm }),
      ...(this.#generation === 0 ? {} : { generation: this.#generation }),
      ...this.terms.record(now),
      ...live,
      uploadedBytes: this.uploadedBefore + live.uploadedBytes,
      downloadedBytes: this.downloadedBefore + live.downloadedBytes,
    };
  }
}
