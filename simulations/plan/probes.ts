/** What users ask for in the calm after the chaos, so that there is progress to judge: new accounts, logins, files. */
import { nodeNames } from './names.ts';
import type { Operation, Plan } from './types.ts';

/** Numbers of these operations, above those of any plan's own. */
export const FIRST_PROBE_ID = 1_000_000_000;
/** Accounts and contents of these operations, which nobody has used before. */
const FIRST_NUMBER = 900_000;
const BEGIN_MS = 1_000;
const EVERY_MS = 4_000;
/** What is asked later than this before the end would have no time to be answered. */
const LAST_BEFORE_END_MS = 15_000;
/** Whoever logs in registered so many rounds ago, also where that took as long as it may. */
const ROUNDS_BEFORE_LOGIN = 3;
const FETCHED_AFTER_MS = 9_000;
const CONTENT_BYTES = 3_000;

/** Operations of the calm, in the order of time; none where there is no calm, or no node in the core. */
export const probesOf = ({ cluster, core, chaosMs, calmMs }: Plan): readonly Operation[] => {
  const nodes = nodeNames(cluster).filter((name) => core.includes(name));
  const probes: Operation[] = [];
  const rounds = Math.max(0, Math.ceil((calmMs - LAST_BEFORE_END_MS - BEGIN_MS) / EVERY_MS));
  const node = (round: number): string => nodes[round % nodes.length] as string;
  for (let round = 0; nodes.length > 0 && round < rounds; round++) {
    const atMs = chaosMs + BEGIN_MS + round * EVERY_MS;
    const id = FIRST_PROBE_ID + 10 * round;
    const number = FIRST_NUMBER + round;
    probes.push(
      { do: 'register', id, atMs, node: node(round), account: number },
      { do: 'search', id: id + 1, atMs: atMs + 1_000, node: node(round + 1), words: '' },
      { do: 'share', id: id + 2, atMs: atMs + 2_000, node: node(round), content: number, bytes: CONTENT_BYTES },
    );
    const early = round - ROUNDS_BEFORE_LOGIN;
    if (early >= 0)
      probes.push({ do: 'login', id: id + 3, atMs: atMs + 500, node: node(round), account: FIRST_NUMBER + early, password: 0 });
    if (nodes.length > 1 && atMs + FETCHED_AFTER_MS < chaosMs + calmMs - LAST_BEFORE_END_MS)
      probes.push({ do: 'get', id: id + 4, atMs: atMs + FETCHED_AFTER_MS, node: node(round + 1), content: number });
  }
  return probes.toSorted((a, b) => a.atMs - b.atMs || a.id - b.id);
};
