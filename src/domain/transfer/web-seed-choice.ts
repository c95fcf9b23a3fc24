/** How web seeds (BEP 19) and peers share the work. */
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import type { PieceFacts } from './picker.ts';
import type { Priority } from './piece-map.ts';

/** What is known of the pieces, as a web seed may be asked for them. */
export interface WebSeedView extends PieceFacts {
  /** Whether the web seed has it. */
  has(piece: PieceIndex): boolean;
}

interface Gap {
  readonly start: number;
  readonly end: number;
  readonly priority: Priority;
  readonly alone: boolean;
}

/** Consecutive pieces that may be started, are wanted alike, and are all or none of them with some peer. */
function* gapsOf(view: WebSeedView): Iterable<Gap> {
  let gap = null as Gap | null;
  for (let n = 0; n < view.count; n++) {
    const piece = n as PieceIndex;
    const open = view.startable(piece) && view.has(piece);
    const priority = open ? view.priority(piece) : 0;
    const alone = open && view.copies(piece) === 0;
    if (gap !== null && (!open || priority !== gap.priority || alone !== gap.alone)) {
      yield gap;
      gap = null;
    }
    if (open) gap = { start: gap?.start ?? n, end: n + 1, priority, alone };
  }
  if (gap !== null) yield gap;
}

const isBetter = (gap: Gap, best: Gap): boolean => {
  if (gap.priority !== best.priority) return gap.priority > best.priority;
  if (gap.alone !== best.alone) return gap.alone;
  return gap.end - gap.start > best.end - best.start;
};

/**
 * Which piece a connection to a web seed starts next, null where it has none. It goes on behind the piece that it started
 * last, `last`, so that its pieces make long ranges. Else it goes to the largest gap among those most wanted, gaps that no
 * peer can fill first: to its beginning, or to its middle where somebody comes along from the left, so that both go on for
 * long.
 */
export const chooseForWebSeed = (view: WebSeedView, last: PieceIndex | null): PieceIndex | null => {
  let best: Gap | null = null;
  for (const gap of gapsOf(view)) if (best === null || isBetter(gap, best)) best = gap;
  if (best === null) return null;
  const next = last === null ? view.count : last + 1;
  if (next < view.count) {
    const piece = next as PieceIndex;
    const goesOn = view.startable(piece) && view.has(piece) && view.priority(piece) === best.priority;
    if (goesOn && (!best.alone || view.copies(piece) === 0)) return piece;
  }
  const followed = best.start > 0 && view.underWay((best.start - 1) as PieceIndex);
  return (followed ? best.start + Math.floor((best.end - best.start) / 2) : best.start) as PieceIndex;
};

/** A limit of download is as good as used up by peers from this part of it on. */
const SATURATED = 0.9;

/**
 * How many connections to web seeds a download is worth. Web servers cost their owner, peers are there anyway: where peers
 * alone use up the limit of download, web seeds are left alone, but for pieces that no peer has.
 */
export const webSeedLanes = (facts: {
  /** Bytes a second that come from peers. */
  readonly peersRate: number;
  /** Limit of download in bytes a second; 0 for none. */
  readonly limit: number;
  /** Some piece that is missing no peer has. */
  readonly gaps: boolean;
  readonly lanesMax: number;
}): number => {
  const saturated = facts.limit > 0 && facts.peersRate >= facts.limit * SATURATED;
  if (!saturated) return facts.lanesMax;
  return facts.gaps ? 1 : 0;
};
