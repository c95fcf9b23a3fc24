/** What the voters of a run have on their disks, and what follows from it: which configurations are chosen, and who may lead. */
import { decodeVoterCopy } from '../../src/actors/voter/voter-file.ts';
import type { Configuration } from '../../src/domain/replication/types.ts';
import type { VoterRecord } from '../../src/domain/replication/voter.ts';
import { voterNames } from '../plan/names.ts';
import type { ClusterPlan, ProcessName } from '../plan/types.ts';

/** The tracker's name as a replica and voter is `main`; all others are called as their processes are. */
export const voterOf = (process: ProcessName): string => (process === 'tracker' ? 'main' : process);
export const processOf = (voter: string): ProcessName => (voter === 'main' ? 'tracker' : voter);

/** Judged by rules of its own, not by those of the program. */
const compareConfigurations = (a: Pick<Configuration, 'e' | 'v'>, b: Pick<Configuration, 'e' | 'v'>): number => a.e - b.e || a.v - b.v;

const FILE = /\/voter\.[01]$/u;

/** Configurations that are no longer needed to tell what is chosen. */
const CONFIGURATIONS_KEPT = 512;

const configurationKey = ({ e, v }: Pick<Configuration, 'e' | 'v'>): string => `${e}.${v}`;
const describe = ({ e, v, primary, isr }: Configuration): string => `(${e}, ${v}, ${primary ?? 'nobody'}, {${isr.join(', ')}})`;

interface VoterDisk {
  /** By path. A copy that is damaged is null. */
  readonly copies: Map<string, ReturnType<typeof decodeVoterCopy>>;
  record: VoterRecord | null;
}

export interface VoterChange {
  readonly voter: string;
  /** What was there before; null where nothing was, or where it was lost. */
  readonly before: VoterRecord | null;
  readonly after: VoterRecord;
}

export class VoterBook {
  readonly names: readonly string[];
  readonly majority: number;
  readonly #disks = new Map<string, VoterDisk>();
  readonly #acceptedBy = new Map<string, { readonly configuration: Configuration; readonly voters: Set<string> }>();
  /** Epochs up to which nothing that was accepted says anything of a replica's log, for it was lost then (R9). */
  readonly #lostThrough = new Map<string, number>();
  /** Forced promotions that have come about. Whoever an operator is just forcing past R2 is not let lead by R2. */
  #generation = 0;
  #chosen: Configuration;
  #electable: ReadonlySet<string> | null = null;

  constructor(cluster: ClusterPlan) {
    this.names = voterNames(cluster).map(voterOf);
    this.majority = Math.floor(this.names.length / 2) + 1;
    this.#chosen = { e: 0, v: 0, primary: null, isr: ['main', 'backup'] };
  }

  /** On the disk now; null before its first write, and after a loss. */
  record(voter: string): VoterRecord | null {
    return this.#disks.get(voter)?.record ?? null;
  }

  /** The newest configuration that a majority has had on their disks. */
  get chosen(): Configuration {
    return this.#chosen;
  }

  isChosen(configuration: Pick<Configuration, 'e' | 'v'>): boolean {
    return (this.#acceptedBy.get(configurationKey(configuration))?.voters.size ?? 0) >= this.majority;
  }

  /** A small file was synced. The change, where it is a voter's state that changed. */
  written(process: ProcessName, path: string, bytes: Uint8Array): VoterChange | null {
    if (!FILE.test(path)) return null;
    const voter = voterOf(process);
    const disk = this.#disk(voter);
    disk.copies.set(path, decodeVoterCopy(bytes));
    return this.#settle(voter, disk);
  }

  /** The process starts: what is on its disk is read again, as it will do. The state before, where less is there now. */
  restarted(process: ProcessName, read: (path: string) => Uint8Array | null): VoterRecord | null {
    const voter = voterOf(process);
    const disk = this.#disks.get(voter);
    if (disk === undefined) return null;
    const { record } = disk;
    for (const path of disk.copies.keys()) {
      const bytes = read(path);
      disk.copies.set(path, bytes === null ? null : decodeVoterCopy(bytes));
    }
    const now = newest(disk);
    if (record === null || (now !== null && isAtLeast(now, record))) return null;
    this.#electable = null;
    disk.record = now;
    return record;
  }

  /** A forced promotion has come about: from now on its configuration is one like others. */
  forced(generation: number): void {
    this.#generation = generation;
    this.#electable = null;
  }

  /** The replica of this voter has lost its log (R9). */
  logLost(voter: string): void {
    this.#lostThrough.set(voter, Math.max(this.#lostThrough.get(voter) ?? -1, this.record(voter)?.promised ?? 0));
    this.#electable = null;
  }

  /**
   * Replicas that R2 would let lead, if any majority of the voters were asked now: those in the in-sync set of the newest
   * configuration that the majority has accepted. What was acknowledged must be in the log of each (I5).
   */
  get electable(): ReadonlySet<string> {
    this.#electable ??= this.#findElectable();
    return this.#electable;
  }

  /** As text, for messages. */
  describe(): string {
    return this.names
      .map((name) => {
        const record = this.record(name);
        return `${name} ${record === null ? 'has no state' : `promised ${record.promised}, accepted ${describe(record.accepted)}`}`;
      })
      .join('; ');
  }

  #disk(voter: string): VoterDisk {
    let disk = this.#disks.get(voter);
    if (disk === undefined) {
      disk = { copies: new Map(), record: null };
      this.#disks.set(voter, disk);
    }
    return disk;
  }

  #settle(voter: string, disk: VoterDisk): VoterChange | null {
    const before = disk.record;
    const after = newest(disk);
    if (after === null || (before !== null && sameRecord(before, after))) return null;
    disk.record = after;
    this.#electable = null;
    if (before === null || compareConfigurations(before.accepted, after.accepted) !== 0) this.#accepted(voter, after.accepted);
    return { voter, before, after };
  }

  #accepted(voter: string, configuration: Configuration): void {
    const key = configurationKey(configuration);
    let entry = this.#acceptedBy.get(key);
    if (entry === undefined) {
      entry = { configuration, voters: new Set() };
      this.#acceptedBy.set(key, entry);
      const [oldest] = this.#acceptedBy.keys();
      if (this.#acceptedBy.size > CONFIGURATIONS_KEPT && oldest !== undefined) this.#acceptedBy.delete(oldest);
    }
    entry.voters.add(voter);
    if (entry.voters.size >= this.majority && compareConfigurations(configuration, this.#chosen) > 0) this.#chosen = configuration;
  }

  #findElectable(): ReadonlySet<string> {
    const states = this.names.flatMap((name) => this.record(name)?.accepted ?? []);
    const electable = new Set<string>();
    for (const newestAccepted of maximaOfMajorities(states, this.majority)) {
      if ((newestAccepted.generation ?? 0) > this.#generation) continue;
      for (const replica of newestAccepted.isr) {
        const distrusted = this.record(replica)?.distrustedThrough;
        if (distrusted !== undefined && newestAccepted.e > Math.max(distrusted, this.#lostThrough.get(replica) ?? -1))
          electable.add(replica);
      }
    }
    return electable;
  }
}

const newest = ({ copies }: VoterDisk): VoterRecord | null => {
  let best: ReturnType<typeof decodeVoterCopy> = null;
  for (const copy of copies.values()) if (copy !== null && (best === null || copy.generation > best.generation)) best = copy;
  return best?.record ?? null;
};

const sameRecord = (a: VoterRecord, b: VoterRecord): boolean =>
  a.promised === b.promised && compareConfigurations(a.accepted, b.accepted) === 0 && a.distrustedThrough === b.distrustedThrough;

/** Neither a promise nor an acceptance was taken back. */
export const isAtLeast = (now: Pick<VoterRecord, 'promised' | 'accepted'>, then: Pick<VoterRecord, 'promised' | 'accepted'>): boolean =>
  now.promised >= then.promised && compareConfigurations(now.accepted, then.accepted) >= 0;

/**
 * The newest configuration of each majority: in the order of age, all but the oldest `majority - 1` of them, for a
 * majority consists of one and of `majority - 1` that are not newer.
 */
const maximaOfMajorities = (accepted: readonly Configuration[], majority: number): readonly Configuration[] =>
  accepted.toSorted(compareConfigurations).slice(majority - 1);
