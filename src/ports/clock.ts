/** Microseconds on a monotonic clock whose zero is arbitrary. An integer. */
export type Micros = number;
/** Milliseconds since 1970-01-01 UTC. */
export type Millis = number;

export type TimerId = number;

/** Time, as an argument. Timers fire inside a step of the process's reactor. */
export interface Clock {
  /** The time of the current step; it does not change within one. */
  now(): Micros;
  /** Wall time. For people and for expiry stamped by a primary, never to order events. */
  wallNow(): Millis;
  /** Calls `fire` once, not before `delay` has passed (0 or more), in a later step than this one. */
  setTimer(delay: Micros, fire: () => void): TimerId;
  /** A timer that has fired or was cleared may be cleared again. */
  clearTimer(id: TimerId): void;
}

export const millis = (ms: number): Micros => Math.round(ms * 1_000);
export const seconds = (s: number): Micros => Math.round(s * 1_000_000);
