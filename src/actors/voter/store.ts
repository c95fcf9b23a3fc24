import type { VoterRecord } from '../../domain/replication/voter.ts';
import type { Disk, DiskFailure } from '../../ports/disk.ts';
import { type Done, ok, type Result } from '../../protocol/result.ts';
import { decodeVoterCopy, encodeVoterCopy, VOTER_FILE_BYTES_MAX, type VoterCopy } from './voter-file.ts';

/** The files of a voter's state. */
export const VOTER_COPIES = ['voter.0', 'voter.1'];

/**
 * Made by whoever sets up a network (`shoal init`, a simulation), in the folder of each voter, empty or not. It says that
 * the voter has never run: only then may a voter without state begin with the initial one. The first start takes it
 * away durably, so that missing state means lost state ever after (R9).
 */
export const FIRST_START_MARKER = 'voter.first-start';
const STARTED_MARKER = 'voter.started';

export interface StoredVoter {
  /** Null when both copies are missing or bad. */
  readonly record: VoterRecord | null;
  /** The voter has never run before. */
  readonly firstStart: boolean;
}

/**
 * The state of a voter on a disk, in two copies, each with a checksum, written and synced one after the other. A crash
 * tears at most one of them, and nothing was said before both were whole; a copy that rots is made good by the other.
 */
export class VoterStore {
  readonly #disk: Disk;
  readonly #folder: string;
  #generation = 0;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** Reads both copies; the newer one that is whole counts. Fails only where the disk refuses. */
  open(done: Done<StoredVoter, DiskFailure>): void {
    this.#readCopy(0, (first) => {
      if (!first.ok) {
        done(first);
        return;
      }
      this.#readCopy(1, (second) => {
        if (!second.ok) done(second);
        else this.#opened(newerOf(first.value, second.value), done);
      });
    });
  }

  /**
   * Both copies, one after the other, each synced before the next is touched. `kept`: one of them at least has the record,
   * which is then what a restart finds, whether the other could be written or not.
   */
  write(record: VoterRecord, done: (result: Result<void, DiskFailure>, kept: boolean) => void): void {
    const generation = this.#generation + 1;
    const bytes = encodeVoterCopy({ generation, record });
    this.#disk.writeFile(this.#path(VOTER_COPIES[0] as string), bytes.slice(), { secret: false }, (first) => {
      if (!first.ok) {
        done(first, false);
        return;
      }
      this.#generation = generation;
      this.#disk.writeFile(this.#path(VOTER_COPIES[1] as string), bytes, { secret: false }, (second) => done(second, true));
    });
  }

  /** The voter has run: takes the marker of the first start away, durably. */
  started(done: Done<void, DiskFailure>): void {
    this.#disk.rename(this.#path(FIRST_START_MARKER), this.#path(STARTED_MARKER), (renamed) => {
      if (!renamed.ok && renamed.error.code === 'missing') done(ok(undefined));
      else done(renamed);
    });
  }

  #opened(copy: VoterCopy | null, done: Done<StoredVoter, DiskFailure>): void {
    if (copy) this.#generation = copy.generation;
    this.#disk.stat(this.#path(FIRST_START_MARKER), (marker) => {
      if (!marker.ok && marker.error.code !== 'missing') done(marker);
      else done(ok({ record: copy?.record ?? null, firstStart: marker.ok }));
    });
  }

  #readCopy(index: number, done: Done<VoterCopy | null, DiskFailure>): void {
    this.#disk.readFile(this.#path(VOTER_COPIES[index] as string), VOTER_FILE_BYTES_MAX, (read) => {
      // A copy that cannot be read is as good as none; a folder that may not be read is the operator's to mend.
      if (!read.ok && read.error.code === 'denied') done(read);
      else done(ok(read.ok ? decodeVoterCopy(read.value) : null));
    });
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }
}

const newerOf = (a: VoterCopy | null, b: VoterCopy | null): VoterCopy | null => {
  if (!a || !b) return a ?? b;
  return a.generation >= b.generation ? a : b;
};
