/** L1: progress once a core is healed. */
import type { Result } from '../../src/protocol/result.ts';
import { replicaNames } from '../plan/names.ts';
import type { Fault, Operation, Plan, ProcessName } from '../plan/types.ts';
import { ANSWERED_WITHIN, Calm, describe, primaryNow, SECOND, STABLE } from './calm.ts';
import type { Checker, MakeChecker, RunView } from './checker.ts';
import { violated } from './invariants.ts';
import { Throttled } from './throttled.ts';
import { processOf } from './voters.ts';

/** Its answer comes from the network, by a deadline; files take as long as they take. */
const ANSWERED_BY_NETWORK: ReadonlySet<string> = new Set<Operation['do']>([
  'register',
  'login',
  'logout',
  'passwd',
  'disable',
  'accounts',
  'search',
  'passkey',
  'revokePasskey',
  'passkeys',
  'stats',
]);
/** Answers of a network that does not work. */
const NO_PROGRESS: ReadonlySet<string> = new Set(['unavailable', 'indeterminate', 'offline', 'not-primary', 'internal', 'degraded']);

const SLOWNESS: ReadonlySet<Fault['kind']> = new Set<Fault['kind']>(['slow', 'diskSlow', 'ledgerSlow']);

/**
 * Processes outside the core that stay slow for good. Nothing fails there that anybody could find out: such a primary leads
 * on, and whoever asks waits.
 */
const slowForGood = ({ faults, core, chaosMs }: Plan): ReadonlySet<ProcessName> =>
  new Set(
    faults.flatMap((fault) =>
      SLOWNESS.has(fault.kind) &&
      'process' in fault &&
      'forMs' in fault &&
      fault.atMs + fault.forMs > chaosMs &&
      !core.includes(fault.process)
        ? [fault.process]
        : [],
    ),
  );

const proxiesOf = (run: RunView, replica: ProcessName): readonly string[] =>
  ((run.status(replica) ?? {}) as { readonly proxies?: readonly string[] }).proxies ?? [];

/** A primary outside the core that has a proxy which no replica of the core has: it stays, for those behind that one. */
const leadsForOthers = (run: RunView, primary: ProcessName): boolean => {
  const { core } = run.plan;
  const inCore = new Set(replicaNames.filter((name) => core.includes(name)).flatMap((name) => proxiesOf(run, name)));
  return !core.includes(primary) && proxiesOf(run, primary).some((proxy) => !inCore.has(proxy));
};

export const progressAfterHealing: MakeChecker = (run) => {
  const name = 'L1';
  const calm = new Calm(run);
  const core = new Set(run.plan.core);
  const kinds = new Map(run.plan.operations.map((operation) => [operation.id, operation]));
  const pending = new Map<number, { readonly at: number; readonly process: ProcessName }>();
  const throttled = new Throttled(run);
  const slow = slowForGood(run.plan);
  /** Until when it is not judged, because a primary leads, or has led just before, that may leave the core waiting. */
  let mayTakeLonger = 0;
  let led = false;
  const look = (age: number): void => {
    const primary = primaryNow(run);
    led ||= primary !== null;
    const leaves = primary !== null && (slow.has(processOf(primary.name)) || leadsForOthers(run, processOf(primary.name)));
    if (leaves) mayTakeLonger = run.now() + ANSWERED_WITHIN;
    if (age > STABLE + ANSWERED_WITHIN && primary === null)
      violated(name, `nobody leads ${(age / SECOND).toFixed(1)} s after the core was healed: ${describe(run)}`);
    for (const [id, { at, process }] of pending) {
      const operation = kinds.get(id);
      const due = Math.max(at, throttled.until(process, operation?.do), run.now() - age + STABLE) + ANSWERED_WITHIN;
      if (run.now() <= Math.max(due, mayTakeLonger)) continue;
      violated(
        name,
        `operation ${id} (${operation?.do}) at ${process} is not answered, ${((run.now() - at) / SECOND).toFixed(1)} s after it was asked`,
      );
    }
  };
  return {
    name,
    demands:
      'Ten seconds after a healed core was stable for five there is a primary, and requests are answered, the later ones with success.',
    sent() {
      const age = calm.lastsLongEnough ? calm.glance() : null;
      if (age !== null) look(age);
    },
    received(process, _from, link, frame) {
      if (link === 'member') throttled.heard(process, frame);
    },
    stopped(process) {
      throttled.stopped(process);
      for (const [id, asked] of pending) if (asked.process === process) pending.delete(id);
    },
    called(id, process) {
      const operation = kinds.get(id);
      if (operation !== undefined && ANSWERED_BY_NETWORK.has(operation.do) && core.has(process))
        pending.set(id, { at: run.now(), process });
    },
    answered(id, process, result: Result<object>) {
      const asked = pending.get(id);
      pending.delete(id);
      const age = calm.age();
      if (asked === undefined || age === null || result.ok || !NO_PROGRESS.has(result.error.code)) return;
      if (run.now() > mayTakeLonger && asked.at > run.now() - age + STABLE + ANSWERED_WITHIN)
        violated(
          name,
          `operation ${id} (${kinds.get(id)?.do}) at ${process} was asked ${((age - (run.now() - asked.at)) / SECOND).toFixed(1)} s after the core was healed, and answered ${result.error.code}: ${result.error.message}`,
        );
    },
    end() {
      if (calm.lastsLongEnough && !led) violated(name, 'nobody ever led after the core was healed');
    },
  } satisfies Checker;
};
