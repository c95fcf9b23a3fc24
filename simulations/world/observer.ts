/** What checkers, traces and coverage see of a run: facts as they happen, in order, at virtual time `world.now()`. */
import type { ControlFrame, LinkType } from '../../src/protocol/control/messages.ts';
import type { Result } from '../../src/protocol/result.ts';
import type { LogLine } from './log.ts';

/** What a user's operation of the plan came to: the call that was really made, and for whom. */
export interface Asked {
  /** The call of the node's API, with its arguments; of several calls (`share`, `get`) the first. `repeat` is a `register`. */
  readonly call: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Who is signed in at the node as far as its user knows; null: nobody. */
  readonly account: string | null;
}

/** Every method may be left out. A method must not touch the world; it may throw, which ends the run. */
export interface Observer {
  started?(process: string, incarnation: number): void;
  /** `state`: what survived for the next start. */
  stopped?(process: string, how: 'kill' | 'power' | 'forget' | 'ended'): void;
  /** A control frame is handed to the transport, bytes and all. `to` is the process it goes to. */
  sent?(process: string, to: string, link: LinkType, frame: ControlFrame): void;
  /** It was decoded at the other end. */
  received?(process: string, from: string, link: LinkType, frame: ControlFrame): void;
  /** A transaction of the ledger has taken effect on disk (the process hears of it later, or never). */
  committed?(process: string, transaction: string, args: unknown, result: Result<unknown>): void;
  /** A small file is synced: the voter's state, a journal. */
  written?(process: string, path: string, bytes: Uint8Array): void;
  /** A machine took a transition: XState's state value before and after (dotted, `primary.sync`). */
  transition?(process: string, machine: string, from: string, event: string, to: string): void;
  logged?(line: LogLine): void;
  /** A step of a process is over: the moment at which its state may be looked at. */
  stepped?(process: string): void;
  /** A user's operation begins and ends; `id` is the operation's of the plan. Unanswered: `ended` never comes. */
  called?(id: number, process: string, asked: Asked): void;
  answered?(id: number, process: string, result: Result<object>): void;
}
