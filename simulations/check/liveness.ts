/** L1 to L5: what must happen once a core is healed, and how soon; and how long one single fault may hold up writers. */
import type { ReplicaStatus } from '../../src/domain/replication/types.ts';
import type { ControlFrame } from '../../src/protocol/control/messages.ts';
import type { Result } from '../../src/protocol/result.ts';
import { isReplica, replicaNames } from '../plan/names.ts';
import type { Fault, Operation, Plan, ProcessName } from '../plan/types.ts';
import type { Checker, MakeChecker, RunView } from './checker.ts';
import { modelOf } from './cluster-model.ts';
import { violated } from './invariants.ts';
import { processOf } from './voters.ts';

const SECOND = 1_000_000;
/** The bounds of the design, section 2.8: stable for so long, then so much. */
const STABLE = 5 * SECOND;
const ANSWERED_WITHIN = 10 * SECOND;
const CATCH_UP = 8 * SECOND;
const SYNC_WITHIN = 2 * SECOND;
const RESUME_WITHIN = 6 * SECOND;
const LOOK_EVERY = SECOND / 2;
/** Whoever is told to stop at the end has no duties any more. */
const BEFORE_END = SECOND;

/** The calm of a run: when it began, and whether it still lasts. */
class Calm {
  readonly #run: RunView;
  #since: number | null = null;
  #next = 0;

  constructor(run: RunView) {
    this.#run = run;
  }

  /** Microseconds since the core was healed; null before that, and when the run is being ended. */
  age(): number | null {
    if (this.#run.phase !== 'calm') return null;
    this.#since ??= this.#run.now();
    const age = this.#run.now() - this.#since;
    return age > this.#run.plan.calmMs * 1_000 - BEFORE_END ? null : age;
  }

  /** As `age`, but now and then. */
  glance(): number | null {
    if (this.#run.now() < this.#next) return null;
    this.#next = this.#run.now() + LOOK_EVERY;
    return this.age();
  }

  get lastsLongEnough(): boolean {
    return this.#run.plan.calmMs * 1_000 > STABLE + ANSWERED_WITHIN + CATCH_UP + SYNC_WITHIN;
  }
}

const statusOf = (run: RunView, process: ProcessName): ReplicaStatus | null =>
  ((run.status(process) ?? {}) as { readonly replica?: ReplicaStatus }).replica ?? null;

const primaryNow = (run: RunView): ReplicaStatus | null =>
  replicaNames
    .map((process) => statusOf(run, process))
    .filter((status) => status?.role === 'primary')
    .toSorted((a, b) => (b?.epoch ?? 0) - (a?.epoch ?? 0))[0] ?? null;

const describe = (run: RunView): string =>
  replicaNames
    .map((process) => {
      const status = statusOf(run, process);
      return status === null
        ? `${process} does not run`
        : `${process} is ${status.role} of epoch ${status.epoch}, ${status.mode}, applied ${status.appliedSeq} of ${status.lastSeq}`;
    })
    .join('; ');

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

/** Until when nodes were told to wait, for too many wrong passwords: that is an answer which a node keeps to itself. */
class Throttled {
  readonly #run: RunView;
  readonly #until = new Map<ProcessName, number>();

  constructor(run: RunView) {
    this.#run = run;
  }

  /** A node hears something from its proxy. */
  heard(node: ProcessName, frame: ControlFrame): void {
    if (frame.kind !== 'reply' || frame.body.ok || frame.body.code !== 'busy') return;
    const until = this.#run.now() + (frame.body.retryAfterMs ?? 0) * 1_000;
    this.#until.set(node, Math.max(until, this.#until.get(node) ?? 0));
  }

  stopped(node: ProcessName): void {
    this.#until.delete(node);
  }

  /** Virtual microseconds; 0 where such an operation is not held up. */
  until(node: ProcessName, operation: Operation['do'] | undefined): number {
    return operation !== undefined && PASSWORDS.has(operation) ? (this.#until.get(node) ?? 0) : 0;
  }
}

/** Those that count wrong passwords. */
const PASSWORDS: ReadonlySet<string> = new Set<Operation['do']>(['login', 'passwd']);

export const progressAfterHealing: MakeChecker = (run) => {
  const name = 'L1';
  const calm = new Calm(run);
  const core = new Set(run.plan.core);
  const kinds = new Map(run.plan.operations.map((operation) => [operation.id, operation]));
  const pending = new Map<number, { readonly at: number; readonly process: ProcessName }>();
  const throttled = new Throttled(run);
  const slow = slowForGood(run.plan);
  /** Until when answers may take longer, because a primary outside the core that is slow leads or has led just before. */
  let mayTakeLonger = 0;
  let led = false;
  const look = (age: number): void => {
    const primary = primaryNow(run);
    led ||= primary !== null;
    if (primary !== null && slow.has(processOf(primary.name))) mayTakeLonger = run.now() + ANSWERED_WITHIN;
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
  const may = run.plan.cluster.nodes + run.plan.cluster.liars + reborn;
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
