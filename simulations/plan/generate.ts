/** From a seed to a plan: which cluster, which kinds of faults and operations, and each of them by itself. */
import { createRandom } from '../../src/ports/counter-random.ts';
import { below, between, type Random } from '../../src/ports/random.ts';
import { drawFaults, type FaultDraft } from './fault-draws.ts';
import { nodeNames, processNames, proxyNames, replicaNames, voterNames } from './names.ts';
import { drawOperation, drawVocabulary, openingOperations, type OperationDraft } from './operation-draws.ts';
import { chance, drawCluster, drawProfile, pick } from './profile.ts';
import { faultKinds, inOrder, operationKinds } from './schema.ts';
import { drawOnlyFault, drawStories, type Story } from './stories.ts';
import type { ClusterPlan, Fault, Operation, Plan, ProcessName, Profile } from './types.ts';

/** Simulated milliseconds of faults, and of the calm after them (issue 3). */
const CHAOS_MS = 120_000;
const CALM_MS = 60_000;

export interface Phases {
  readonly chaosMs: number;
  readonly calmMs: number;
}

const MINUTE_MS = 60_000;
const AT_A_FAULT_PERCENT = 40;
const BESIDE_A_FAULT_MS = [-150, 1_200] as const;
/** Numbers of operations begin here; those of faults at 1. */
const FIRST_OPERATION_ID = 100_000;

/** How many times something of that rate happens: its whole part, and one more with the chance of the rest. */
const countOf = (random: Random, perMinute: number, ms: number): number => {
  const expected = (perMinute * ms) / MINUTE_MS;
  return Math.floor(expected) + (below(random, 'one more', 1_000_000) < (expected % 1) * 1_000_000 ? 1 : 0);
};

/**
 * What is healed at the end: mostly everything but liars; else a majority of the voters with one or both replicas, a proxy, and
 * some nodes, so that the others stay broken and must not stand in the way.
 */
const drawCore = (random: Random, cluster: ClusterPlan): readonly ProcessName[] => {
  const all = processNames(cluster).filter((name) => !name.startsWith('liar'));
  if (chance(random, 'everything', 60)) return all;
  const voters = voterNames(cluster);
  const witnesses = voters.slice(replicaNames.length);
  const replicas = chance(random, 'both replicas', 50) ? replicaNames : [pick(random, 'one replica', replicaNames)];
  const majority = Math.floor(voters.length / 2) + 1;
  const chosen = new Set<ProcessName>(replicas);
  for (let next = below(random, 'first witness', witnesses.length); chosen.size < majority; next++)
    chosen.add(witnesses[next % witnesses.length] as ProcessName);
  if (!proxyNames(cluster).some((name) => chosen.has(name))) chosen.add(pick(random, 'a proxy', proxyNames(cluster)));
  for (const node of nodeNames(cluster)) if (chance(random, `${node} is in`, 70)) chosen.add(node);
  return all.filter((name) => chosen.has(name));
};

const faultsOf = (
  random: Random,
  cluster: ClusterPlan,
  profile: Profile,
  { chaosMs }: Phases,
  stories: readonly Story[],
): readonly Fault[] => {
  const drafts: FaultDraft[] = [];
  for (const kind of faultKinds) {
    const ofKind = random.fork(kind);
    const count = countOf(ofKind, profile.faultsPerMinute[kind] ?? 0, chaosMs);
    for (let n = 0; n < count; n++) {
      const own = ofKind.fork(String(n));
      drafts.push(...drawFaults(kind, { random: own, cluster, profile, atMs: below(own, 'at', chaosMs) }));
    }
  }
  drafts.push(...stories.flatMap(({ faults }) => faults));
  return drafts.filter(({ atMs }) => atMs <= chaosMs).map((draft, index) => ({ id: index + 1, ...draft }) as Fault);
};

/** Users ask at any time; some of them just when something goes wrong, where it matters what becomes of it. */
const operationTime = (random: Random, faults: readonly Fault[], chaosMs: number): number => {
  if (faults.length === 0 || !chance(random, 'at a fault', AT_A_FAULT_PERCENT)) return below(random, 'at', chaosMs);
  const { atMs } = pick(random, 'which fault', faults);
  return Math.min(chaosMs, Math.max(0, Math.round(atMs + between(random, 'beside it', ...BESIDE_A_FAULT_MS))));
};

const operationsOf = (
  random: Random,
  cluster: ClusterPlan,
  profile: Profile,
  { chaosMs }: Phases,
  stories: readonly Story[],
  faults: readonly Fault[],
): readonly Operation[] => {
  const words = drawVocabulary(random.fork('vocabulary'), cluster);
  const drafts: OperationDraft[] = [...openingOperations(words)];
  for (const kind of operationKinds) {
    const ofKind = random.fork(kind);
    const count = countOf(ofKind, profile.operationsPerMinute[kind] ?? 0, chaosMs);
    for (let n = 0; n < count; n++) {
      const own = ofKind.fork(String(n));
      drafts.push(drawOperation(kind, own, words, operationTime(own, faults, chaosMs)));
    }
  }
  drafts.push(...stories.flatMap(({ operations }) => operations));
  return drafts.filter(({ atMs }) => atMs <= chaosMs).map((draft, index) => ({ id: FIRST_OPERATION_ID + index, ...draft }) as Operation);
};

const GUESTS_PERCENT = 25;
const GUESTS_MAX = 3;

/** Some clusters have clients of other makes; what else a seed gives is not touched by it. */
const withGuests = (random: Random, cluster: ClusterPlan): ClusterPlan =>
  chance(random, 'guests', GUESTS_PERCENT) ? { ...cluster, guests: 1 + below(random, 'how many guests', GUESTS_MAX) } : cluster;

/** What is not left to the seed. */
interface Given {
  readonly cluster?: ClusterPlan;
  readonly profile?: Profile;
}

/** The plan of a seed. The same seed, phases and givens give the same plan on every machine. */
export const generatePlan = (seed: number, phases: Phases = { chaosMs: CHAOS_MS, calmMs: CALM_MS }, given: Given = {}): Plan => {
  const random = createRandom(`plan ${seed}`);
  const cluster = given.cluster ?? withGuests(random.fork('guests'), drawCluster(random.fork('cluster')));
  const profile = given.profile ?? drawProfile(random.fork('profile'), cluster);
  // Whoever gives a profile wants that much and no more.
  const only = given.profile === undefined ? drawOnlyFault(random.fork('only'), phases.chaosMs) : null;
  const stories = given.profile === undefined && only === null ? drawStories(random.fork('stories'), cluster, phases.chaosMs) : [];
  const faults = only === null ? faultsOf(random.fork('faults'), cluster, profile, phases, stories) : [{ id: 1, ...only } as Fault];
  const operations = operationsOf(random.fork('operations'), cluster, profile, phases, stories, faults);
  return inOrder({
    version: 1,
    about: `generated from seed ${seed}`,
    seed,
    cluster,
    ...phases,
    core: drawCore(random.fork('core'), cluster),
    profile,
    faults,
    // An operator's order would be a second reason for an election.
    operations: only === null ? operations : operations.filter(({ do: what }) => what !== 'handOver' && what !== 'forcePromote'),
  });
};
