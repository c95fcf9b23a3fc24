/** Whose turn it is: so many downloads and so many seeds at once, the others in an order that their user may change. */

export interface QueuedTransfer {
  readonly key: string;
  /** Its place in the queue: a lower number comes first. No two are the same. */
  readonly place: number;
  readonly kind: 'download' | 'seed';
  /** `stalled`: it has its turn and moves nothing, so it keeps nobody waiting. */
  readonly state: 'queued' | 'running' | 'stalled';
}

export interface QueueLimits {
  /** 0: no limit. */
  readonly download: number;
  readonly seed: number;
}

export interface TurnsDecision {
  /** These get their turn, in this order. */
  readonly start: readonly string[];
  /** These give theirs back. */
  readonly stop: readonly string[];
}

const byPlace = (a: QueuedTransfer, b: QueuedTransfer): number => a.place - b.place;

/**
 * Who starts. `reordered`: the user has changed the order, so one that comes later gives its turn to one that comes
 * before it; otherwise nobody is interrupted, however many that were stalled move again.
 */
export const decideTurns = (transfers: readonly QueuedTransfer[], limits: QueueLimits, reordered: boolean): TurnsDecision => {
  const start: string[] = [];
  const stop: string[] = [];
  for (const kind of ['download', 'seed'] as const) {
    const moving = transfers.filter((transfer) => transfer.kind === kind && transfer.state !== 'stalled').sort(byPlace);
    const max = limits[kind] === 0 ? moving.length : limits[kind];
    const waiting = moving.filter(({ state }) => state === 'queued');
    const running = moving.filter(({ state }) => state === 'running');
    let free = max - running.length;
    for (const next of waiting) {
      if (free > 0) free--;
      else {
        // The last that runs, where it comes after this one.
        const last = running.at(-1);
        if (!reordered || last === undefined || last.place < next.place) break;
        running.pop();
        stop.push(last.key);
      }
      start.push(next.key);
    }
  }
  return { start, stop };
};

export type QueueMove = 'top' | 'bottom' | 'up' | 'down';

/** The new places of those that change theirs. `order` holds those among which it is moved, itself too. */
export const movedPlaces = (
  order: readonly { readonly key: string; readonly place: number }[],
  key: string,
  move: QueueMove,
): ReadonlyMap<string, number> => {
  const sorted = order.toSorted((a, b) => a.place - b.place);
  const at = sorted.findIndex((entry) => entry.key === key);
  const self = sorted[at];
  const first = sorted[0];
  const last = sorted.at(-1);
  if (self === undefined || first === undefined || last === undefined) return new Map();
  if (move === 'top') return self === first ? new Map() : new Map([[key, first.place - 1]]);
  if (move === 'bottom') return self === last ? new Map() : new Map([[key, last.place + 1]]);
  const other = sorted[at + (move === 'up' ? -1 : 1)];
  return other === undefined
    ? new Map()
    : new Map([
        [key, other.place],
        [other.key, self.place],
      ]);
};

/** Places without two that are the same, in the order of what was recorded; what has none comes last. */
export const settledPlaces = (recorded: readonly (number | null)[]): readonly number[] => {
  const order = recorded
    .map((place, n) => ({ place: place ?? Number.POSITIVE_INFINITY, n }))
    .sort((a, b) => a.place - b.place || a.n - b.n);
  const places: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const { place, n } of order) {
    last = Number.isFinite(place) && place > last ? place : Number.isFinite(last) ? last + 1 : 1;
    places[n] = last;
  }
  return places;
};
