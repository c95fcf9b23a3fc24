import { Worker } from 'node:worker_threads';
import type { PieceDigestPlan, PieceDigests } from '../ports/crypto.ts';
import type { PieceAnswer, PieceRequest } from './piece-worker.ts';
import { moduleUrl } from './source-url.ts';

type Answer = (id: number, digests: PieceDigests) => void;

interface Thread {
  readonly worker: Worker;
  underWay: number;
}

/** Threads that hash pieces, started when the first piece comes. They keep the process alive only while they work. */
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
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    thread.worker.postMessage(request);
  }

  close(): void {
    for (const { worker } of this.#threads.splice(0)) void worker.terminate();
  }

  #leastBusy(): Thread {
    let best: Thread | undefined;
    for (const thread of this.#threads) if (best === undefined || thread.underWay < best.underWay) best = thread;
    return best !== undefined && (best.underWay === 0 || this.#threads.length === this.#threadsMax) ? best : this.#begin();
  }

  #begin(): Thread {
    const thread: Thread = { worker: new Worker(moduleUrl('./piece-worker', import.meta.url)), underWay: 0 };
    thread.worker.on('message', ({ id, digests }: PieceAnswer) => {
      if (--thread.underWay === 0) thread.worker.unref();
      this.#answer(id, digests);
    });
    thread.worker.on('error', this.#failed);
    this.#threads.push(thread);
    return thread;
  }
}

const sharedCopy = (bytes: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  copy.set(bytes);
  return copy;
};
