/** How long nodes were told to wait. */
import type { ControlFrame } from '../../src/protocol/control/messages.ts';
import type { Operation, ProcessName } from '../plan/types.ts';
import type { RunView } from './checker.ts';

/** Those that count wrong passwords. */
const PASSWORDS: ReadonlySet<string> = new Set<Operation['do']>(['login', 'passwd']);

/** Until when nodes were told to wait, for too many wrong passwords: that is an answer which a node keeps to itself. */
export class Throttled {
  readonly #run: RunView;
  readonly #until = new Map<ProcessName, number>();

  constructor(run: RunView) {
    this.#run = run;
  }

  /** A node hears something from its proxy. */
  heard(node: ProcessName, frame: ControlFrame): void {
    if (frame.kind !== 'reply' || frame.body.ok || frame.body.code !== 'busy') return;
    const until = this.#run.now() + (frame.body.retryAfterMs ?? 0) * 1_000;
    this.#until.set(node, Math.max(until, this.#until.get(node) ?? 0));
  }

  stopped(node: ProcessName): void {
    this.#until.delete(node);
  }

  /** Virtual microseconds; 0 where such an operation is not held up. */
  until(node: ProcessName, operation: Operation['do'] | undefined): number {
    return operation !== undefined && PASSWORDS.has(operation) ? (this.#until.get(node) ?? 0) : 0;
  }
}
