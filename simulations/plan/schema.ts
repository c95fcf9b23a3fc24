/** Plans as files: JSON, checked against limits, with every problem named. */
import { z } from 'zod';
import { checkShape, formatProblem, parseJson, type Problem } from '../../src/config/parse.ts';
import { fail, ok, type Result } from '../../src/protocol/result.ts';
import { nodeNames, processNames, replicaNames, voterNames } from './names.ts';
import type { Fault, FaultKind, Operation, Plan } from './types.ts';

/** Bounds of what a run may be made of: a plan is read from files that people write. */
export const PLAN_LIMITS = {
  nodesMax: 64,
  liarsMax: 8,
  guestsMax: 32,
  phaseMsMax: 86_400_000,
  faultsMax: 20_000,
  operationsMax: 100_000,
  contentBytesMax: 64 * 1_048_576,
  accountMax: 1_000_000,
  passwordMax: 99,
  contentMax: 1_000_000,
  repeatMax: 256,
  deviceMax: 99,
  fileBytesMax: 64 * 1_048_576,
} as const;
const L = PLAN_LIMITS;

const whole = (low: number, high: number) => z.int({ error: 'must be a whole number' }).min(low).max(high);
const name = z.string().min(1).max(16);
const names = z.array(name).min(1).max(128);
const time = whole(0, L.phaseMsMax);
const timed = { id: whole(0, 2_000_000_000), atMs: time };
const lasting = { ...timed, forMs: time };
const onProcess = { ...lasting, process: name };
const factor = z.number().min(1).max(10_000);

const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('slowLink'),
    ...lasting,
    from: name,
    to: name,
    latencyMs: z.number().min(0).max(60_000),
    jitterMs: z.number().min(0).max(60_000),
  }),
  z.strictObject({ kind: z.literal('cut'), ...lasting, from: names, to: names, bothWays: z.boolean() }),
  z.strictObject({ kind: z.literal('breakLinks'), ...timed, process: name, other: name.nullable(), silently: z.boolean() }),
  z.strictObject({ kind: z.literal('slice'), ...lasting, from: name, to: name, bytesMax: whole(1, 65_536) }),
  z.strictObject({ kind: z.literal('kill'), ...onProcess, afterSteps: whole(0, 1_000_000) }),
  z.strictObject({ kind: z.literal('power'), ...onProcess, afterSteps: whole(0, 1_000_000), torn: z.boolean() }),
  z.strictObject({ kind: z.literal('pause'), ...onProcess }),
  z.strictObject({ kind: z.literal('slow'), ...onProcess, stepMicros: whole(1, 1_000_000) }),
  z.strictObject({ kind: z.literal('clockRate'), ...onProcess, rate: z.number().min(0.5).max(2) }),
  z.strictObject({ kind: z.literal('wallJump'), ...timed, process: name, byMs: whole(-L.phaseMsMax, L.phaseMsMax) }),
  z.strictObject({ kind: z.literal('diskFull'), ...onProcess }),
  z.strictObject({ kind: z.literal('diskError'), ...onProcess, nth: whole(1, 1_000_000) }),
  z.strictObject({ kind: z.literal('diskSlow'), ...onProcess, factor }),
  z.strictObject({ kind: z.literal('ledgerFull'), ...onProcess }),
  z.strictObject({ kind: z.literal('ledgerSlow'), ...onProcess, factor }),
  z.strictObject({ kind: z.literal('forget'), ...onProcess, what: z.enum(['voter', 'ledger', 'all']) }),
  z.strictObject({ kind: z.literal('bitRot'), ...timed, process: name }),
  z.strictObject({ kind: z.literal('ledgerError'), ...onProcess, nth: whole(1, 1_000_000) }),
]);

const asked = { ...timed, node: name, require: z.literal('replicated').optional() };
const account = whole(0, L.accountMax);
const password = whole(0, L.passwordMax);
const content = whole(0, L.contentMax);
const device = whole(0, L.deviceMax);

const operation = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('register'), ...asked, account }),
  z.strictObject({ do: z.literal('login'), ...asked, account, password }),
  z.strictObject({ do: z.literal('logout'), ...asked }),
  z.strictObject({ do: z.literal('passwd'), ...asked, password }),
  z.strictObject({ do: z.literal('disable'), ...asked, account, disabled: z.boolean() }),
  z.strictObject({ do: z.literal('share'), ...asked, content, bytes: whole(1, L.contentBytesMax) }),
  z.strictObject({ do: z.literal('unshare'), ...asked, content }),
  z.strictObject({ do: z.literal('get'), ...asked, content }),
  z.strictObject({ do: z.literal('search'), ...asked, words: z.string().max(200) }),
  z.strictObject({ do: z.literal('accounts'), ...asked }),
  z.strictObject({ do: z.literal('handOver'), ...asked }),
  z.strictObject({ do: z.literal('forcePromote'), ...asked }),
  z.strictObject({ do: z.literal('manage'), ...asked, content, how: z.enum(['pause', 'resume', 'recheck']) }),
  z.strictObject({ do: z.literal('repeat'), ...asked, account, times: whole(1, L.repeatMax) }),
  z.strictObject({ do: z.literal('passkey'), ...asked, device }),
  z.strictObject({ do: z.literal('revokePasskey'), ...asked, device }),
  z.strictObject({ do: z.literal('passkeys'), ...asked }),
  z.strictObject({ do: z.literal('stats'), ...asked }),
]);

const perMinute = z.number().min(0).max(100_000);
const rates = <K extends string>(keys: readonly [K, ...K[]]) => z.partialRecord(z.enum(keys), perMinute);

/** Every kind of fault, in a fixed order. */
export const faultKinds = fault.options.map((option) => option.shape.kind.value) as [FaultKind, ...FaultKind[]];
/** Every kind of operation, in a fixed order. */
export const operationKinds = operation.options.map((option) => option.shape.do.value) as [Operation['do'], ...Operation['do'][]];

const planSchema = z.strictObject({
  $schema: z.string().max(4096).optional(),
  version: z.literal(1),
  about: z.string().min(1).max(500),
  seed: whole(0, Number.MAX_SAFE_INTEGER),
  cluster: z.strictObject({
    proxies: whole(1, 3),
    witnesses: z.union([z.literal(1), z.literal(3)], { error: 'must be 1 or 3' }),
    nodes: whole(0, L.nodesMax),
    liars: whole(0, L.liarsMax),
    guests: whole(0, L.guestsMax).optional(),
    uplinkBytesPerSecond: whole(1_000, 100_000_000_000).nullable(),
    logEntriesKept: whole(2, 10_000_000).optional(),
  }),
  chaosMs: time,
  calmMs: time,
  core: z.array(name).max(128),
  profile: z
    .strictObject({
      faultsPerMinute: rates(faultKinds),
      operationsPerMinute: rates(operationKinds),
      targets: z.array(name).max(128),
    })
    .nullable(),
  faults: z.array(fault).max(L.faultsMax),
  operations: z.array(operation).max(L.operationsMax),
});

/** Processes that a fault is about. */
export const processesOf = (fault: Fault): readonly string[] => {
  if ('process' in fault) return fault.kind === 'breakLinks' && fault.other !== null ? [fault.process, fault.other] : [fault.process];
  return typeof fault.from === 'string' ? [fault.from, fault.to as string] : [...fault.from, ...fault.to];
};

const byTime = (a: { readonly atMs: number; readonly id: number }, b: { readonly atMs: number; readonly id: number }): number =>
  a.atMs - b.atMs || a.id - b.id;

/** The same plan with its lists in the order of time. */
export const inOrder = (plan: Plan): Plan => ({
  ...plan,
  faults: plan.faults.toSorted(byTime),
  operations: plan.operations.toSorted(byTime),
});

/** What the shape does not say: names that exist, numbers that are unique, a core that can go on. */
const meaning = (plan: Plan, file: string): Problem[] => {
  const { cluster } = plan;
  const known = new Set(processNames(cluster));
  const nodes = new Set<string>(nodeNames(cluster));
  const problems: Problem[] = [];
  const wrong = (path: string, message: string): void => void problems.push({ file, path, message });
  const mustBeKnown = (name: string, path: string): void => {
    if (!known.has(name)) wrong(path, `names ${name}, which is no process of this cluster (${[...known].join(', ')})`);
  };
  if (cluster.witnesses > cluster.proxies) wrong('cluster.witnesses', `must be at most the ${cluster.proxies} proxies there are`);
  const ids = new Set<number>();
  const mustBeNew = (id: number, path: string): void => {
    if (ids.has(id)) wrong(`${path}.id`, `is ${id} a second time; each fault and operation has a number of its own`);
    ids.add(id);
  };
  plan.faults.forEach((fault, index) => {
    mustBeNew(fault.id, `faults[${index}]`);
    for (const process of processesOf(fault)) mustBeKnown(process, `faults[${index}]`);
    if (fault.atMs > plan.chaosMs) wrong(`faults[${index}].atMs`, `must be at most chaosMs, ${plan.chaosMs}`);
  });
  plan.operations.forEach((operation, index) => {
    mustBeNew(operation.id, `operations[${index}]`);
    const who = operation.do === 'handOver' || operation.do === 'forcePromote' ? new Set<string>(replicaNames) : nodes;
    if (!who.has(operation.node)) wrong(`operations[${index}].node`, `must be one of ${[...who].join(', ')} to ${operation.do}`);
    if (operation.atMs > plan.chaosMs + plan.calmMs) wrong(`operations[${index}].atMs`, 'is after the end of the run');
  });
  plan.core.forEach((name, index) => mustBeKnown(name, `core[${index}]`));
  if (plan.calmMs > 0) {
    const core = new Set(plan.core);
    const voters = voterNames(cluster);
    const standing = voters.filter((name) => core.has(name)).length;
    if (2 * standing <= voters.length) wrong('core', `must have a majority of the voters: ${voters.join(', ')}`);
    if (!replicaNames.some((name) => core.has(name))) wrong('core', 'must have tracker or backup');
    if (!plan.core.some((name) => name.startsWith('proxy'))) wrong('core', 'must have a proxy');
  }
  return problems;
};

const PROBLEMS_SHOWN_MAX = 20;

const refuse = (problems: readonly Problem[]) => {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map(formatProblem);
  const more = problems.length - shown.length;
  return fail('plan-invalid', [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n'));
};

/** Checks a value that should be a plan; `file` is its name in messages. The lists come back in the order of time. */
export const checkPlan = (value: unknown, file: string): Result<Plan> => {
  const shape = checkShape(planSchema, value, file);
  if (!shape.ok) return refuse(shape.problems);
  const { $schema: _, ...plan } = shape.value;
  const problems = meaning(plan as Plan, file);
  return problems.length > 0 ? refuse(problems) : ok(inOrder(plan as Plan));
};

/** From the text of a file. */
export const parsePlan = (text: string, file: string): Result<Plan> => {
  if (text.length > L.fileBytesMax) return fail('plan-invalid', `${file} is larger than ${L.fileBytesMax} bytes`);
  const json = parseJson(text, file);
  return json.ok ? checkPlan(json.value, file) : refuse(json.problems);
};

/** As text of a file: a line for each fault and operation. */
export const formatPlan = (plan: Plan): string => {
  const lines = (items: readonly object[]): string =>
    items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;
  const { faults, operations, ...head } = plan;
  const fields = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  return `{\n${[...fields, `  "faults": ${lines(faults)}`, `  "operations": ${lines(operations)}`].join(',\n')}\n}\n`;
};
