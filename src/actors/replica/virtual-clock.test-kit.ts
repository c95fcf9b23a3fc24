import type { Clock } from '../../ports/clock.ts';
import type { Due } from '../../ports/due-heap.ts';

/** The clock of one process on a heap of events that may be late, because the process stood still. */
export const virtualClock = ({
  now,
  wallNow,
  after,
  remove,
}: Pick<Clock, 'now' | 'wallNow'> & {
  readonly after: (delay: number, run: () => void) => Due;
  readonly remove: (due: Due) => void;
}): Clock => {
  const timers = new Map<number, Due>();
  let last = 0;
  return {
    now,
    wallNow,
    setTimer: (delay, fire) => {
      const id = ++last;
      timers.set(
        id,
        after(delay, () => {
          // It may have been cleared while the process stood still.
          if (timers.delete(id)) fire();
        }),
      );
      return id;
    },
    clearTimer: (id) => {
      const due = timers.get(id);
      if (due) remove(due);
      timers.delete(id);
    },
  };
};
