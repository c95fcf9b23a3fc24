/**
 * Short stories of what the protocol's rules are about: faults and operations that belong together, where chance alone
 * would bring them together once in a thousand runs. Who happens to lead is not known here; half of the time a story
 * is about the wrong replica, and just as good a fault.
 */
import { below, between, type Random } from '../../src/ports/random.ts';
import type { FaultDraft } from './fault-draws.ts';
import { nodeNames, proxyNames, replicaNames, voterNames } from './names.ts';
import type { OperationDraft } from './operation-draws.ts';
import { chance, pick } from './profile.ts';
import type { ClusterPlan, ProcessName } from './types.ts';

export interface Story {
  readonly faults: readonly FaultDraft[];
  readonly operations: readonly OperationDraft[];
}

interface Scene {
  readonly random: Random;
  readonly cluster: ClusterPlan;
  readonly atMs: number;
  /** Accounts from here on are this story's own. */
  readonly firstAccount: number;
  /** The replica that it is about, and the other one. */
  readonly one: ProcessName;
  readonly other: ProcessName;
}

/** Accounts of stories: nobody else's. */
const FIRST_ACCOUNT = 10_000;
const ACCOUNTS_A_STORY = 100;
/** Stories begin when everybody is signed in, and early enough to end. */
const EARLIEST_MS = 6_000;
const LAST_BEFORE_END_MS = 12_000;
const STORIES_PERCENT = 55;
const STORIES_MAX = 5;
/** An operator who loses patience with a replica that may not lead. */
const FORCED_PERCENT = 20;
/** The tracker leads until something befalls it. */
const ABOUT_TRACKER_PERCENT = 65;

const within = ({ random }: Scene, purpose: string, low: number, high: number): number => Math.round(between(random, purpose, low, high));

/** Changes from everywhere, one after the other, and logins that must see them. */
const writes = (scene: Scene, from: number, to: number, count: number): OperationDraft[] => {
  const nodes = nodeNames(scene.cluster);
  if (nodes.length === 0) return [];
  return Array.from({ length: count }, (_, index) => {
    const purpose = `write ${from} ${index}`;
    const atMs = scene.atMs + within(scene, purpose, from, to);
    const account = scene.firstAccount + below(scene.random, `${purpose} account`, ACCOUNTS_A_STORY);
    const node = pick(scene.random, `${purpose} node`, nodes);
    if (chance(scene.random, `${purpose} repeats`, 30)) return { do: 'repeat', atMs, node, account, times: 2 + (index % 4) };
    return { do: 'register', atMs, node, account };
  });
};

const reads = (scene: Scene, from: number, to: number, count: number): OperationDraft[] => {
  const nodes = nodeNames(scene.cluster);
  if (nodes.length === 0) return [];
  return Array.from({ length: count }, (_, index) => {
    const purpose = `read ${from} ${index}`;
    const atMs = scene.atMs + within(scene, purpose, from, to);
    const node = pick(scene.random, `${purpose} node`, nodes);
    const account = scene.firstAccount + below(scene.random, `${purpose} account`, ACCOUNTS_A_STORY);
    return chance(scene.random, `${purpose} login`, 50)
      ? { do: 'login', atMs, node, account, password: 0 }
      : { do: 'accounts', atMs, node };
  });
};

/** Dies, or loses its power, with entries that the other one does not have: it is cut off from that one until after its death. */
const tail = (scene: Scene): Story => {
  const { random, atMs, one, other } = scene;
  const alive = within(scene, 'alive', 150, 900);
  const end = { process: one, atMs: atMs + alive, forMs: within(scene, 'dead for', 1_500, 8_000), afterSteps: below(random, 'steps', 40) };
  const death: FaultDraft = chance(random, 'power', 50)
    ? { kind: 'power', ...end, torn: chance(random, 'torn', 50) }
    : { kind: 'kill', ...end };
  const forMs = alive + within(scene, 'cut on for', 100, 3_000);
  return {
    faults: [{ kind: 'cut', atMs, forMs, from: [one], to: [other], bothWays: chance(random, 'both', 50) }, death],
    operations: [...writes(scene, 0, alive, 10), ...writes(scene, alive + 500, alive + 6_000, 4)],
  };
};

/** One goes on alone and dies just when the other one, which has not all, comes back. */
const olderComesBack = (scene: Scene): Story => {
  const { atMs, one, other, random } = scene;
  const away = within(scene, 'away', 3_000, 6_000);
  const forced: OperationDraft[] = chance(random, 'forced', FORCED_PERCENT)
    ? [{ do: 'forcePromote', atMs: atMs + away + within(scene, 'forced', 1_500, 4_000), node: other }]
    : [];
  const kill = (process: ProcessName, at: number, forMs: number): FaultDraft => ({ kind: 'kill', process, atMs: at, forMs, afterSteps: 0 });
  return {
    faults: [kill(other, atMs, away), kill(one, atMs + away + within(scene, 'gap', -300, 500), within(scene, 'dead for', 4_000, 16_000))],
    operations: [
      ...writes(scene, 200, away, 8),
      ...writes(scene, away - 300, away + 500, 4),
      ...writes(scene, away + 500, away + 5_000, 4),
      ...reads(scene, away, away + 6_000, 4),
      ...forced,
    ],
  };
};

/** Both begin anew so that they stand at about the same moment. */
const bothStand = (scene: Scene): Story => {
  const { atMs, random } = scene;
  const forMs = within(scene, 'dead for', 300, 1_500);
  // The first in the order of priority stands so much earlier after its start.
  const later = within(scene, 'later', 1_400, 1_900);
  const latencyMs = within(scene, 'latency', 20, 250);
  const slow = (from: ProcessName, to: ProcessName): FaultDraft => ({
    kind: 'slowLink',
    atMs,
    forMs: forMs + later + 3_000,
    from,
    to,
    latencyMs,
    jitterMs: below(random, `jitter from ${from} to ${to}`, latencyMs),
  });
  const [main, backup] = replicaNames;
  // Votes take their time: two candidacies overlap.
  const links = voterNames(scene.cluster).flatMap((voter) =>
    replicaNames.filter((name) => name !== voter).map((name) => slow(name, voter)),
  );
  return {
    faults: [
      { kind: 'kill', process: main, atMs, forMs: forMs + later, afterSteps: 0 },
      { kind: 'kill', process: backup, atMs, forMs, afterSteps: 0 },
      ...links,
    ],
    operations: writes(scene, 0, forMs + later + 2_000, 6),
  };
};

/** Cut off from the other voters, but not from everybody who asks. */
const deposed = (scene: Scene): Story => {
  const { atMs, cluster, one, other, random } = scene;
  const proxies = proxyNames(cluster);
  const kept = proxies.length > 1 ? [pick(random, 'kept', proxies.slice(1))] : [];
  const from = [...new Set([...voterNames(cluster), ...proxies])].filter((name) => name !== one && !kept.includes(name));
  const forMs = within(scene, 'cut for', 900, 4_000);
  return {
    faults: [
      { kind: 'cut', atMs, forMs, from: [one], to: from, bothWays: chance(random, 'both', 70) },
      // It takes longer to doubt itself than the others take to doubt it.
      { kind: 'clockRate', atMs: atMs - 3_000, forMs: 8_000, process: one, rate: 0.98 },
      { kind: 'clockRate', atMs: atMs - 3_000, forMs: 8_000, process: other, rate: 1.02 },
    ],
    operations: [
      ...writes(scene, 0, 2_000, 8),
      ...writes(scene, 850, 1_400, 6),
      ...reads(scene, 880, 1_200, 20),
      ...reads(scene, 0, forMs, 4),
    ],
  };
};

/** A voter loses its memory while the others elect. */
const amnesia = (scene: Scene): Story => {
  const { atMs, cluster, one, random } = scene;
  const voter = pick(random, 'voter', voterNames(cluster));
  const away = within(scene, 'away', 100, 1_500);
  const what = voter !== one && replicaNames.some((name) => name === voter) && chance(random, 'all', 50) ? 'all' : 'voter';
  return {
    faults: [
      { kind: 'kill', process: one, atMs, forMs: within(scene, 'dead for', 500, 5_000), afterSteps: below(random, 'steps', 100) },
      { kind: 'forget', process: voter, atMs: atMs + within(scene, 'forgets', 200, 1_600), forMs: away, what },
    ],
    operations: [...writes(scene, 0, 500, 3), ...writes(scene, 500, 4_000, 4)],
  };
};

/** Answers, and acknowledgements, that come when somebody else leads. */
const lateWords = (scene: Scene): Story => {
  const { atMs, cluster, one, other, random } = scene;
  const proxy = pick(random, 'proxy', proxyNames(cluster));
  const pauses = within(scene, 'pauses', 300, 900);
  const pause = within(scene, 'pause', 900, 3_500);
  const slow = (from: ProcessName, to: ProcessName, low: number, high: number): FaultDraft => ({
    kind: 'slowLink',
    atMs,
    forMs: pauses + pause + 2_500,
    from,
    to,
    latencyMs: within(scene, `latency from ${from} to ${to}`, low, high),
    jitterMs: 0,
  });
  return {
    faults: [
      slow(one, proxy, 600, 2_000),
      slow(other, proxy, 50, 400),
      slow(proxy, other, 50, 400),
      { kind: 'pause', atMs: atMs + pauses, forMs: pause, process: one },
    ],
    operations: [...writes(scene, 0, pauses, 10), ...writes(scene, pauses, pause + 2_500, 6), ...reads(scene, 0, pause + 2_500, 8)],
  };
};

/** Comes back over slow links, while changes go on: it is taken in when it has almost all. */
const slowReturn = (scene: Scene): Story => {
  const { atMs, one, other } = scene;
  const away = within(scene, 'away', 1_500, 4_000);
  const slow = (from: ProcessName, to: ProcessName): FaultDraft => ({
    kind: 'slowLink',
    atMs,
    forMs: away + 6_000,
    from,
    to,
    latencyMs: within(scene, `latency from ${from}`, 30, 350),
    jitterMs: 0,
  });
  return {
    faults: [{ kind: 'kill', process: other, atMs, forMs: away, afterSteps: 0 }, slow(one, other), slow(other, one)],
    operations: [...writes(scene, 0, away, 6), ...writes(scene, away, away + 4_000, 20)],
  };
};

/** The operator's order to hand over, in the middle of changes that take their time to the other one. */
const order = (scene: Scene): Story => {
  const { atMs, one, other } = scene;
  const latencyMs = within(scene, 'latency', 20, 200);
  return {
    faults: [{ kind: 'slowLink', atMs: atMs - 1_000, forMs: 5_000, from: one, to: other, latencyMs, jitterMs: 0 }],
    operations: [...writes(scene, -300, 700, 14), { do: 'handOver', atMs: atMs + within(scene, 'order', 100, 500), node: one }],
  };
};

/** A log, or a disk, that is gone, and a primary that dies before it is whole again. */
const lostLog = (scene: Scene): Story => {
  const { atMs, one, other } = scene;
  const away = within(scene, 'away', 100, 1_200);
  return {
    faults: [
      { kind: 'forget', process: other, atMs, forMs: away, what: 'ledger' },
      {
        kind: 'kill',
        process: one,
        atMs: atMs + away + within(scene, 'gap', -200, 900),
        forMs: within(scene, 'dead for', 2_000, 7_000),
        afterSteps: 0,
      },
    ],
    operations: [...writes(scene, -1_500, away, 6), ...writes(scene, away, away + 3_000, 6)],
  };
};

/** A node loses its power in the middle of a download, and goes on with what its disk has then. */
const download = (scene: Scene): Story => {
  const { atMs, cluster, random, firstAccount } = scene;
  const [source, ...others] = nodeNames(cluster);
  const node = others.length === 0 ? undefined : pick(random, 'node', others);
  if (source === undefined || node === undefined) return { faults: [], operations: [] };
  const bytes = within(scene, 'bytes', 200_000, 2_000_000);
  const dark = (from: number, to: number, purpose: string): FaultDraft => ({
    kind: 'power',
    process: node,
    atMs: atMs + within(scene, purpose, from, to),
    forMs: within(scene, `${purpose} for`, 200, 2_000),
    afterSteps: below(random, `${purpose} steps`, 300),
    torn: chance(random, `${purpose} torn`, 50),
  });
  return {
    faults: [dark(0, 400, 'dark'), dark(3_000, 6_000, 'dark again')],
    operations: [
      { do: 'share', atMs: atMs - 3_000, node: source, content: firstAccount, bytes },
      { do: 'get', atMs, node, content: firstAccount },
    ],
  };
};

/**
 * A node shares, moves to another proxy and takes back what it shared, while what it said by way of the first proxy is
 * still under way; somebody else looks for that content then.
 */
const movedAway = (scene: Scene): Story => {
  const { atMs, cluster, firstAccount, random } = scene;
  const nodes = nodeNames(cluster);
  const [owner, mover, seeker] = nodes;
  const [kept, ...left] = proxyNames(cluster).toReversed();
  if (owner === undefined || mover === undefined || kept === undefined || left.length === 0) return { faults: [], operations: [] };
  const bytes = within(scene, 'bytes', 500, 50_000);
  const latencyMs = within(scene, 'latency', 2_500, 5_000);
  const share = (node: ProcessName, at: number): OperationDraft => ({ do: 'share', atMs: atMs + at, node, content: firstAccount, bytes });
  const moves = within(scene, 'moves', 300, 900);
  return {
    faults: left.flatMap((proxy): FaultDraft[] => [
      ...replicaNames.map((name): FaultDraft => ({
        kind: 'slowLink',
        atMs: atMs + 100,
        forMs: 9_000,
        from: proxy,
        to: name,
        latencyMs,
        jitterMs: 0,
      })),
      { kind: 'breakLinks', atMs: atMs + moves, process: mover, other: proxy, silently: false },
      { kind: 'cut', atMs: atMs + moves, forMs: 8_000, from: [mover], to: [proxy], bothWays: true },
    ]),
    operations: [
      share(owner, -4_000),
      share(mover, below(random, 'shares', 200)),
      { do: 'unshare', atMs: atMs + moves + within(scene, 'takes back', 300, 1_500), node: mover, content: firstAccount },
      ...[4_000, 6_000, 8_000].map((at): OperationDraft => ({ do: 'get', atMs: atMs + at, node: seeker ?? owner, content: firstAccount })),
    ],
  };
};

/** The more often a story is here, the more often it is told. */
const tellers = [
  tail,
  tail,
  tail,
  olderComesBack,
  olderComesBack,
  bothStand,
  deposed,
  deposed,
  deposed,
  amnesia,
  lateWords,
  lateWords,
  slowReturn,
  slowReturn,
  lostLog,
  lostLog,
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
