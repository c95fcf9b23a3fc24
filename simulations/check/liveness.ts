/** L2 to L5: what must come about once a core is healed, and how soon; and how long one single fault may hold up writers. */
import { isReplica, replicaNames } from '../plan/names.ts';
import type { Fault, Operation, Plan, ProcessName } from '../plan/types.ts';
import { ANSWERED_WITHIN, Calm, CATCH_UP, describe, LOOK_EVERY, primaryNow, SECOND, STABLE, statusOf, SYNC_WITHIN } from './calm.ts';
import type { MakeChecker } from './checker.ts';
import { modelOf } from './cluster-model.ts';
import { violated } from './invariants.ts';
import { Throttled } from './throttled.ts';

const RESUME_WITHIN = 6 * SECOND;

export const syncWhenReachable: MakeChecker = (run) => {
  const name = 'L2';
  const calm = new Calm(run);
  const both = replicaNames.every((process) => run.plan.core.includes(process));
  return {
    name,
    demands: 'When both replicas are in the healed core, the pair is in SYNC two seconds after the other has caught up, and stays so.',
    sent() {
      const age = both ? calm.glance() : null;
      if (age === null || age <= STABLE + ANSWERED_WITHIN + CATCH_UP + SYNC_WITHIN) return;
      const primary = primaryNow(run);
      if (primary !== null && primary.mode !== 'SYNC')
        violated(name, `${(age / SECOND).toFixed(1)} s after the core was healed the pair is ${primary.mode}: ${describe(run)}`);
    },
  };
};

const isServer = (process: ProcessName): boolean => isReplica(process) || process.startsWith('proxy');

interface Seen {
  readonly at: number;
  readonly stopped: boolean;
}

/** Longer than the longest interval of a run, and the time that a silent peer stays listed. */
const LISTED_AT_MOST = 150 * SECOND;
/** An announce counts in the view at once; the frame that follows it may have left before. */
const COUNTED_WITHIN = SECOND;

export const viewIsTrue: MakeChecker = (run) => {
  const name = 'L3';
  const calm = new Calm(run);
  /** Whoever loses all that it had is another node from then on; the one that it was is listed until it has been silent for long. */
  const reborn = run.plan.faults.filter((fault) => fault.kind === 'forget' && fault.what === 'all' && !isServer(fault.process)).length;
  const may = run.plan.cluster.nodes + run.plan.cluster.liars + (run.plan.cluster.guests ?? 0) + reborn;
  /** By replica and content: what it has heard of each node in this start. */
  const heard = new Map<string, Map<string, Seen>>();
  return {
    name,
    demands:
      'In the calm a primary counts in every swarm who has announced to it, and no more than have announced within the time to live.',
    started(process) {
      for (const key of heard.keys()) if (key.startsWith(`${process} `)) heard.delete(key);
    },
    received(process, _from, link, frame) {
      if (frame.kind !== 'announce' || link !== 'proxy') return;
      for (const { content, event } of frame.items) {
        const key = `${process} ${content}`;
        const nodes = heard.get(key) ?? new Map<string, Seen>();
        heard.set(key, nodes.set(frame.node, { at: run.now(), stopped: event === 'stopped' }));
      }
    },
    sent(process, _to, link, frame) {
      // The first frame of the calm says when it began.
      const age = calm.age();
      if (frame.kind !== 'announced' || link !== 'proxy') return;
      // Not taken in: whom the primary does not know, and who announces a content that is not in the catalog (they are told of nobody).
      const refused = new Set(frame.items.filter(({ seeders, leechers }) => seeders + leechers === 0).map(({ content }) => content));
      if (frame.unknownNode || refused.size > 0)
        for (const [key, nodes] of heard) {
          const [replica, content] = key.split(' ') as [string, string];
          if (replica === process && (frame.unknownNode || refused.has(content))) nodes.delete(frame.node);
        }
      if (frame.warming || frame.unknownNode) return;
      if (age === null || age < STABLE + ANSWERED_WITHIN || statusOf(run, process)?.role !== 'primary') return;
      for (const { content, seeders, leechers } of frame.items) {
        const nodes = heard.get(`${process} ${content}`) ?? new Map<string, Seen>();
        let must = 0;
        for (const { at, stopped } of nodes.values()) {
          const silence = run.now() - at;
          if (!stopped && silence > COUNTED_WITHIN && silence < LISTED_AT_MOST / 10) must++;
        }
        const counted = seeders + leechers;
        if (counted > may || (counted < must && (seeders > 0 || leechers > 0)))
          violated(
            name,
            `${process} counts ${counted} in the swarm of ${content.slice(0, 8)}…; ${must} have announced of late, and there are ${may}`,
          );
      }
    },
  };
};

/** Whether a plan has one fault, of a kind that the pair is to get over within seconds: one process of it, or one directed link. */
export const hasOneFault = ({ faults, cluster }: Pick<Plan, 'faults' | 'cluster'>): boolean => {
  const [fault, ...more] = faults;
  return fault !== undefined && more.length === 0 && isGotOver(fault, cluster.proxies);
};

const isGotOver = (fault: Fault, proxies: number): boolean => {
  const isOneOfSeveral = (process: ProcessName): boolean => isReplica(process) || (isServer(process) && proxies > 1);
  switch (fault.kind) {
    case 'kill':
    case 'power':
    case 'pause':
      return isOneOfSeveral(fault.process);
    case 'cut':
      return (
        !fault.bothWays &&
        fault.from.length === 1 &&
        fault.to.length === 1 &&
        [...fault.from, ...fault.to].every((name) => !name.startsWith('node'))
      );
    default:
      return false;
  }
};

/** Changes that every user may ask for. */
const WRITES: ReadonlySet<string> = new Set<Operation['do']>(['register', 'login']);

export const writesResume: MakeChecker = (run) => {
  const name = 'L4';
  const applies = hasOneFault(run.plan);
  const writes = new Map(run.plan.operations.filter((operation) => WRITES.has(operation.do)).map((operation) => [operation.id, operation]));
  const throttled = new Throttled(run);
  const pending = new Map<number, { readonly at: number; readonly process: ProcessName }>();
  let next = 0;
  return {
    name,
    demands: 'With one fault, of a replica, of one of several proxies or of one directed link, a write is answered within six seconds.',
    called(id, process) {
      if (applies && run.phase === 'chaos' && writes.has(id)) pending.set(id, { at: run.now(), process });
    },
    answered(id, process, result) {
      const asked = pending.get(id);
      pending.delete(id);
      if (asked !== undefined && !result.ok && result.error.code === 'unavailable')
        violated(
          name,
          `write ${id} at ${process} was refused after ${((run.now() - asked.at) / SECOND).toFixed(1)} s, with one fault: ${result.error.message}`,
        );
    },
    received(process, _from, link, frame) {
      if (applies && link === 'member') throttled.heard(process, frame);
    },
    sent() {
      if (pending.size === 0 || run.now() < next || run.phase !== 'chaos') return;
      next = run.now() + LOOK_EVERY;
      for (const [id, { at, process }] of pending)
        if (run.now() - Math.max(at, throttled.until(process, writes.get(id)?.do)) > RESUME_WITHIN)
          violated(
            name,
            `write ${id} at ${process} is not answered after ${((run.now() - at) / SECOND).toFixed(1)} s, with one fault: ${describe(run)}`,
          );
    },
  };
};

/** The replicas are cut off from each other for a while, and nothing else goes wrong. */
const isPairCut = ({ faults }: Plan): boolean => {
  const [fault, ...more] = faults;
  if (fault?.kind !== 'cut' || more.length > 0) return false;
  return fault.from.length === 1 && fault.to.length === 1 && [...fault.from, ...fault.to].every(isReplica);
};

/** The first one, two for who dies and comes back, and one more for a hand-over that timing may bring about. */
const ELECTIONS_WITH_ONE_FAULT = 4;

export const electionsEnd: MakeChecker = (run) => {
  const name = 'L5';
  const calm = new Calm(run);
  const ordered = run.plan.operations.some(({ do: what }) => what === 'handOver' || what === 'forcePromote');
  const oneFault = !ordered && (hasOneFault(run.plan) || isPairCut(run.plan));
  const epochs = new Set<number>();
  let settled: { readonly epoch: number } | null = null;
  modelOf(run).listen({
    activated: ({ process, epoch }) => {
      epochs.add(epoch);
      if (oneFault && epochs.size > ELECTIONS_WITH_ONE_FAULT)
        violated(
          name,
          `${process} was elected for epoch ${epoch}: the ${epochs.size}th election of a run with one single fault; ${describe(run)}`,
        );
      const age = calm.age();
      if (settled === null || age === null || epoch <= settled.epoch) return;
      violated(
        name,
        `${process} was elected for epoch ${epoch}, ${(age / SECOND).toFixed(1)} s after the core was healed, where epoch ${settled.epoch} stood; ${describe(run)}`,
      );
    },
  });
  return {
    name,
    demands:
      'In the calm, elections come to an end: who leads then goes on, whatever half-deaf processes are about. And one single fault brings about a few at most.',
    sent() {
      const age = settled === null && calm.lastsLongEnough ? calm.glance() : null;
      if (age === null || age <= STABLE + ANSWERED_WITHIN) return;
      const primary = primaryNow(run);
      if (primary !== null) settled = { epoch: primary.epoch };
    },
  };
};
