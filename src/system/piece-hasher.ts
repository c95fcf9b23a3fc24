import { getCompileCacheDir } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { PieceDigestPlan, PieceDigests } from '../ports/crypto.ts';
import type { PieceAnswer, PieceRequest } from './piece-worker.ts';
import { moduleUrl } from './source-url.ts';

type Answer = (id: number, digests: PieceDigests) => void;

interface Thread {
  readonly worker: Worker;
  underWay: number;
  /** Ends the thread when it has had nothing to do for long. */
  idle: NodeJS.Timeout | null;
}

/** A thread hashes about a gigabyte a second: only where so many pieces wait for each, one more is worth its memory. */
const WAITING_BEFORE_ANOTHER = 4;
/** A thread holds some 15 MB. */
const IDLE_MS = 20_000;

/** Threads that hash pieces, started when pieces come. They keep the process alive only while they work. */
export class PieceHasher {
  readonly #threadsMax: number;
  readonly #answer: Answer;
  readonly #failed: (error: unknown) => void;
  readonly #threads: Thread[] = [];

  /** `failed`: a thread died, of a mistake in its program or of memory exhausted. */
  constructor(threadsMax: number, answer: Answer, failed: (error: unknown) => void) {
    this.#threadsMax = threadsMax;
    this.#answer = answer;
    this.#failed = failed;
  }

  /** Without a copy where the memory is shared, as that of `Crypto.allocate`. */
  hash(id: number, bytes: Uint8Array, plan: PieceDigestPlan): void {
    const shared = bytes.buffer instanceof SharedArrayBuffer ? bytes : sharedCopy(bytes);
    const request: PieceRequest = {
      id,
      memory: shared.buffer as SharedArrayBuffer,
      offset: shared.byteOffset,
      length: shared.byteLength,
      plan,
    };
    const thread = this.#leastBusy();
    if (thread.underWay++ === 0) thread.worker.ref();
    if (thread.idle !== null) clearTimeout(thread.idle);
    thread.idle = null;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    thread.worker.postMessage(request);
  }

  close(): void {
    for (const thread of this.#threads.slice()) this.#end(thread);
  }

  #leastBusy(): Thread {
    let best: Thread | undefined;
    for (const thread of this.#threads) if (best === undefined || thread.underWay < best.underWay) best = thread;
    const enough = best !== undefined && (best.underWay < WAITING_BEFORE_ANOTHER || this.#threads.length === this.#threadsMax);
    return best !== undefined && enough ? best : this.#begin();
  }

  #begin(): Thread {
    // Told where compiled code is kept, a thread need not load what translates TypeScript.
    const cache = getCompileCacheDir();
    const env = cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache };
    const worker = new Worker(moduleUrl('./piece-worker', import.meta.url), { env, resourceLimits: { maxYoungGenerationSizeMb: 2 } });
    const thread: Thread = { worker, underWay: 0, idle: null };
    worker.on('message', ({ id, digests }: PieceAnswer) => {
      if (--thread.underWay === 0) this.#rest(thread);
      this.#answer(id, digests);
    });
    worker.on('error', this.#failed);
    this.#threads.push(thread);
    return thread;
  }

  #rest(thread: Thread): void {
    thread.worker.unref();
    thread.idle = setTimeout(() => this.#end(thread), IDLE_MS).unref();
  }

  #end(thread: Thread): void {
    if (thread.idle !== null) clearTimeout(thread.idle);
    this.#threads.splice(this.#threads.indexOf(thread), 1);
    void thread.worker.terminate();
  }
}

const sharedCopy = (bytes: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  copy.set(bytes);
  return copy;
};
