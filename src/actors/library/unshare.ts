/** `unshare`: this node lets go of a content, and the catalog is told. */
import type { Kept } from '../../protocol/api.ts';
import type { Durability, RequestFrame } from '../../protocol/control/messages.ts';
import { type Done, type Failure, fail, ok, type Result } from '../../protocol/result.ts';
import type { Waiting } from './registrar.ts';

const ended = (message: string): string => (/[.!?]$/u.test(message) ? message : `${message}.`);

/** The catalog has not taken it out yet: who demanded that it is kept on both is told, all others need not care. */
const untold = (require: RequestFrame['require'], { code, message }: Failure): Result<Kept> =>
  require === 'any'
    ? ok({ durability: 'none' })
    : fail(
        code,
        `This node shares it no more, but the catalog still names it: ${ended(message)} It is told again until both trackers keep it.`,
      );

export interface Unsharing {
  /** What became of it at this node. */
  readonly gone: Done<Record<string, never>>;
  /** For the first attempt to tell the catalog. */
  readonly first: Waiting;
}

/** `reachable`: whether the catalog can be asked now. `done` answers once, when node and catalog have. */
export const unsharing = (require: RequestFrame['require'], reachable: boolean, done: Done<Kept>): Unsharing => {
  let gone = false;
  let told: Result<Durability> | null = reachable ? null : fail('offline', 'The network is not reached now');
  const answer = (): void => {
    if (!gone || told === null) return;
    done(told.ok ? ok({ durability: told.value }) : untold(require, told.error));
  };
  return {
    gone: (result) => {
      if (!result.ok) return done(result);
      gone = true;
      answer();
    },
    first: {
      require,
      done: (result) => {
        const due = told === null;
        told = result;
        if (due) answer();
      },
    },
  };
};
