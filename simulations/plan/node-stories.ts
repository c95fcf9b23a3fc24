/** Stories of nodes: downloads and swarms. */
import { below } from '../../src/ports/random.ts';
import type { FaultDraft } from './fault-draws.ts';
import { nodeNames, proxyNames, replicaNames } from './names.ts';
import type { OperationDraft } from './operation-draws.ts';
import { chance, pick } from './profile.ts';
import { type Scene, type Story, within } from './scene.ts';
import type { ProcessName } from './types.ts';

/** A node loses its power in the middle of a download or after it, and goes on with what its disk has then; or its disk fails. */
export const download = (scene: Scene): Story => {
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
  const broken: FaultDraft = chance(random, 'full', 50)
    ? { kind: 'diskFull', process: node, atMs: atMs - 200, forMs: within(scene, 'full for', 500, 4_000) }
    : {
        kind: 'diskError',
        process: node,
        atMs: atMs - 200,
        forMs: within(scene, 'errors for', 500, 4_000),
        nth: 1 + below(random, 'nth', 6),
      };
  return {
    faults: chance(random, 'dark', 60) ? [dark(0, 1_500, 'dark'), dark(3_000, 6_000, 'dark again')] : [broken],
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
export const movedAway = (scene: Scene): Story => {
  const { atMs, cluster, firstAccount, random } = scene;
  const nodes = nodeNames(cluster);
  const [owner, mover, seeker] = nodes;
  // Each node has another proxy first: the second node has the second.
  const [kept, ...left] = proxyNames(cluster);
  if (owner === undefined || mover === undefined || kept === undefined || left.length === 0) return { faults: [], operations: [] };
  const bytes = within(scene, 'bytes', 500, 50_000);
  // Longer, and the links between servers would count as dead.
  const latencyMs = within(scene, 'latency', 1_000, 1_400);
  const share = (node: ProcessName, at: number): OperationDraft => ({ do: 'share', atMs: atMs + at, node, content: firstAccount, bytes });
  const moves = within(scene, 'moves', 200, 350);
  return {
    faults: left.flatMap((proxy): FaultDraft[] => [
      ...replicaNames.map((name): FaultDraft => ({
        kind: 'slowLink',
        atMs: atMs - 200,
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
      { do: 'unshare', atMs: atMs + moves + within(scene, 'takes back', 200, 450), node: mover, content: firstAccount },
      ...[2_000, 3_000, 5_000].map((at): OperationDraft => ({ do: 'get', atMs: atMs + at, node: seeker ?? owner, content: firstAccount })),
    ],
  };
};
