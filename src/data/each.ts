import { type Done, ok, type Result } from '../protocol/result.ts';

/**
 * Runs `run` for one item after the other; the first failure ends it. Answers at once where every run does, and does not
 * grow the stack with the number of items.
 */
export const each = <T, F>(items: readonly T[], run: (item: T, next: Done<void, F>) => void, done: Done<void, F>): void => {
  let at = 0;
  let stepping = false;
  const step = (): void => {
    if (stepping) return;
    stepping = true;
    for (let answered = true; answered;) {
      if (at === items.length) {
        done(ok(undefined) as Result<void, F>);
        return;
      }
      answered = false;
      run(items[at++] as T, (result) => {
        answered = true;
        if (!result.ok) {
          at = Number.POSITIVE_INFINITY;
          done(result);
        } else step();
      });
      if (at > items.length) return;
    }
    stepping = false;
  };
  step();
};
