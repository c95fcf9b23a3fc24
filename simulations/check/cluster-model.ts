/**
 * The durable state of a run's replicas and voters, followed event by event, and what is told of it: acknowledgements and
 * activations. One for each run; the checkers of the invariants look at it and listen to it.
 */
import type { LedgerTransactions, LogState, StoredReply } from '../../src/domain/ledger/types.ts';
import type { ControlFrame, LinkType, ReplyFrame } from '../../src/protocol/control/messages.ts';
import type { Result } from '../../src/protocol/result.ts';
import { isReplica, replicaNames } from '../plan/names.ts';
import type { ProcessName } from '../plan/types.ts';
import { type Checker, type RunView, Violation } from './checker.ts';
import { DurableLog, type Place, placeOf, placeText, samePlace } from './places.ts';
import { VoterBook, type VoterChange, voterOf } from './voters.ts';

/** A replica has told a client, through a proxy, that a change is kept. */
export interface Ack {
  readonly process: ProcessName;
  readonly epoch: number;
  readonly durability: 'replicated' | 'local';
  readonly place: Place;
  readonly reply: ReplyFrame;
}

/** A replica leads an epoch. */
export interface Activation {
  readonly process: ProcessName;
  readonly epoch: number;
  /** Where its log ended. */
  readonly last: Place;
  /** What it had behind what was committed then. */
  readonly tail: readonly Place[];
  readonly committedSeq: number;
}

/** What checkers may listen to; each is called after the model has taken it in. */
export interface ModelListener {
  acked?(ack: Ack): void;
  activated?(activation: Activation): void;
  /** Entries are synced in the log of a replica. `before`: where it ended. */
  appended?(process: ProcessName, places: readonly Place[], before: Place): void;
  /** Entries are gone from the log of a replica: cut off, or replaced by a snapshot. */
  removed?(process: ProcessName, places: readonly Place[]): void;
  applied?(process: ProcessName, replies: readonly StoredReply[]): void;
  voter?(change: VoterChange): void;
  /** An operator has forced a promotion past R2: what was committed behind `seq` is overridden, and may come to be something else. */
  forced?(seq: number, epoch: number): void;
  /** The process starts, and its voter's state is older than what was synced; `lost`: the plan took it away. */
  voterWentBack?(voter: string, before: string, lost: boolean): void;
}

export class ClusterModel implements Checker {
  readonly name = 'disk';
  readonly demands = 'What a ledger has committed is there, whole, after every restart.';
  readonly voters: VoterBook;
  /** What is committed: applied by some replica. By seq; 0 is the empty log. */
  readonly decided: Place[];
  readonly #run: RunView;
  readonly #logs = new Map<ProcessName, DurableLog>();
  /** The log that a replica had before the plan took it away. */
  readonly #lost = new Map<ProcessName, DurableLog>();
  readonly #listeners: ModelListener[] = [];
  /** Processes whose state was taken away by the plan, until they start again. */
  readonly #forgetful = new Set<ProcessName>();
  readonly #activations = new Map<number, ProcessName>();
  #ackedSeq = 0;
  /** Forced promotions so far. */
  #generation = 0;
  /** The replica whose log a forced promotion overrides, until it takes entries of that epoch: what it still does counts for nothing. */
  #overridden: { readonly process: ProcessName; readonly epoch: number } | null = null;

  constructor(run: RunView) {
    this.#run = run;
    this.voters = new VoterBook(run.plan.cluster);
    for (const process of replicaNames) this.#logs.set(process, new DurableLog());
    this.decided = [this.log('tracker').last];
  }

  listen(listener: ModelListener): void {
    this.#listeners.push(listener);
  }

  /** Of `tracker` or `backup`. */
  log(process: ProcessName): DurableLog {
    return this.#logs.get(process) ?? this.#unknown(process);
  }

  /** The last entry that a client was told of. */
  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  /** Whether a replica's disk has the entry, itself or in the state that it had as a snapshot. */
  holds(process: ProcessName, place: Place): boolean {
    const log = this.log(process);
    const own = log.at(place.seq);
    if (own !== null) return samePlace(own, place);
    // In a snapshot is what was committed up to there.
    const committed = place.seq < log.baseSeq ? this.decided[place.seq] : undefined;
    return committed !== undefined && samePlace(committed, place);
  }

  /** As `holds`; or its disk had it, before the plan took that away, which nobody else can know at once. */
  hadOrHolds(process: ProcessName, place: Place): boolean {
    const before = this.#lost.get(process)?.at(place.seq) ?? null;
    return this.holds(process, place) || (before !== null && samePlace(before, place));
  }

  /** What a replica lacks of what was committed up to `seq`; null where it has everything. The hash of each place covers those before. */
  lacks(process: ProcessName, seq: number): Place | null {
    const place = this.decided[seq];
    return place === undefined || this.holds(process, place) ? null : place;
  }

  /** Which replica was first seen to lead the epoch; null where none was. */
  primaryOf(epoch: number): ProcessName | null {
    return this.#activations.get(epoch) ?? null;
  }

  // ---- What is seen ----------------------------------------------------------------------------------------------

  started(process: ProcessName): void {
    const before = this.voters.restarted(process, (path) => this.#run.file(process, path));
    if (before === null) return;
    const lost = isReplica(process) ? this.#forgetful.has(process) : this.#forgetful.delete(process);
    const text = `promised ${before.promised}, accepted (${before.accepted.e}, ${before.accepted.v})`;
    for (const listener of this.#listeners) listener.voterWentBack?.(voterOf(process), text, lost);
  }

  stopped(process: ProcessName, how: 'kill' | 'power' | 'forget' | 'ended'): void {
    if (how === 'forget') this.#forgetful.add(process);
  }

  written(process: ProcessName, path: string, bytes: Uint8Array): void {
    const change = this.voters.written(process, path, bytes);
    if (change !== null) for (const listener of this.#listeners) listener.voter?.(change);
  }

  committed(process: ProcessName, transaction: string, args: unknown, result: Result<unknown>): void {
    if (!result.ok) return;
    const { value } = result;
    const log = this.log(process);
    switch (transaction) {
      case 'open':
        this.#opened(process, log, value as LogState);
        return;
      case 'append':
        this.#append(process, log, args as LedgerTransactions['append']['args'], value as LedgerTransactions['append']['result']);
        return;
      case 'truncateAndAppend': {
        const cut = args as LedgerTransactions['truncateAndAppend']['args'];
        this.#remove(process, log.truncateAfter(cut.afterSeq));
        this.#append(process, log, cut, value as LedgerTransactions['append']['result']);
        return;
      }
      case 'apply':
        this.#apply(process, log, value as LedgerTransactions['apply']['result']);
        return;
      case 'snapshotWrite':
        this.#install(
          process,
          log,
          args as LedgerTransactions['snapshotWrite']['args'],
          value as LedgerTransactions['snapshotWrite']['result'],
        );
        return;
      default:
    }
  }

  sent(process: ProcessName, _to: ProcessName, link: LinkType, frame: ControlFrame): void {
    if (frame.kind === 'heartbeat') {
      if (!this.#activations.has(frame.epoch) || this.#activations.get(frame.epoch) !== process) this.#activate(process, frame.epoch);
    } else if (frame.kind === 'reply' && link === 'proxy' && frame.durability !== 'none') this.#acknowledge(process, frame);
  }

  // ---- The log ---------------------------------------------------------------------------------------------------

  #opened(process: ProcessName, log: DurableLog, { last, appliedSeq }: LogState): void {
    const found = placeOf(last);
    const asItWas = samePlace(found, log.last) && appliedSeq === log.appliedSeq;
    const lost = this.#forgetful.delete(process) && !asItWas;
    if (asItWas) return;
    if (!lost)
      throw new Violation(
        this.name,
        `${process} opens its log at ${placeText(found)}, applied ${appliedSeq}; its disk had ${placeText(log.last)}, applied ${log.appliedSeq}`,
      );
    this.#lost.set(process, log);
    const begun = new DurableLog();
    begun.replace(found, appliedSeq);
    this.#logs.set(process, begun);
    this.voters.logLost(voterOf(process));
  }

  #append(process: ProcessName, log: DurableLog, args: { readonly entries: readonly RawEntry[] }, result: Applied): void {
    const before = log.last;
    const places = args.entries.map(placeOf);
    if (this.#isOverridden(process) && places.some(({ epoch }) => epoch >= (this.#overridden?.epoch ?? 0))) this.#overridden = null;
    for (const place of places) log.append(place);
    if (places.length > 0) for (const listener of this.#listeners) listener.appended?.(process, places, before);
    this.#apply(process, log, result);
  }

  #remove(process: ProcessName, places: readonly Place[]): void {
    if (places.length > 0) for (const listener of this.#listeners) listener.removed?.(process, places);
  }

  #install(
    process: ProcessName,
    log: DurableLog,
    { chunk }: LedgerTransactions['snapshotWrite']['args'],
    result: LedgerTransactions['snapshotWrite']['result'],
  ): void {
    const base = placeOf(chunk.position);
    if (!chunk.done || !samePlace(placeOf(result.last), base) || result.appliedSeq !== base.seq) return;
    if (samePlace(log.last, base) && log.appliedSeq === base.seq) return;
    const gone = log.replace(base, base.seq);
    if (this.#isOverridden(process)) this.#overridden = null;
    this.#remove(
      process,
      gone.filter(({ seq }) => seq > base.seq),
    );
    this.#commit(process, base);
  }

  #apply(process: ProcessName, log: DurableLog, { appliedSeq, replies }: Applied): void {
    for (let seq = log.appliedSeq + 1; seq <= appliedSeq; seq++) {
      const place = log.at(seq);
      if (place === null) throw new Violation(this.name, `${process} applied entry ${seq}, which its log does not have`);
      this.#commit(process, place);
    }
    log.appliedSeq = Math.max(log.appliedSeq, appliedSeq);
    if (replies.length > 0) for (const listener of this.#listeners) listener.applied?.(process, replies);
  }

  /** Two replicas never apply different entries under one number: the core of I3, whatever clients are told. */
  #commit(process: ProcessName, place: Place): void {
    const known = this.decided[place.seq];
    if (this.#isOverridden(process)) return;
    if (known === undefined) this.decided[place.seq] = place;
    else if (!samePlace(known, place))
      throw new Violation('I3', `${process} applies ${placeText(place)}, where ${placeText(known)} was applied before`);
  }

  // ---- Who leads, and what clients are told ------------------------------------------------------------------------

  #activate(process: ProcessName, epoch: number): void {
    if (!this.#activations.has(epoch)) this.#activations.set(epoch, process);
    const generation = this.voters.record(voterOf(process))?.accepted.generation ?? 0;
    if (generation > this.#generation) this.#force(process, epoch, generation);
    const log = this.log(process);
    const committedSeq = this.decided.length - 1;
    const tail: Place[] = [];
    for (let seq = Math.max(committedSeq, log.baseSeq) + 1; seq <= log.last.seq; seq++) tail.push(log.at(seq) as Place);
    for (const listener of this.#listeners) listener.activated?.({ process, epoch, last: log.last, tail, committedSeq });
  }

  /** Past R2: what this replica does not have is lost by order. The other's log is overridden where it has more. */
  #force(process: ProcessName, epoch: number, generation: number): void {
    this.#generation = generation;
    this.voters.forced(generation);
    let seq = Math.min(this.decided.length - 1, this.log(process).last.seq);
    while (seq > 0 && this.lacks(process, seq) !== null) seq--;
    this.decided.length = seq + 1;
    this.#ackedSeq = Math.min(this.#ackedSeq, seq);
    this.#overridden = { process: process === 'tracker' ? 'backup' : 'tracker', epoch };
    for (const listener of this.#listeners) listener.forced?.(seq, epoch);
  }

  #isOverridden(process: ProcessName): boolean {
    return this.#overridden?.process === process;
  }

  #acknowledge(process: ProcessName, reply: ReplyFrame): void {
    if (this.#isOverridden(process)) return;
    const { seq, epoch, durability } = reply;
    const place = this.log(process).at(seq) ?? this.decided[seq];
    if (place === undefined || durability === 'none')
      throw new Violation('I3', `${process} acknowledges entry ${seq} in epoch ${epoch}, which its disk does not have`);
    this.#ackedSeq = Math.max(this.#ackedSeq, seq);
    for (const listener of this.#listeners) listener.acked?.({ process, epoch, durability, place, reply });
  }

  #unknown(process: ProcessName): never {
    throw new Error(`${process} is no replica`);
  }
}

type RawEntry = { readonly seq: number; readonly epoch: number; readonly hash: Uint8Array };
type Applied = { readonly appliedSeq: number; readonly replies: readonly StoredReply[] };

const models = new WeakMap<RunView, ClusterModel>();

/** The model of a run: the same for all its checkers. `watchCluster` feeds it, and comes before them. */
export const modelOf = (run: RunView): ClusterModel => {
  let model = models.get(run);
  if (model === undefined) {
    model = new ClusterModel(run);
    models.set(run, model);
  }
  return model;
};
