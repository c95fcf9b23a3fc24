/**
 * Short stories of what the protocol's rules are about: faults and operations that belong together, where chance alone
 * would bring them together once in a thousand runs. Who happens to lead is not known here; half of the time a story
 * is about the wrong replica, and just as good a fault.
 */
import { below, between, type Random } from '../../src/ports/random.ts';
import type { FaultDraft } from './fault-draws.ts';
import { download, movedAway } from './node-stories.ts';
import {
  amnesia,
  bothStand,
  deposed,
  forcedPromotion,
  lateWords,
  lostLog,
  olderComesBack,
  order,
  slowReturn,
  tail,
} from './pair-stories.ts';
import { chance, pick } from './profile.ts';
import { ACCOUNTS_A_STORY, type Scene, type Story } from './scene.ts';
import type { ClusterPlan } from './types.ts';

export type { Story } from './scene.ts';

/** Accounts of stories: nobody else's. */
const FIRST_ACCOUNT = 10_000;
/** Stories begin when everybody is signed in, and early enough to end. */
const EARLIEST_MS = 6_000;
const LAST_BEFORE_END_MS = 12_000;
const STORIES_PERCENT = 55;
const STORIES_MAX = 5;
/** The tracker leads until something befalls it. */
const ABOUT_TRACKER_PERCENT = 65;

/** The more often a story is here, the more often it is told. */
const tellers = [
  tail,
  tail,
  tail,
  olderComesBack,
  olderComesBack,
  forcedPromotion,
  bothStand,
  bothStand,
  deposed,
  deposed,
  deposed,
  deposed,
  amnesia,
  lateWords,
  lateWords,
  lateWords,
  slowReturn,
  slowReturn,
  lostLog,
  lostLog,
  order,
  order,
  download,
  download,
  download,
  movedAway,
  movedAway,
] as const;

/** The stories of a plan: in half of all plans none, otherwise up to four at random times. */
export const drawStories = (random: Random, cluster: ClusterPlan, chaosMs: number): readonly Story[] => {
  const room = chaosMs - EARLIEST_MS - LAST_BEFORE_END_MS;
  if (room <= 0 || !chance(random, 'stories', STORIES_PERCENT)) return [];
  return Array.from({ length: 1 + below(random, 'how many', STORIES_MAX) }, (_, index) => {
    const own = random.fork(String(index));
    const one = chance(own, 'about the tracker', ABOUT_TRACKER_PERCENT) ? 'tracker' : 'backup';
    const scene: Scene = {
      random: own,
      cluster,
      atMs: EARLIEST_MS + below(own, 'at', room),
      firstAccount: FIRST_ACCOUNT + index * ACCOUNTS_A_STORY,
      one,
      other: one === 'tracker' ? 'backup' : 'tracker',
    };
    return pick(own, 'story', tellers)(scene);
  });
};

const ONE_FAULT_PERCENT = 8;

/**
 * In some plans one single fault is all that happens, to the pair: what users may then expect is exact (L4, L5). Null in
 * all others.
 */
export const drawOnlyFault = (random: Random, chaosMs: number): FaultDraft | null => {
  const room = chaosMs - EARLIEST_MS - LAST_BEFORE_END_MS;
  if (room <= 0 || !chance(random, 'only one fault', ONE_FAULT_PERCENT)) return null;
  const atMs = EARLIEST_MS + below(random, 'at', room);
  const forMs = Math.round(between(random, 'for', 500, 40_000));
  const process = chance(random, 'the tracker', ABOUT_TRACKER_PERCENT) ? 'tracker' : 'backup';
  const other = process === 'tracker' ? 'backup' : 'tracker';
  switch (pick(random, 'what', ['kill', 'power', 'pause', 'cut', 'cut'] as const)) {
    case 'kill':
      return { kind: 'kill', atMs, forMs, process, afterSteps: below(random, 'steps', 100) };
    case 'power':
      return { kind: 'power', atMs, forMs, process, afterSteps: below(random, 'steps', 100), torn: chance(random, 'torn', 50) };
    case 'pause':
      return { kind: 'pause', atMs, forMs: Math.min(forMs, 15_000), process };
    case 'cut':
      return { kind: 'cut', atMs, forMs, from: [process], to: [other], bothWays: chance(random, 'both ways', 50) };
  }
};
