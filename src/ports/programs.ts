import type { Done, Failure } from '../protocol/result.ts';

export interface ProgramRequest {
  /** The program and its arguments, as they are: no shell reads them. Not empty. */
  readonly command: readonly string[];
  /** Beside those of this process. */
  readonly variables: Readonly<Record<string, string>>;
  /** It is ended when it has run for so long. */
  readonly timeoutMs: number;
  /** Of what it writes, on both streams; the rest is dropped. */
  readonly outputBytesMax: number;
}

export interface ProgramEnd {
  /** Null where a signal ended it. */
  readonly status: number | null;
  /** It was ended because its time was up. */
  readonly timedOut: boolean;
  /** The beginning of what it wrote, as text. */
  readonly output: string;
}

/** Programs of the user, started by this process. */
export interface Programs {
  /** Answers once, in a later step, when it has ended. Errors: `failed` (it could not be started, with why). */
  run(request: ProgramRequest, done: Done<ProgramEnd, Failure<'failed'>>): void;
}
