/** The thread that a daemon's database lives in. It answers every request once, in order. */
import { parentPort, workerData } from 'node:worker_threads';
import type { DatabaseFailure, TransactionMap, Transactions } from '../ports/database.ts';
import type { Result } from '../protocol/result.ts';
import { openSqlFile } from './sql-session.ts';

export interface DatabaseWorkerData {
  readonly path: string;
  readonly transactionsUrl: string;
  readonly transactionsExport: string;
}

export type DatabaseRequest = { readonly id: number; readonly name: string; readonly args: unknown } | { readonly close: true };

/** `mistake`: the program is wrong; the process must not go on. */
export type DatabaseAnswer =
  | { readonly id: number; readonly result: Result<unknown, DatabaseFailure> }
  | { readonly id: number; readonly mistake: unknown };

const port = parentPort;
if (port === null) throw new Error('database-worker.ts runs as a worker thread');

const { path, transactionsUrl, transactionsExport } = workerData as DatabaseWorkerData;
const module = (await import(transactionsUrl)) as { readonly [name: string]: unknown };
const transactions = module[transactionsExport] as Transactions<TransactionMap>;
const opened = openSqlFile(path);

const run = (name: string, args: unknown): Result<unknown, DatabaseFailure> =>
  opened.ok ? opened.value.run(transactions, name, args) : opened;

port.on('message', (request: DatabaseRequest) => {
  if ('close' in request) {
    if (opened.ok) opened.value.close();
    port.close();
    return;
  }
  let answer: DatabaseAnswer;
  try {
    answer = { id: request.id, result: run(request.name, request.args) };
  } catch (mistake) {
    answer = { id: request.id, mistake };
  }
  port.postMessage(answer);
});
