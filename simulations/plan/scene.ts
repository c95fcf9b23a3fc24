/** What a story is made of: where and when it plays, and what users ask for meanwhile. */
import { below, between, type Random } from '../../src/ports/random.ts';
import type { FaultDraft } from './fault-draws.ts';
import { nodeNames } from './names.ts';
import type { OperationDraft } from './operation-draws.ts';
import { chance, pick } from './profile.ts';
import type { ClusterPlan, ProcessName } from './types.ts';

export interface Story {
  readonly faults: readonly FaultDraft[];
  readonly operations: readonly OperationDraft[];
}

export interface Scene {
  readonly random: Random;
  readonly cluster: ClusterPlan;
  readonly atMs: number;
  /** Accounts from here on are this story's own. */
  readonly firstAccount: number;
  /** The replica that it is about, and the other one. */
  readonly one: ProcessName;
  readonly other: ProcessName;
}

/** From `Scene.firstAccount` on. */
export const ACCOUNTS_A_STORY = 100;

/** A whole number in between. */
export const within = ({ random }: Scene, purpose: string, low: number, high: number): number =>
  Math.round(between(random, purpose, low, high));

/** Changes from everywhere, one after the other, and logins that must see them. */
export const writes = (scene: Scene, from: number, to: number, count: number): OperationDraft[] => {
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

/** Questions for the newest, of the same accounts. */
export const reads = (scene: Scene, from: number, to: number, count: number): OperationDraft[] => {
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
