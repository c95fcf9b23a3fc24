/**
 * Values for what may go wrong. House rule 8: a programmer's mistake throws, everything else is a value.
 */

/** What every failure carries: a stable code for programs, a sentence for people. */
export interface Failure<Code extends string = string> {
  readonly code: Code;
  /** One sentence, no trailing stack, that says what is wrong and, where possible, what to do. */
  readonly message: string;
}

export type Result<T, F = Failure> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: F };

/** A callback that a port or an actor calls exactly once, inside a step of the process's reactor. */
export type Done<T, F = Failure> = (result: Result<T, F>) => void;

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

export const fail = <Code extends string>(code: Code, message: string): { readonly ok: false; readonly error: Failure<Code> } => ({
  ok: false,
  error: { code, message },
});

/**
 * What a streaming decoder makes of the bytes it has (house rule 7): a value and how many bytes it took, a wish for
 * more, or proof that the other side does not speak the protocol. Decoders never throw on bytes.
 */
export type Decoded<T> =
  | { readonly kind: 'complete'; readonly value: T; readonly bytesUsed: number }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'violation'; readonly reason: string };
