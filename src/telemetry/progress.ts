/** Progress as streams: polled facts, and what follows from them over time (rate, time left). */
import { exhaustMap, type Observable, type OperatorFunction, scan, timer } from 'rxjs';

/** Asks now and then every `everyMs`; a slow answer delays the next question, it does not pile up. */
export const polled = <T>(ask: () => Promise<T>, everyMs: number): Observable<T> => timer(0, everyMs).pipe(exhaustMap(ask));

export interface Amount {
  readonly doneBytes: number;
  readonly size: number;
  /** When it was so, on any clock that does not jump. */
  readonly atMs: number;
}

export interface Pace {
  /** Bytes a second over the window; 0 at the beginning. */
  readonly rate: number;
  /** Null while nothing moves. */
  readonly secondsLeft: number | null;
}

interface Window<T> {
  readonly amounts: readonly Amount[];
  readonly latest: (T & Pace) | null;
}

const paceOf = (first: Amount, last: Amount): Pace => {
  const seconds = (last.atMs - first.atMs) / 1000;
  const rate = seconds > 0 ? Math.max(0, (last.doneBytes - first.doneBytes) / seconds) : 0;
  return { rate, secondsLeft: rate > 0 ? Math.max(0, last.size - last.doneBytes) / rate : null };
};

/** Adds the rate over the last `windowMs`, and the time left at that rate. */
export const withPace =
  <T extends Amount>(windowMs: number): OperatorFunction<T, T & Pace> =>
  (source) =>
    source.pipe(
      scan<T, Window<T>, Window<T>>(
        ({ amounts }, amount) => {
          const kept = [...amounts.filter(({ atMs }) => amount.atMs - atMs <= windowMs), amount];
          return { amounts: kept, latest: { ...amount, ...paceOf(kept[0] ?? amount, amount) } };
        },
        { amounts: [], latest: null },
      ),
      // `latest` is there after the first amount.
      exhaustMap(({ latest }) => (latest === null ? [] : [latest])),
    );
