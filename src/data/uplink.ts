import type { BlockRange } from '../protocol/bittorrent/wire.ts';
import { encodePieceHeader } from '../protocol/bittorrent/wire.ts';
import type { Content, ContentFailure } from './content.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';
import type { RateGate } from './rate-gate.ts';

/** What a transfer wants to know of its uploads. */
export interface UploadEvents {
  /** A limit of its own; null where it has none. */
  ownGate?(): RateGate | null;
  sent(peer: Peer, bytes: number): void;
  /** A shared file is gone or is not what it was. */
  failed(failure: ContentFailure | { readonly code: 'conflict'; readonly message: string }): void;
}

interface Lane {
  readonly peer: Peer;
  readonly content: Content;
  readonly events: UploadEvents;
  readonly queue: BlockRange[];
  /** Reads under way for it. */
  reads: number;
  inLine: boolean;
}

const READS_PER_PEER_MAX = 2;
/** Smaller reads get memory of their own size. */
const POOLED_BYTES_MIN = 64 * 1024;
const FREE_BUFFERS_MAX = 16;

/**
 * Memory for reads, used again once written: half a megabyte of fresh memory for every read makes V8 collect garbage
 * every 20 MB, which costs as much as all the rest of an upload.
 */
class UploadMemory {
  readonly #free: Uint8Array[] = [];

  take(bytes: number): Uint8Array {
    if (bytes < POOLED_BYTES_MIN) return Buffer.allocUnsafeSlow(bytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(Math.max(bytes, dataLimits.uploadRunBytesMax));
  }

  give(memory: Uint8Array): void {
    if (memory.length === dataLimits.uploadRunBytesMax && this.#free.length < FREE_BUFFERS_MAX) this.#free.push(memory);
  }
}

/**
 * All uploads of a node. Peers that are owed blocks stand in one line; each turn reads one run of blocks that follow each
 * other and sends it, so that the uplink is shared fairly. A peer whose connection is full waits for its drain.
 */
export class Uplink {
  readonly #gate: RateGate;
  readonly #lanes = new Map<Peer, Lane>();
  readonly #line: Lane[] = [];
  readonly #memory = new UploadMemory();
  #reads = 0;

  constructor(gate: RateGate) {
    this.#gate = gate;
  }

  /** Queues a block. False: the peer has too many waiting already. */
  add(peer: Peer, content: Content, range: BlockRange, events: UploadEvents): boolean {
    let lane = this.#lanes.get(peer);
    if (lane === undefined) {
      lane = { peer, content, events, queue: [], reads: 0, inLine: false };
      this.#lanes.set(peer, lane);
    }
    if (lane.queue.length >= dataLimits.requestsPerPeerMax) return false;
    lane.queue.push(range);
    this.#enter(lane);
    this.#pump();
    return true;
  }

  /** Takes a block out of the queue; whether it was there. */
  cancel(peer: Peer, range: BlockRange): boolean {
    const queue = this.#lanes.get(peer)?.queue ?? [];
    const at = queue.findIndex(
      (waiting) => waiting.piece === range.piece && waiting.begin === range.begin && waiting.length === range.length,
    );
    if (at !== -1) queue.splice(at, 1);
    return at !== -1;
  }

  /** Empties the peer's queue and answers what was in it. */
  clear(peer: Peer): readonly BlockRange[] {
    return this.#lanes.get(peer)?.queue.splice(0) ?? [];
  }

  forget(peer: Peer): void {
    this.clear(peer);
    this.#lanes.delete(peer);
    const at = this.#line.findIndex((lane) => lane.peer === peer);
    if (at !== -1) this.#line.splice(at, 1);
  }

  /** The peer's connection has room again. */
  drained(peer: Peer): void {
    const lane = this.#lanes.get(peer);
    if (lane === undefined) return;
    this.#enter(lane);
    this.#pump();
  }

  #enter(lane: Lane): void {
    const ready = lane.queue.length > 0 && lane.reads < READS_PER_PEER_MAX && !lane.peer.congested;
    if (lane.inLine || !ready) return;
    lane.inLine = true;
    this.#line.push(lane);
  }

  #pump(): void {
    while (this.#reads < dataLimits.uploadReadsMax) {
      const lane = this.#line[0];
      if (lane === undefined) return;
      const run = nextRun(lane.queue);
      const bytes = run.reduce((sum, range) => sum + range.length, 0);
      const own = lane.events.ownGate?.() ?? null;
      if (own !== null && !own.take(bytes)) {
        this.#waitAlone(lane, own);
        continue;
      }
      if (!this.#gate.take(bytes)) {
        own?.giveBack(bytes);
        this.#gate.wait(this, () => this.#pump());
        return;
      }
      this.#line.shift();
      lane.inLine = false;
      lane.queue.splice(0, run.length);
      if (run.length > 0) this.#serve(lane, run, bytes);
      this.#enter(lane);
    }
  }

  /** Its transfer may not go faster: the others in the line go on without it. */
  #waitAlone(lane: Lane, own: RateGate): void {
    this.#line.shift();
    own.wait(lane, () => {
      lane.inLine = false;
      if (!this.#lanes.has(lane.peer)) return;
      this.#enter(lane);
      this.#pump();
    });
  }

  #serve(lane: Lane, run: readonly BlockRange[], bytes: number): void {
    const first = run[0] as BlockRange;
    this.#reads++;
    lane.reads++;
    const finish = (failure: Parameters<UploadEvents['failed']>[0] | null): void => {
      this.#reads--;
      lane.reads--;
      if (failure !== null) {
        this.#gate.giveBack(bytes);
        for (const range of run) if (lane.peer.fast) lane.peer.send({ ...range, kind: 'reject' });
        lane.events.failed(failure);
      }
      if (this.#lanes.has(lane.peer)) this.#enter(lane);
      this.#pump();
    };
    const read = (): void => {
      const memory = this.#memory.take(bytes);
      const data = memory.subarray(0, bytes);
      lane.content.storage.read(first.piece, first.begin, data, (result) => {
        if (result.ok) this.#send(lane, run, data, () => this.#memory.give(memory));
        finish(result.ok ? null : result.error);
      });
    };
    if (!lane.peer.v1Only) return read();
    return lane.content.readyForV1(first.piece, (verdict) => {
      if (!verdict.ok) finish(verdict.error);
      else if (verdict.value === 'good') read();
      else if (verdict.value === 'conflict')
        finish({ code: 'conflict', message: 'The torrent is broken: its v1 and v2 hashes name different data.' });
      else finish({ code: 'changed', message: 'A shared file has changed: one of its pieces is not right any more.' });
    });
  }

  #send({ peer, events }: Lane, run: readonly BlockRange[], data: Uint8Array, written: () => void): void {
    let at = 0;
    for (const [n, range] of run.entries()) {
      peer.sendBytes(encodePieceHeader(range));
      // Bytes are written in order: with the last block, all of them are.
      peer.sendBytes(data.subarray(at, at + range.length), n === run.length - 1 ? written : undefined);
      at += range.length;
    }
    events.sent(peer, at);
  }
}

/** The blocks at the head of the queue that follow each other in one piece, up to the limit. */
const nextRun = (queue: readonly BlockRange[]): BlockRange[] => {
  const run: BlockRange[] = [];
  let bytes = 0;
  for (const range of queue) {
    const last = run.at(-1);
    if (last !== undefined && (range.piece !== last.piece || range.begin !== last.begin + last.length)) break;
    if (last !== undefined && bytes + range.length > dataLimits.uploadRunBytesMax) break;
    run.push(range);
    bytes += range.length;
  }
  return run;
};
