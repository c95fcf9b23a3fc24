/** A thread that hashes pieces. The memory is shared with the main thread, which does not change it meanwhile. */
import { parentPort } from 'node:worker_threads';
import type { PieceDigestPlan, PieceDigests } from '../ports/crypto.ts';
import { computePieceDigests } from './piece-digests.ts';

export interface PieceRequest {
  readonly id: number;
  readonly memory: SharedArrayBuffer;
  readonly offset: number;
  readonly length: number;
  readonly plan: PieceDigestPlan;
}

export interface PieceAnswer {
  readonly id: number;
  readonly digests: PieceDigests;
}

const port = parentPort;
if (port === null) throw new Error('piece-worker.ts runs as a worker thread');

port.on('message', ({ id, memory, offset, length, plan }: PieceRequest) => {
  const answer: PieceAnswer = { id, digests: computePieceDigests(new Uint8Array(memory, offset, length), plan) };
  port.postMessage(answer);
});
