/**
 * What kind of run a seed is (swarm testing, Groce et al. 2012): a random cluster, a random subset of the faults and of
 * the operations, each at a rate of its own. Runs that lack most faults find what runs with all of them hide.
 */
import { below, between, type Random } from '../../src/ports/random.ts';
import { proxyNames, nodeNames, replicaNames, voterNames } from './names.ts';
import { faultKinds, operationKinds } from './schema.ts';
import type { ClusterPlan, FaultKind, Operation, Profile } from './types.ts';

/** True in `percent` of all draws. */
export const chance = (random: Random, purpose: string, percent: number): boolean => below(random, purpose, 100) < percent;

/** One of a list that is not empty. */
export const pick = <T>(random: Random, purpose: string, list: readonly T[]): T => list[below(random, purpose, list.length)] as T;

/** Uniform in the logarithm: as many between 1 and 10 as between 10 and 100. */
export const logBetween = (random: Random, purpose: string, low: number, high: number): number =>
  Math.exp(between(random, purpose, Math.log(low), Math.log(high)));

/** How often a kind is drawn, beside the others; 0 is never. */
const FAULT_WEIGHTS: Readonly<Record<FaultKind, number>> = {
  slowLink: 2,
  cut: 4,
  breakLinks: 2,
  slice: 1,
  kill: 4,
  power: 2,
  pause: 3,
  slow: 1,
  clockRate: 1,
  wallJump: 1,
  diskFull: 1,
  diskError: 0.7,
  diskSlow: 1,
  ledgerFull: 1,
  ledgerSlow: 1,
  forget: 0.7,
  bitRot: 0.4,
  ledgerError: 0.5,
};

const OPERATION_WEIGHTS: Readonly<Record<Operation['do'], number>> = {
  register: 3,
  login: 4,
  logout: 0.5,
  passwd: 1.5,
  disable: 1,
  share: 3,
  unshare: 1,
  get: 2,
  search: 3,
  accounts: 1,
  handOver: 0.3,
  forcePromote: 0.15,
  manage: 1,
  repeat: 1,
  passkey: 1.5,
  revokePasskey: 0.7,
  passkeys: 1.5,
  stats: 0.5,
};

/** Faults a simulated minute, all kinds together: quiet, usual, dense. */
const DENSITIES = [
  [0.5, 3],
  [3, 15],
  [15, 45],
] as const;
const FAULT_ON_PERCENT = 35;
const OPERATION_ON_PERCENT = 75;
/** What makes a run say less of everything else: an operator gives up changes that were acknowledged; a replica halts and halts. */
const SELDOM = ['forcePromote', 'ledgerError'] as const;
const SELDOM_ON_PERCENT = 8;
const OPERATIONS_PER_MINUTE = [20, 150] as const;

/** Divides `total` over the kinds that are on. */
const ratesOf = <K extends string>(
  random: Random,
  kinds: readonly K[],
  weights: Readonly<Record<K, number>>,
  onPercent: number,
  total: number,
): Partial<Record<K, number>> => {
  const on = kinds.filter((kind) =>
    chance(random, `${kind} is on`, (SELDOM as readonly string[]).includes(kind) ? SELDOM_ON_PERCENT : onPercent),
  );
  const chosen = on.length > 0 ? on : [pick(random, 'the only one', kinds)];
  const shares = chosen.map((kind) => weights[kind] * logBetween(random, `share of ${kind}`, 0.3, 3));
  const sum = shares.reduce((a, b) => a + b, 0);
  return Object.fromEntries(chosen.map((kind, index) => [kind, round((total * (shares[index] as number)) / sum)])) as Partial<
    Record<K, number>
  >;
};

const round = (rate: number): number => Math.round(rate * 1_000) / 1_000;

/** One proxy or up to three; one witness or three; 2 to 8 nodes; sometimes liars, thin uplinks and short logs. */
export const drawCluster = (random: Random): ClusterPlan => {
  const proxies = 1 + below(random, 'proxies', 3);
  return {
    proxies,
    witnesses: proxies === 3 && chance(random, 'three witnesses', 60) ? 3 : 1,
    nodes: 2 + below(random, 'nodes', 7),
    liars: chance(random, 'liars', 25) ? 1 + below(random, 'how many lie', 2) : 0,
    ...(chance(random, 'a short log', 40) ? { logEntriesKept: Math.round(logBetween(random, 'log entries kept', 2, 60)) } : {}),
    uplinkBytesPerSecond: chance(random, 'thin uplinks', 40) ? Math.round(logBetween(random, 'uplink', 50_000, 5_000_000)) : null,
  };
};

const drawTargets = (random: Random, cluster: ClusterPlan): readonly string[] => {
  const choices: readonly (readonly string[])[] = [
    [],
    [pick(random, 'one replica', replicaNames)],
    replicaNames,
    voterNames(cluster),
    proxyNames(cluster),
    [pick(random, 'one replica', replicaNames), pick(random, 'one proxy', proxyNames(cluster))],
    [...replicaNames, pick(random, 'one node', nodeNames(cluster))],
  ];
  return pick(random, 'targets', choices);
};

export const drawProfile = (random: Random, cluster: ClusterPlan): Profile => {
  const [low, high] = pick(random, 'density', DENSITIES);
  const faults = logBetween(random, 'faults per minute', low, high);
  const operations = logBetween(random, 'operations per minute', ...OPERATIONS_PER_MINUTE);
  return {
    faultsPerMinute: ratesOf(random.fork('faults'), faultKinds, FAULT_WEIGHTS, FAULT_ON_PERCENT, faults),
    operationsPerMinute: ratesOf(random.fork('operations'), operationKinds, OPERATION_WEIGHTS, OPERATION_ON_PERCENT, operations),
    targets: drawTargets(random, cluster),
  };
};
