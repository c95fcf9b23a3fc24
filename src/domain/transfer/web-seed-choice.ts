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

const isOpen = (view: WebSeedView, piece: PieceIndex): boolean => view.startable(piece) && view.has(piece);

/** Consecutive pieces that may be started, are wanted alike, and are all or none of them with some peer. */
function* gapsOf(view: WebSeedView): Iterable<Gap> {
  let gap = null as Gap | null;
  for (let n = 0; n < view.count; n++) {
    const piece = n as PieceIndex;
    const open = isOpen(view, piece);
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
  const next = last === null ? view.count : last + 1;
  const goesOn = next < view.count && isOpen(view, next as PieceIndex);
  const priority = goesOn ? view.priority(next as PieceIndex) : 0;
  const alone = goesOn && view.copies(next as PieceIndex) === 0;
  // Nearly always; without a look at all the others.
  if (goesOn && alone && priority === view.mostWanted()) return next as PieceIndex;
  let best: Gap | null = null;
  for (const gap of gapsOf(view)) if (best === null || isBetter(gap, best)) best = gap;
  if (best === null) return null;
  if (goesOn && priority === best.priority && (alone || !best.alone)) return next as PieceIndex;
  const followed = best.start > 0 && view.underWay((best.start - 1) as PieceIndex);
  return (followed ? best.start + Math.floor((best.end - best.start) / 2) : best.start) as PieceIndex;
};

/** A limit of download is as good as used up from this part of it on. */
const USED_UP = 0.9;

/**
 * How many connections to web seeds a download is worth. Web servers cost their owners, peers are there anyway: where the
 * limit of download is used up and peers can deliver, web seeds make way for them, but for pieces that no peer has. Where
 * peers then do not use it up, web seeds come back.
 */
export const webSeedLanes = (facts: {
  /** Bytes a second that come in all. */
  readonly rate: number;
  /** Limit of download in bytes a second; 0 for none. */
  readonly limit: number;
  /** Some peer can be asked, and has what is missing. */
  readonly peersDeliver: boolean;
  /** Some piece that is missing no peer has. */
  readonly gaps: boolean;
  readonly lanesMax: number;
}): number => {
  if (facts.limit === 0 || !facts.peersDeliver || facts.rate < facts.limit * USED_UP) return facts.lanesMax;
  return facts.gaps ? 1 : 0;
};

const ORDER_SECONDS = 5;
const ORDER_BYTES_LEAST = 64 * 1024;
const ORDER_BYTES_MIN = 512 * 1024;
const ORDER_BYTES_MAX = 4 * 1024 * 1024;

/**
 * How much to ask of a web seed at once: what comes in some seconds. Less towards the end, so that all who deliver are done
 * at about the same time; and under a limit of download not much, so that peers get their turn.
 */
export const webSeedOrderBytes = (facts: {
  /** Bytes a second of the connection. */
  readonly rate: number;
  /** Limit of download in bytes a second; 0 for none. */
  readonly limit: number;
  /** Bytes that are missing in all. */
  readonly leftBytes: number;
  /** How many share the work. */
  readonly sources: number;
}): number => {
  const few = facts.limit > 0 ? Math.min(ORDER_BYTES_MIN, facts.limit) : ORDER_BYTES_MIN;
  const usual = Math.min(ORDER_BYTES_MAX, Math.max(few, facts.limit > 0 ? 0 : facts.rate * ORDER_SECONDS));
  const share = facts.leftBytes / (2 * Math.max(1, facts.sources));
  return Math.max(ORDER_BYTES_LEAST, Math.min(usual, share));
};
