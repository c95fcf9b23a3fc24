/** Stories of the pair and its voters: what the rules R1 to R12 are about. */
import { below } from '../../src/ports/random.ts';
import type { FaultDraft } from './fault-draws.ts';
import { proxyNames, replicaNames, voterNames } from './names.ts';
import { chance, pick } from './profile.ts';
import { reads, type Scene, type Story, within, writes } from './scene.ts';
import type { ProcessName } from './types.ts';

/** Dies, or loses its power, with entries that the other one does not have: it is cut off from that one until after its death. */
export const tail = (scene: Scene): Story => {
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
export const olderComesBack = (scene: Scene): Story => {
  const { atMs, one, other } = scene;
  const away = within(scene, 'away', 3_000, 6_000);
  const kill = (process: ProcessName, at: number, forMs: number): FaultDraft => ({ kind: 'kill', process, atMs: at, forMs, afterSteps: 0 });
  return {
    faults: [kill(other, atMs, away), kill(one, atMs + away + within(scene, 'gap', -300, 500), within(scene, 'dead for', 4_000, 16_000))],
    operations: [
      ...writes(scene, 200, away, 8),
      ...writes(scene, away - 300, away + 500, 4),
      ...writes(scene, away + 500, away + 5_000, 4),
      ...reads(scene, away, away + 6_000, 4),
    ],
  };
};

/** As before, and the operator loses patience with the one that may not lead; the other one comes back to that. */
export const forcedPromotion = (scene: Scene): Story => {
  const { atMs, one, other } = scene;
  const away = within(scene, 'away', 3_000, 5_000);
  const kill = (process: ProcessName, at: number, forMs: number): FaultDraft => ({ kind: 'kill', process, atMs: at, forMs, afterSteps: 0 });
  const ordered = away + within(scene, 'ordered', 2_500, 4_500);
  return {
    faults: [kill(other, atMs, away), kill(one, atMs + away - within(scene, 'gap', 50, 300), within(scene, 'dead for', 7_000, 12_000))],
    operations: [
      ...writes(scene, 200, away, 10),
      { do: 'forcePromote', atMs: atMs + ordered, node: other },
      ...writes(scene, ordered + 500, ordered + 6_000, 5),
    ],
  };
};

/** Both begin anew so that they stand at about the same moment. */
export const bothStand = (scene: Scene): Story => {
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

/**
 * The other voters hear it no more, but what they said before is still on its way to it; and a proxy that does not hear
 * of the next primary goes on asking it.
 */
export const deposed = (scene: Scene): Story => {
  const { atMs, cluster, one, other, random } = scene;
  const proxies = proxyNames(cluster);
  const kept = proxies.length > 1 ? [pick(random, 'kept', proxies.slice(1))] : [];
  const others = [...new Set([...voterNames(cluster), ...proxies])].filter((name) => name !== one && !kept.includes(name));
  const forMs = within(scene, 'cut for', 1_500, 4_000);
  const latencyMs = within(scene, 'latency', 300, 850);
  const slow = (from: ProcessName): FaultDraft => ({
    kind: 'slowLink',
    atMs: atMs - 2_000,
    forMs: forMs + 3_000,
    from,
    to: one,
    latencyMs,
    jitterMs: 0,
  });
  const cut = (from: ProcessName, to: readonly ProcessName[], bothWays: boolean): FaultDraft => ({
    kind: 'cut',
    atMs,
    forMs,
    from: [from],
    to,
    bothWays,
  });
  return {
    faults: [...others.map(slow), cut(one, others, false), ...(kept.length > 0 ? [cut(other, kept, true)] : [])],
    operations: [
      ...writes(scene, 0, 2_000, 6),
      ...writes(scene, 900, 1_800, 6),
      ...reads(scene, 1_000, 1_900, 12),
      ...reads(scene, 0, forMs, 4),
    ],
  };
};

/** A voter loses its memory while the others elect. */
export const amnesia = (scene: Scene): Story => {
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
export const lateWords = (scene: Scene): Story => {
  const { atMs, cluster, one, other } = scene;
  const pauses = within(scene, 'pauses', 300, 900);
  const pause = within(scene, 'pause', 1_500, 3_500);
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
      ...proxyNames(cluster).flatMap((proxy) => [
        slow(one, proxy, 1_300, 1_650),
        slow(other, proxy, 100, 300),
        slow(proxy, other, 200, 500),
      ]),
      { kind: 'pause', atMs: atMs + pauses, forMs: pause, process: one },
    ],
    operations: [
      ...writes(scene, pauses - 250, pauses, 12),
      ...writes(scene, pauses, pause + 2_500, 6),
      ...reads(scene, 0, pause + 2_500, 8),
    ],
  };
};

/** Comes back over slow links, while changes go on: it is taken in when it has almost all. */
export const slowReturn = (scene: Scene): Story => {
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
export const order = (scene: Scene): Story => {
  const { atMs, one, other } = scene;
  const latencyMs = within(scene, 'latency', 20, 200);
  return {
    faults: [{ kind: 'slowLink', atMs: atMs - 1_000, forMs: 5_000, from: one, to: other, latencyMs, jitterMs: 0 }],
    operations: [...writes(scene, -300, 700, 14), { do: 'handOver', atMs: atMs + within(scene, 'order', 100, 500), node: one }],
  };
};

/** A log, or a disk, that is gone, and a primary that dies before it is whole again. */
export const lostLog = (scene: Scene): Story => {
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
