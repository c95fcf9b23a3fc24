import type { Actor } from 'xstate';
import { startMachine } from '../../bus/machine.ts';
import type { Address, Reactor } from '../../bus/reactor.ts';
import type { SnapshotChunk } from '../../domain/ledger/types.ts';
import { streamFrom } from '../../domain/replication/follower.ts';
import { CommonSearch } from '../../domain/replication/generation.ts';
import type { Epoch, LogEntry, LogPosition, VoterName } from '../../domain/replication/types.ts';
import { type Clock, type Micros, millis } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { FailoverReport, ReplicationFrame } from '../../protocol/control/messages.ts';
import { type ReplicationLinkEvent, replicationLinkMachine } from './machine.ts';

/** A stretch of the primary's log, durable here or not yet. */
interface EntryPage {
  readonly before: LogPosition;
  readonly entries: readonly LogEntry[];
}

/** What a link needs of its primary. Callbacks come in a later step or at once; after `stop`, the link ignores them. */
export interface LinkSource {
  readonly head: LogPosition;
  readonly commitSeq: number;
  /** Of this primary's log: how often a promotion was forced. */
  readonly generation: number;
  /** How this primary came to lead. */
  readonly failover: FailoverReport | null;
  /** Entries after `seq` in bytes, counted up to a little over `upTo`; infinite where they are only on disk. */
  bytesAfter(seq: number, upTo: number): number;
  recent(fromSeq: number, bytesMax: number): EntryPage | null;
  read(fromSeq: number, bytesMax: number, done: (page: EntryPage | null) => void): void;
  position(seq: number, done: (position: LogPosition | null) => void): void;
  snapshotRead(seq: number | null, index: number, bytesMax: number, done: (chunk: SnapshotChunk | null) => void): void;
  /** The follower has synced everything up to `seq`, and it is this primary's log (R5). */
  matched(follower: VoterName, seq: number): void;
  /** The follower has promised a higher epoch (R11). */
  outranked(epoch: Epoch): void;
}

export interface LinkDeps {
  readonly reactor: Reactor;
  readonly clock: Clock;
  readonly log: Log;
  readonly follower: VoterName;
  readonly epoch: Epoch;
  readonly send: (frame: ReplicationFrame) => boolean;
  readonly source: LinkSource;
  readonly limits: {
    readonly windowBytesMax: number;
    readonly batchBytesMax: number;
    readonly upgradeLagBytesMax: number;
    readonly snapshotChunkBytes: number;
  };
  /** Silence, in milliseconds, after which what was asked is asked again. */
  readonly retryMs: number;
}

export type LinkPhase = 'connecting' | 'probing' | 'snapshot' | 'streaming' | 'lagging' | 'down';

type Probed = Extract<ReplicationFrame, { kind: 'probed' }>;

interface InFlight {
  readonly endSeq: number;
  readonly bytes: number;
  readonly at: Micros;
}

/** A frame's cost besides its entries' payloads; keeps the window finite for empty payloads. */
const FRAME_OVERHEAD_BYTES = 64;
const ENTRY_OVERHEAD_BYTES = 160;

/**
 * A primary's way to one follower: finds where their logs agree, then sends what is missing, no more than a window
 * ahead of the acknowledgements, or a snapshot where the log no longer goes back that far. One per follower and epoch.
 */
export class ReplicationLink {
  readonly #deps: LinkDeps;
  readonly #address: Address<ReplicationLinkEvent>;
  readonly #actor: Actor<typeof replicationLinkMachine>;
  #mode: 'idle' | 'probing' | 'snapshot' | 'sending' = 'idle';
  /** Raised whenever the link begins anew: answers to older questions are dropped. */
  #attempt = 0;
  #nextSeq = 0;
  #matchSeq = 0;
  /** The follower has confirmed `matchSeq` since it was last probed. */
  #verified = false;
  #inFlight: InFlight[] = [];
  #inFlightBytes = 0;
  #reading = false;
  #close = false;
  #chunk: SnapshotChunk | null = null;
  /** While the last common entry with a log of an older generation is looked for: what was asked last. */
  #search: { readonly common: CommonSearch; readonly asked: number } | null = null;
  #lastHeard: Micros = 0;
  #stopped = false;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#address = `replication-link.${deps.follower}.${deps.epoch}`;
    const effects = { probe: () => this.#probe(), sendSnapshot: () => this.#snapshot() };
    this.#actor = startMachine(deps.reactor, deps.clock, replicationLinkMachine, { address: this.#address, input: { effects } });
  }

  get phase(): LinkPhase {
    return this.#actor.getSnapshot().value;
  }

  /** The follower lacks so little that writes would not stall if they waited for it (R7). */
  get closeBehind(): boolean {
    return this.#mode === 'sending' && this.#close;
  }

  stop(): void {
    this.#stopped = true;
    this.#attempt++;
    this.#actor.stop();
    this.#deps.reactor.unregister(this.#address);
  }

  peerUp(): void {
    this.#post({ type: 'peer.up' });
  }

  peerDown(): void {
    this.#begin('idle');
    this.#post({ type: 'peer.down' });
  }

  receive(frame: ReplicationFrame): void {
    if (this.#stopped || frame.epoch !== this.#deps.epoch) return;
    this.#lastHeard = this.#deps.clock.now();
    if (frame.kind === 'probed') this.#probed(frame);
    else if (frame.kind === 'appendAck') this.#acked(frame.durableSeq);
    else if (frame.kind === 'appendNack') this.#nacked(frame);
    else if (frame.kind === 'snapshotAck') this.#chunkAcked(frame.index);
  }

  /** There may be something to send, or somebody who has been silent for too long. */
  wake(): void {
    const { clock, retryMs } = this.#deps;
    const waits = this.#mode === 'probing' || this.#mode === 'snapshot' || this.#inFlight.length > 0;
    if (waits && clock.now() - this.#lastHeard >= millis(retryMs)) this.#lost();
    else this.#pump();
  }

  #begin(mode: 'idle' | 'probing' | 'snapshot' | 'sending'): void {
    this.#mode = mode;
    this.#attempt++;
    this.#inFlight = [];
    this.#inFlightBytes = 0;
    this.#reading = false;
    this.#chunk = null;
    this.#search = null;
    this.#close = false;
    this.#verified = false;
    this.#lastHeard = this.#deps.clock.now();
  }

  #probe(): void {
    if (this.#stopped) return;
    this.#begin('probing');
    this.#ask(this.#deps.source.head);
  }

  #ask(at: LogPosition): void {
    const { source, epoch, send } = this.#deps;
    const { failover, generation } = source;
    send({ kind: 'probe', epoch, at, failover, ...(generation === 0 ? {} : { generation }) });
  }

  #probed(frame: Probed): void {
    if (this.#mode !== 'probing') return;
    if (frame.diverged) this.#searchCommon(frame);
    else this.#locate(frame);
  }

  /** The follower's log is of an older generation, and what it has applied may not be here: where do the logs part? */
  #searchCommon(frame: Probed): void {
    const { source } = this.#deps;
    if (this.#search === null) {
      const common = new CommonSearch(frame.appliedSeq, Math.min(source.head.seq, frame.last.seq));
      this.#askNext(common, frame);
      return;
    }
    const { common, asked } = this.#search;
    common.compared(asked, frame.matches ? 'same' : 'other');
    this.#askNext(common, frame);
  }

  #askNext(common: CommonSearch, follower: Probed): void {
    const { next } = common;
    if (next === null || common.undisputed >= follower.appliedSeq) {
      this.#found(common, follower);
      return;
    }
    const attempt = ++this.#attempt;
    this.#deps.source.position(next, (position) => {
      if (attempt !== this.#attempt || this.#stopped) return;
      if (position === null) {
        common.compared(next, 'unknown');
        this.#askNext(common, follower);
        return;
      }
      this.#search = { common, asked: next };
      this.#ask(position);
    });
  }

  /** Where they part behind what the follower has applied, it goes on from there; else it must begin with a snapshot. */
  #found(common: CommonSearch, follower: Probed): void {
    this.#search = null;
    if (common.undisputed >= follower.appliedSeq) {
      this.#startSending(common.undisputed);
      this.#pump();
      return;
    }
    this.#deps.log.warn({ common: common.common, applied: follower.appliedSeq }, 'a follower has applied what this log does not have');
    this.#begin('snapshot');
    this.#post({ type: 'log.compacted' });
  }

  /** Finds where to go on from what the follower says of its log. */
  #locate(follower: { readonly last: LogPosition; readonly appliedSeq: number }): void {
    const attempt = ++this.#attempt;
    const { source } = this.#deps;
    if (follower.appliedSeq > source.head.seq) {
      this.#deps.log.error({ applied: follower.appliedSeq, head: source.head.seq }, 'a follower has applied more than this log has');
      return;
    }
    const decide = (own: LogPosition | null): void => {
      if (attempt !== this.#attempt) return;
      const from = streamFrom(follower, own);
      this.#startSending(from.seq);
      if (from.matched) this.#matched(from.seq);
      this.#pump();
    };
    if (follower.last.seq > source.head.seq) decide(null);
    else source.position(follower.last.seq, decide);
  }

  #startSending(afterSeq: number): void {
    this.#begin('sending');
    this.#matchSeq = 0;
    this.#nextSeq = afterSeq + 1;
    this.#post({ type: 'follower.probed' });
  }

  /** Whatever else was sent ahead will be refused as well: asking once is better than sending it all once per refusal. */
  #nacked(frame: Extract<ReplicationFrame, { kind: 'appendNack' }>): void {
    if (frame.promised > this.#deps.epoch) this.#deps.source.outranked(frame.promised);
    else if (this.#mode === 'sending') this.#lost();
  }

  #acked(durableSeq: number): void {
    if (this.#mode !== 'sending') return;
    while (this.#inFlight.length > 0 && (this.#inFlight[0] as InFlight).endSeq <= durableSeq) {
      this.#inFlightBytes -= (this.#inFlight.shift() as InFlight).bytes;
    }
    this.#matched(durableSeq);
    this.#pump();
  }

  #matched(seq: number): void {
    this.#verified = true;
    if (seq > this.#matchSeq) this.#matchSeq = seq;
    this.#measure();
    this.#deps.source.matched(this.#deps.follower, seq);
  }

  #measure(): void {
    const { source, limits, clock, retryMs } = this.#deps;
    const oldest = this.#inFlight[0];
    const justSent = this.#nextSeq > source.head.seq && (oldest === undefined || clock.now() - oldest.at < millis(retryMs));
    const close = this.#verified && (justSent || source.bytesAfter(this.#matchSeq, limits.upgradeLagBytesMax) <= limits.upgradeLagBytesMax);
    if (close !== this.#close) this.#post({ type: close ? 'lag.closed' : 'lag.grew' });
    this.#close = close;
  }

  /** R4: sends what the follower lacks, a window ahead at most. */
  #pump(): void {
    const { source, limits } = this.#deps;
    while (!this.#stopped && this.#mode === 'sending' && !this.#reading && this.#nextSeq <= source.head.seq) {
      if (this.#inFlightBytes >= limits.windowBytesMax) break;
      const page = source.recent(this.#nextSeq, limits.batchBytesMax);
      if (page === null) {
        this.#readOld();
        return;
      }
      this.#sendPage(page);
    }
    if (this.#mode === 'sending') this.#measure();
  }

  #readOld(): void {
    const attempt = this.#attempt;
    this.#reading = true;
    this.#deps.source.read(this.#nextSeq, this.#deps.limits.batchBytesMax, (page) => {
      if (attempt !== this.#attempt || this.#stopped) return;
      this.#reading = false;
      if (page === null || page.entries.length === 0) {
        this.#begin('snapshot');
        this.#post({ type: 'log.compacted' });
        return;
      }
      this.#sendPage(page);
      this.#pump();
    });
  }

  #sendPage(page: EntryPage): void {
    const { source, epoch } = this.#deps;
    let bytes = FRAME_OVERHEAD_BYTES;
    for (const entry of page.entries) bytes += entry.payload.length + ENTRY_OVERHEAD_BYTES;
    const endSeq = page.before.seq + page.entries.length;
    if (this.#inFlight.length === 0) this.#lastHeard = this.#deps.clock.now();
    this.#inFlight.push({ endSeq, bytes, at: this.#deps.clock.now() });
    this.#inFlightBytes += bytes;
    this.#nextSeq = endSeq + 1;
    this.#deps.send({ kind: 'append', epoch, before: page.before, entries: page.entries, commitSeq: Math.min(source.commitSeq, endSeq) });
  }

  #snapshot(): void {
    if (this.#stopped) return;
    this.#begin('snapshot');
    this.#readChunk(null, 0);
  }

  #readChunk(seq: number | null, index: number): void {
    const attempt = this.#attempt;
    this.#deps.source.snapshotRead(seq, index, this.#deps.limits.snapshotChunkBytes, (chunk) => {
      if (attempt !== this.#attempt || this.#stopped) return;
      if (chunk === null) {
        // That position has gone by: the next attempt begins with a newer one.
        this.#lastHeard = this.#deps.clock.now();
        return;
      }
      this.#chunk = chunk;
      const { position, done, bytes } = chunk;
      this.#deps.send({ kind: 'snapshotChunk', epoch: this.#deps.epoch, position, index, done, bytes });
    });
  }

  #chunkAcked(index: number): void {
    const chunk = this.#chunk;
    if (this.#mode !== 'snapshot' || chunk === null || chunk.index !== index) return;
    this.#chunk = null;
    if (!chunk.done) {
      this.#readChunk(chunk.position.seq, index + 1);
      return;
    }
    this.#begin('sending');
    this.#nextSeq = chunk.position.seq + 1;
    this.#post({ type: 'snapshot.installed' });
    this.#matched(chunk.position.seq);
    this.#pump();
  }

  #lost(): void {
    this.#begin('idle');
    this.#post({ type: 'follower.lost' });
  }

  #post(event: ReplicationLinkEvent): void {
    if (!this.#stopped) this.#deps.reactor.post(this.#address, event, this.#address);
  }
}
