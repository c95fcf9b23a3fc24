/** One fault, or a few that belong together, drawn from a source of their own: taking one away changes no other. */
import { below, between, type Random } from '../../src/ports/random.ts';
import { nodeNames, processNames, proxyNames, replicaNames, voterNames } from './names.ts';
import { chance, logBetween, pick } from './profile.ts';
import type { ClusterPlan, Fault, FaultKind, ProcessName, Profile } from './types.ts';

type WithoutId<F> = F extends unknown ? Omit<F, 'id'> : never;
/** A fault that has no number yet. */
export type FaultDraft = WithoutId<Fault>;

interface Where {
  readonly random: Random;
  readonly cluster: ClusterPlan;
  readonly profile: Profile;
  readonly atMs: number;
}

/** Milliseconds of silence after which a primary is suspected (availability 2.3): pauses of half and of twice as long tell. */
const SUSPICION_MS = 1_000;
const TARGET_PERCENT = 70;
const HOUR_MS = 3_600_000;

const any = ({ random, cluster, profile }: Where, purpose: string): ProcessName =>
  profile.targets.length > 0 && chance(random, `${purpose}: a target`, TARGET_PERCENT)
    ? pick(random, `${purpose}: which target`, profile.targets)
    : pick(random, `${purpose}: which`, processNames(cluster));

const oneOf = (where: Where, purpose: string, allowed: readonly ProcessName[]): ProcessName => {
  const drawn = any(where, purpose);
  return allowed.includes(drawn) ? drawn : pick(where.random, `${purpose}: allowed`, allowed);
};

const replica = (where: Where): ProcessName => oneOf(where, 'replica', replicaNames);
const lasting = ({ random, atMs }: Where, lowMs: number, highMs: number) => ({
  atMs,
  forMs: Math.round(logBetween(random, 'lasts', lowMs, highMs)),
});

const pair = (where: Where): { from: ProcessName; to: ProcessName } => {
  const from = any(where, 'from');
  const others = processNames(where.cluster).filter((name) => name !== from);
  const to = any(where, 'to');
  return { from, to: to === from ? pick(where.random, 'to: another', others) : to };
};

/** At which step of the process: half of them at once, the others between any two events that follow. */
const afterSteps = (random: Random): number => (chance(random, 'at once', 50) ? 0 : below(random, 'after steps', 300));

const pauseMs = (random: Random): number =>
  chance(random, 'a telling pause', 60)
    ? pick(random, 'pause', [SUSPICION_MS / 2, 2 * SUSPICION_MS])
    : Math.round(logBetween(random, 'pause at random', 50, 12_000));

const cutShapes = ['pair', 'oneWay', 'isolated', 'mute', 'deaf', 'halves', 'fromProxies', 'swizzle'] as const;

const cuts = (where: Where): readonly FaultDraft[] => {
  const { random, cluster } = where;
  const time = lasting(where, 200, 15_000);
  const cut = (from: readonly ProcessName[], to: readonly ProcessName[], bothWays: boolean): FaultDraft => ({
    kind: 'cut',
    ...time,
    from,
    to,
    bothWays,
  });
  const one = any(where, 'cut off');
  const others = processNames(cluster).filter((name) => name !== one);
  const shape = pick(random, 'shape', cutShapes);
  if (shape === 'isolated') return [cut([one], others, true)];
  if (shape === 'mute') return [cut([one], others, false)];
  if (shape === 'deaf') return [cut(others, [one], false)];
  if (shape === 'fromProxies') {
    const proxies = proxyNames(cluster);
    return [cut([replica(where)], proxies, chance(random, 'both ways', 70))];
  }
  if (shape === 'halves') {
    const all = processNames(cluster);
    const here = all.filter((name) => chance(random, `side of ${name}`, 50));
    const there = all.filter((name) => !here.includes(name));
    if (here.length > 0 && there.length > 0) return [cut(here, there, chance(random, 'both ways', 70))];
  }
  if (shape === 'swizzle') return swizzle(where, time);
  const { from, to } = pair(where);
  return [cut([from], [to], shape !== 'oneWay')];
};

/** FoundationDB's swizzle-clog: a random half is cut off one by one, and comes back in another order. */
const swizzle = ({ random, cluster, atMs }: Where, { forMs }: { readonly forMs: number }): readonly FaultDraft[] => {
  const all = processNames(cluster);
  const chosen = all.filter((name) => chance(random, `swizzled ${name}`, 50));
  return chosen.map((name) => {
    const begins = below(random, 'begins', Math.ceil(forMs / 2) + 1);
    const ends = below(random, 'ends', Math.ceil(forMs / 2) + 1);
    const others = all.filter((other) => other !== name);
    return { kind: 'cut', atMs: atMs + begins, forMs: Math.max(1, forMs - begins - ends), from: [name], to: others, bothWays: true };
  });
};

/** One process; sometimes both replicas at once, or the other one in the middle of the failover from the first. */
const kills = (where: Where): readonly FaultDraft[] => {
  const { random, atMs } = where;
  const kill = (process: ProcessName, at: number, purpose: string): FaultDraft => ({
    kind: 'kill',
    process,
    atMs: at,
    forMs: Math.round(logBetween(random, `${purpose} lasts`, 50, 12_000)),
    afterSteps: afterSteps(random),
  });
  const manner = below(random, 'manner', 100);
  if (manner < 15) return replicaNames.map((name) => kill(name, atMs, name));
  if (manner < 35) {
    const first = replica(where);
    const second = first === 'tracker' ? 'backup' : 'tracker';
    const during = atMs + Math.round(between(random, 'during the failover', 100, 3_000));
    return [kill(first, atMs, 'first'), kill(second, during, 'second')];
  }
  return [kill(any(where, 'killed'), atMs, 'one')];
};

const powers = (where: Where): readonly FaultDraft[] => {
  const { random, atMs } = where;
  const together = chance(random, 'together', 15);
  const torn = chance(random, 'torn', 60);
  return (together ? replicaNames : [any(where, 'dark')]).map((process) => ({
    kind: 'power',
    process,
    atMs,
    forMs: Math.round(logBetween(random, 'dark for', 200, 12_000)),
    afterSteps: together ? 0 : afterSteps(random),
    torn,
  }));
};

const forgets = (where: Where): readonly FaultDraft[] => {
  const { random, cluster } = where;
  const what = pick(random, 'what', ['voter', 'ledger', 'all'] as const);
  const allowed = { voter: voterNames(cluster), ledger: replicaNames, all: processNames(cluster) }[what];
  return [{ kind: 'forget', ...lasting(where, 100, 8_000), process: oneOf(where, 'forgets', allowed), what }];
};

const makers: Readonly<Record<FaultKind, (where: Where) => readonly FaultDraft[]>> = {
  slowLink: (where) => {
    const latencyMs = Math.round(logBetween(where.random, 'latency', 2, 1_500));
    return [
      {
        kind: 'slowLink',
        ...lasting(where, 500, 20_000),
        ...pair(where),
        latencyMs,
        jitterMs: below(where.random, 'jitter', latencyMs + 1),
      },
    ];
  },
  cut: cuts,
  breakLinks: (where) => {
    const { from, to } = pair(where);
    const other = chance(where.random, 'all of them', 50) ? null : to;
    return [{ kind: 'breakLinks', atMs: where.atMs, process: from, other, silently: chance(where.random, 'silently', 40) }];
  },
  slice: (where) => [
    { kind: 'slice', ...lasting(where, 500, 15_000), ...pair(where), bytesMax: Math.round(logBetween(where.random, 'bytes', 1, 1_500)) },
  ],
  kill: kills,
  power: powers,
  pause: (where) => [{ kind: 'pause', atMs: where.atMs, forMs: pauseMs(where.random), process: any(where, 'paused') }],
  slow: (where) => [
    {
      kind: 'slow',
      ...lasting(where, 500, 15_000),
      process: any(where, 'slow'),
      stepMicros: Math.round(logBetween(where.random, 'step', 100, 20_000)),
    },
  ],
  clockRate: (where) => [
    {
      kind: 'clockRate',
      ...lasting(where, 5_000, 60_000),
      process: any(where, 'drifts'),
      rate: Math.round(between(where.random, 'rate', 0.98, 1.02) * 10_000) / 10_000,
    },
  ],
  wallJump: (where) => {
    const far = chance(where.random, 'an hour', 60) ? HOUR_MS : Math.round(logBetween(where.random, 'jump', 100, 24 * HOUR_MS));
    return [{ kind: 'wallJump', atMs: where.atMs, process: any(where, 'jumps'), byMs: chance(where.random, 'back', 50) ? -far : far }];
  },
  diskFull: (where) => [{ kind: 'diskFull', ...lasting(where, 500, 20_000), process: any(where, 'full') }],
  diskError: (where) => [
    {
      kind: 'diskError',
      ...lasting(where, 200, 5_000),
      process: any(where, 'fails'),
      nth: 1 + below(where.random, 'nth', 20),
    },
  ],
  diskSlow: (where) => [
    {
      kind: 'diskSlow',
      ...lasting(where, 500, 15_000),
      process: any(where, 'slow disk'),
      factor: Math.round(logBetween(where.random, 'factor', 3, 500)),
    },
  ],
  ledgerFull: (where) => [{ kind: 'ledgerFull', ...lasting(where, 500, 15_000), process: replica(where) }],
  ledgerSlow: (where) => [
    {
      kind: 'ledgerSlow',
      ...lasting(where, 500, 15_000),
      process: replica(where),
      factor: Math.round(logBetween(where.random, 'factor', 3, 1_000)),
    },
  ],
  ledgerError: (where) => [
    {
      kind: 'ledgerError',
      ...lasting(where, 100, 8_000),
      process: replica(where),
      nth: Math.round(logBetween(where.random, 'nth', 1, 300)),
    },
  ],
  forget: forgets,
  bitRot: (where) => {
    const nodes = nodeNames(where.cluster);
    return nodes.length === 0 ? [] : [{ kind: 'bitRot', atMs: where.atMs, process: oneOf(where, 'rots', nodes) }];
  },
};

/** What one draw of a kind gives: mostly one fault, sometimes several that make one story, sometimes none. */
export const drawFaults = (kind: FaultKind, where: Where): readonly FaultDraft[] => makers[kind](where);
