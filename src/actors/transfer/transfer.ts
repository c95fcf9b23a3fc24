/** One transfer of the library: its machine, its exchange, its journal, and what the network hears of it. */
import { startMachine } from '../../bus/machine.ts';
import type { Address } from '../../bus/reactor.ts';
import type { Content } from '../../data/content.ts';
import type { ExchangeEvents } from '../../data/exchange.ts';
import type { Meeting } from '../../data/meeting.ts';
import type { StoredFile } from '../../data/storage.ts';
import type { Micros } from '../../ports/clock.ts';
import type { Metainfo } from '../../protocol/bittorrent/metainfo.ts';
import { type Done, fail, type Failure } from '../../protocol/result.ts';
import type { FilePriority } from '../../domain/transfer/file-priorities.ts';
import { isOfCatalog, type SwarmKind } from '../../domain/transfer/journal.ts';
import type { TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import { type Assembly, assemble } from './assembly.ts';
import { CatalogSwarm } from './catalog-swarm.ts';
import type { Checker } from './checker.ts';
import type { Keeper, RecordFacts } from './keeper.ts';
import { type TransferEffects, type TransferMessage, type TransferPhase, transferMachine } from './machine.ts';
import { Notes } from './notes.ts';
import { putInPlace } from './put-in-place.ts';
import { faultReason, goalReason, standingReason } from './reasons.ts';
import { Relocating } from './relocating.ts';
import type { Selection } from './selection.ts';
import type { TransferPlan, TransferSetting } from './setting.ts';
import type { TrackerSummary } from '../../protocol/api.ts';
import type { SwarmCount, SwarmMember } from './swarm-source.ts';
import { Swarms } from './swarms.ts';
import { Wishes } from './wishes.ts';

/** A file that a transfer is to have as well. */
export interface WantedFile {
  /** Its place in the torrent. */
  readonly index: number;
  /** Where it is to lie until it is complete, or where it lies. Absolute. */
  readonly path: string;
  /** It was there before; never written. */
  readonly adopted: boolean;
}

export class Transfer {
  readonly metainfo: Metainfo;
  readonly layout: TorrentLayout;
  readonly content: Content;
  readonly exchange: Meeting;
  readonly notes: Notes;
  /** What its user may change while it lives. */
  readonly wishes: Wishes;
  phase: TransferPhase = 'checking';
  readonly #setting: TransferSetting;
  readonly #selection: Selection;
  readonly #address: Address<TransferMessage>;
  readonly #keeper: Keeper;
  #machine: { getSnapshot(): { readonly context: { readonly reason: string | null } }; stop(): unknown } | null = null;
  #repair = false;
  #closing = false;
  #faulted = false;
  readonly #checker: Checker;
  readonly #swarms: Swarms;
  readonly #relocation: Relocating;
  readonly #gates: Assembly['gates'];
  #becameCompleteHere = false;

  constructor(setting: TransferSetting, plan: TransferPlan) {
    this.#setting = setting;
    this.metainfo = plan.metainfo;
    this.layout = plan.layout;
    this.notes = new Notes(plan.record);
    const parts = assemble(setting, plan, {
      events: this.#exchangeEvents,
      facts: () => this.#recordFacts(),
      failed: (failure) => this.#dataFailed(failure),
    });
    this.content = parts.content;
    this.exchange = parts.exchange;
    this.#selection = parts.selection;
    this.#keeper = parts.keeper;
    this.#checker = parts.checker;
    this.#gates = parts.gates;
    this.#relocation = new Relocating(setting.ports, this.notes, parts);
    this.wishes = new Wishes(this, parts, setting, this.#relocation);
    this.#address = `transfer/${this.id}`;
    this.#swarms = new Swarms(
      {
        catalog: () => new CatalogSwarm(setting.network, this.id, this.#member),
        trackers: () => setting.trackers(this.metainfo, this.#member),
      },
      this.notes.swarm,
    );
  }

  get id(): string {
    return this.layout.id;
  }

  /** Which files are wanted, by their places in the torrent. */
  get selected(): readonly boolean[] {
    return this.#selection.files;
  }

  get priorities(): readonly FilePriority[] {
    return this.#selection.priorities;
  }

  /** Bytes of the chosen files. */
  get size(): number {
    return this.#selection.size;
  }

  get uploadedBytes(): number {
    return this.notes.uploadedBefore + this.exchange.up.total;
  }

  get downloadedBytes(): number {
    return this.notes.downloadedBefore + this.exchange.down.total;
  }

  get doneBytes(): number {
    return Math.min(this.size, this.content.map.doneBytes);
  }

  /** The count of its swarm, as it was last heard of. */
  get swarm(): SwarmCount | null {
    return this.#swarms.count;
  }

  get trackers(): readonly TrackerSummary[] {
    return this.#swarms.trackers;
  }

  /** Why it stands still; null while it moves, and where its user paused it. */
  get reason(): string | null {
    const told = this.#machine?.getSnapshot().context.reason ?? null;
    const { exchange, phase, swarm } = this;
    const { terms } = this.notes;
    if (phase === 'paused' && terms.reached !== null) return goalReason(terms.reached, this.wishes.goal);
    if (phase === 'moving') return this.#relocation.words;
    // Those that both know of are looked for in the catalog first.
    const trackers = isOfCatalog(this.notes.swarm) ? null : this.trackers;
    return standingReason({ phase, checking: this.#checker.words, told, network: this.#setting.network.state, swarm, trackers, exchange });
  }

  /** Starts the machine; to be called inside a step. */
  start(): void {
    // For showing only: what counts is found out by the check.
    if (this.notes.paused) this.#checker.gainRecorded();
    const effects: TransferEffects = {
      check: (all) => this.#check(all),
      queue: () => this.#setting.queue(this),
      exchange: () => this.#meet(),
      place: () => this.#place(),
      seed: () => this.#seed(),
      rest: () => this.#rest(),
      move: () => this.#settled(() => this.#relocation.run(() => this.post({ type: 'transfer.moved', paused: this.notes.paused }))),
      halt: () => this.#halt(),
      entered: (phase) => {
        this.phase = phase;
        this.notes.terms.seeds(this.#setting.ports.clock.now(), phase === 'seeding');
        if (phase === 'failed') this.#setting.lost(this);
        this.#setting.phaseChanged(this);
      },
    };
    this.#machine = startMachine(this.#setting.reactor, this.#setting.ports.clock, transferMachine, {
      address: this.#address,
      input: { effects, begin: this.notes.terms.movingTo !== null ? 'moving' : this.notes.paused ? 'paused' : 'check' },
    });
  }

  post(message: TransferMessage): void {
    if (!this.#closing) this.#setting.reactor.post(this.#address, message);
  }

  pause(): void {
    this.notes.paused = true;
    this.post({ type: 'transfer.pause' });
    this.#keeper.save(false, () => {});
  }

  resume(): void {
    this.notes.terms.goOn();
    this.notes.paused = false;
    this.#repair = this.notes.origin === 'get';
    this.post({ type: 'transfer.resume' });
  }

  recheck(): void {
    this.notes.paused = false;
    this.#repair = this.notes.origin === 'get';
    this.post({ type: 'transfer.recheck' });
  }

  /**
   * Wants more of its files. What lies there already is looked at and never written. Answers when the journal has it.
   * Not to be called while it is completing.
   */
  extend(files: readonly WantedFile[], done: Done<void>): void {
    const { map, storage } = this.content;
    for (const { index, path, adopted } of files) {
      Object.assign(storage.files[index] as StoredFile, { path, adopted });
      if (!adopted) continue;
      const pieces = this.#selection.piecesOf(index);
      for (const piece of pieces) map.lose(piece);
      this.#checker.doubt(pieces);
    }
    this.#selection.add(files.map(({ index }) => index));
    this.notes.placed = false;
    if (this.phase === 'paused' || this.phase === 'failed') this.resume();
    else this.post({ type: 'transfer.extend' });
    this.#keeper.save(false, done);
  }

  /** The catalog names this node as an owner under that account, since that generation, or does so no more. */
  setOwned(owned: boolean, account: string | null, generation: number): void {
    if (this.notes.setOwned(owned, account, generation)) this.#keeper.later();
  }

  /** Its peers meet there from now on. With tags: those that the catalog finds it by. Answers when the journal has it. */
  meetIn(swarm: SwarmKind, tags: readonly string[] | null = null, done: Done<void> = () => {}): void {
    if (this.#closing) return done(fail('removed', 'It was removed.'));
    this.notes.swarm = swarm;
    this.notes.tags = tags ?? this.notes.tags;
    this.#swarms.kind = swarm;
    return this.#keeper.save(false, done);
  }

  /** The catalog has it: what came from elsewhere is the network's from now on. */
  meetInCatalog(tags: readonly string[]): void {
    if (isOfCatalog(this.notes.swarm)) return;
    this.meetIn('catalog', tags);
    if (this.phase === 'seeding') this.#setting.owns(this);
  }

  /** Lets peers go, finishes what is being written, flushes the journal, closes the files. */
  close(done: () => void): void {
    this.#closing = true;
    this.#machine?.stop();
    this.#setting.reactor.unregister(this.#address);
    this.#halt();
    this.notes.terms.seeds(this.#setting.ports.clock.now(), false);
    this.#gates.up.stop();
    this.#gates.down.stop();
    this.#settled(() => {
      const closed = (): void => {
        this.#keeper.stop();
        this.content.storage.freeze(done);
      };
      // Before it was looked at, the journal of before says more.
      const timed = this.wishes.goal.seconds !== null;
      const worth = this.#keeper.dirty || !this.notes.placed || this.exchange.up.total > 0 || timed;
      if (worth && this.#checker.looked) this.#keeper.save(true, closed);
      else closed();
    });
  }

  // ------------------------------------------------------------------------------------------------------------------

  /** Calls back when nothing is being verified or written any more. */
  #settled(done: () => void): void {
    if (this.exchange.settling === 0) done();
    else this.#setting.ports.clock.setTimer(1_000, () => this.#settled(done));
  }

  #check(all: boolean): void {
    this.#faulted = false;
    // What is to be put right again is ours to write.
    if (this.#repair && this.notes.placed) for (const file of this.content.storage.files) file.adopted = false;
    this.#settled(() =>
      this.#checker.run({ all, placed: this.notes.placed, repair: this.#repair }, (result) => {
        if (!result.ok) return this.#dataFailed(result.error);
        if (result.value !== null) return this.post({ type: 'transfer.fault', reason: result.value });
        this.#repair = false;
        if (!this.content.map.full) this.#setting.lost(this);
        this.exchange.reconsider();
        return this.post({ type: 'transfer.checked', complete: this.content.map.complete });
      }),
    );
  }

  #meet(): void {
    for (const file of this.content.storage.files) file.facts = null;
    this.#join();
    this.#keeper.save(false, () => {});
  }

  #join(): void {
    this.exchange.start();
    this.#swarms.join();
  }

  #place(): void {
    this.#becameCompleteHere = this.exchange.running;
    this.#settled(() =>
      putInPlace(
        {
          disk: this.#setting.ports.disk,
          content: this.content,
          checker: this.#checker,
          keeper: this.#keeper,
          folder: this.notes.folder,
          selected: this.selected,
          there: this.notes.origin === 'share' || this.notes.placed,
          wasPlaced: this.notes.placed,
          asRecorded: this.notes.placed && this.notes.loadedClean && this.content.piecesHashed === 0,
          placed: () => {
            this.notes.placed = true;
            if (this.#becameCompleteHere && this.notes.origin === 'get') this.notes.terms.finishing = true;
          },
        },
        (result) => {
          if (result.ok) this.post({ type: 'transfer.placed', turn: this.#setting.maySeed(this) });
          else this.#dataFailed(result.error);
        },
      ),
    );
  }

  #seed(): void {
    this.#join();
    if (this.#becameCompleteHere) this.#swarms.completed();
    this.#complete();
  }

  #rest(): void {
    this.#complete();
    this.#setting.queue(this);
  }

  #complete(): void {
    this.#setting.owns(this);
    if (this.notes.terms.finishing) this.#setting.completed(this);
  }

  #halt(): void {
    this.#checker.stop();
    this.exchange.stop('the transfer stands still');
    this.#swarms.leave();
  }

  #dataFailed(failure: Failure): void {
    if (this.#closing) return;
    // Everything that was under way fails with it; one line says so.
    if (!this.#faulted)
      this.#setting.ports.log.warn({ transfer: this.id, code: failure.code, reason: failure.message }, 'A transfer stopped');
    this.#faulted = true;
    if (failure.code === 'full')
      this.post({ type: 'disk.full', reason: `The disk is full: ${failure.message} It goes on when there is room.` });
    else this.post({ type: 'transfer.fault', reason: faultReason(failure) });
  }

  readonly #member: SwarmMember = {
    facts: () => ({
      leftBytes: this.content.map.leftBytes,
      uploadedBytes: this.exchange.up.total,
      downloadedBytes: this.exchange.down.total,
      want: Math.max(0, Math.min(50, this.#setting.limits.peersPerTransferMax - this.exchange.peers.length)),
    }),
    met: (peers) => {
      for (const { host, port, node, seeder } of peers) this.exchange.learn({ host, port }, node, seeder);
      this.exchange.connectMore();
    },
    switched: () => this.exchange.forgetPeers('its torrent is private, and has another tracker now'),
  };

  readonly #exchangeEvents: ExchangeEvents = {
    stored: (piece) => this.#keeper.wrote(this.content.map.bytes(piece)),
    complete: () => this.post({ type: 'transfer.complete' }),
    supply: (there) => this.post({ type: there ? 'transfer.first' : 'transfer.stalled' }),
    banned: (name) => this.#setting.ports.log.warn({ transfer: this.id, peer: name }, 'A peer sent wrong data and is banned'),
    failed: (failure) => this.#dataFailed(failure),
  };

  #recordFacts(): RecordFacts {
    return this.notes.facts({
      sequential: this.exchange.sequential,
      unsettled: [...new Set([...this.exchange.unsettled, ...this.#checker.doubtful])],
      uploadedBytes: this.exchange.up.total,
      downloadedBytes: this.exchange.down.total,
      priorities: this.priorities,
      now: this.#setting.ports.clock.now(),
    });
  }

  /** Seconds to go at the present rate; null when unknown. */
  secondsLeft(now: Micros): number | null {
    const rate = this.exchange.down.rate(now);
    return this.content.map.complete ? 0 : rate < 1 ? null : Math.ceil(this.content.map.leftBytes / rate);
  }
}
