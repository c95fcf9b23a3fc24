import { below, type Random } from '../../ports/random.ts';

/** While a swarm is being rebuilt nodes come back sooner, spread over this range, so that few peers are soon more. */
const WARMING_SECONDS_MIN = 30;
const WARMING_SECONDS_SPREAD = 31;

/** Seconds until a node should announce again. */
export const announceInterval = (usualSeconds: number, warming: boolean, random: Random): number =>
  warming ? Math.min(usualSeconds, WARMING_SECONDS_MIN + below(random, 'warming interval', WARMING_SECONDS_SPREAD)) : usualSeconds;

/** How long after a promotion the swarms count as warming: every node that is there has announced by then. */
export const warmingSeconds = (usualSeconds: number): number => Math.min(60, usualSeconds);
