/**
 * Rules of the design that are kept long before an invariant would break: R3, R6 and R7 (only what is chosen counts), R10
 * (a read asks a majority), R11 (a promise ends a primary), self-distrust after a stall, and the hand-over.
 */
import { LAN_TIMING } from '../../src/domain/replication/timing.ts';
import type { ControlFrame, Operation, ReplyFrame } from '../../src/protocol/control/messages.ts';
import { isReplica } from '../plan/names.ts';
import type { ProcessName } from '../plan/types.ts';
import type { MakeChecker } from './checker.ts';
import { modelOf } from './cluster-model.ts';
import { violated } from './invariants.ts';
import { placeText } from './places.ts';
import { voterOf } from './voters.ts';

export const onlyWhatIsChosen: MakeChecker = (run) => {
  const name = 'R3';
  const model = modelOf(run);
  return {
    name,
    demands: 'A primary leads by a configuration that a majority of the voters has on their disks, from the first heartbeat on.',
    sent(process, _to, _link, frame) {
      if (frame.kind !== 'heartbeat' || model.voters.isChosen({ e: frame.epoch, v: frame.v })) return;
      violated(name, `${process} leads by configuration (${frame.epoch}, ${frame.v}), which was not chosen; ${model.voters.describe()}`);
    },
  };
};

/** What only a primary says. */
const PRIMARY_WORDS: ReadonlySet<ControlFrame['kind']> = new Set([
  'heartbeat',
  'append',
  'propose',
  'probe',
  'snapshotChunk',
  'timeoutNow',
]);
const epochSaid = (frame: ControlFrame): number | null => {
  if (!PRIMARY_WORDS.has(frame.kind)) return null;
  if (frame.kind === 'propose') return frame.configuration.e;
  return 'epoch' in frame ? frame.epoch : null;
};

export const promiseEndsPrimary: MakeChecker = (run) => {
  const name = 'R11';
  const model = modelOf(run);
  return {
    name,
    demands: 'Once its own voter has promised a higher epoch, a replica says nothing as the primary of an older one.',
    sent(process, to, _link, frame) {
      const epoch = epochSaid(frame);
      if (epoch === null) return;
      const promised = model.voters.record(voterOf(process))?.promised ?? 0;
      if (promised > epoch) violated(name, `${process} sends ${frame.kind} of epoch ${epoch} to ${to}, after it promised ${promised}`);
    },
  };
};

/** Reads by a majority's word: their answers, good or bad, tell of accounts and sessions as they are now. */
const NEWEST: ReadonlySet<Operation['op']> = new Set<Operation['op']>(['accounts', 'whoami', 'login', 'register', 'passkeys']);
const TELLING: ReadonlySet<string> = new Set([
  'name-taken',
  'wrong-password',
  'disabled',
  'session-expired',
  'forbidden',
  'invite-invalid',
]);
/** Questions that are remembered at a replica; the oldest go first. */
const ASKED_MAX = 4_096;

const keyOf = (process: ProcessName, { client, n }: { readonly client: string; readonly n: number }): string => `${process} ${client} ${n}`;

export const readsAskMajority: MakeChecker = (run) => {
  const name = 'R10';
  /** By replica and request: in which epoch others led when it was asked last. */
  const asked = new Map<string, number>();
  let highest = 0;
  modelOf(run).listen({ activated: ({ epoch }) => (highest = Math.max(highest, epoch)) });
  return {
    name,
    demands: 'A replica that was asked for the newest when a later epoch had its primary does not answer as the primary of its own.',
    received(process, _from, link, frame) {
      if (frame.kind !== 'request' || link !== 'proxy' || !isReplica(process) || !NEWEST.has(frame.operation.op)) return;
      const key = keyOf(process, frame.requestId);
      // Asked again, the first question may be the one that is answered.
      if (!asked.has(key)) asked.set(key, highest);
      if (asked.size > ASKED_MAX) asked.delete(asked.keys().next().value as string);
    },
    sent(process, to, link, frame) {
      if (frame.kind !== 'reply' || link !== 'proxy' || !isReplica(process)) return;
      const ledThen = asked.get(keyOf(process, frame.requestId));
      if (ledThen === undefined || frame.stale === true || frame.epoch >= ledThen) return;
      if (frame.body.ok || TELLING.has(frame.body.code))
        violated(
          name,
          `${process} answers ${to} ${frame.body.ok ? 'ok' : frame.body.code} in epoch ${frame.epoch}; when it was asked, epoch ${ledThen} had its primary`,
        );
    },
  };
};

/** So long after its last step has a primary missed its own tick by more than what is tolerated, whatever its clock's rate. */
const STOOD_STILL_MICROS = 1_000 * 1.05 * (LAN_TIMING.heartbeatMs + LAN_TIMING.stallMs);

export const distrustsItself: MakeChecker = (run) => {
  const name = 'TILT';
  const model = modelOf(run);
  const lastStep = new Map<ProcessName, number>();
  /** Primaries that stood still, and who has told them since that nothing higher was promised. */
  const doubtful = new Map<ProcessName, Set<string>>();
  const leads = new Set<ProcessName>();
  const look = (process: ProcessName): void => {
    const last = lastStep.get(process);
    if (last === undefined || !leads.has(process) || run.now() - last <= STOOD_STILL_MICROS) return;
    lastStep.set(process, run.now());
    doubtful.set(process, new Set());
  };
  const forget = (process: ProcessName): void => {
    leads.delete(process);
    doubtful.delete(process);
    lastStep.delete(process);
  };
  return {
    name,
    demands: 'A primary that stood still says nothing as primary before a majority has told it that no higher epoch was promised.',
    started: forget,
    stopped: forget,
    transition(process, machine, _from, _event, to) {
      if (machine !== 'replica') return;
      if (to.startsWith('primary')) leads.add(process);
      else forget(process);
    },
    received(process, from, _link, frame) {
      if (!isReplica(process)) return;
      look(process);
      if (frame.kind !== 'voterState' || voterOf(from) !== frame.voter) return;
      const told = doubtful.get(process)?.add(frame.voter);
      if (told !== undefined && told.size + 1 >= model.voters.majority) doubtful.delete(process);
    },
    sent(process, to, _link, frame) {
      if (!leads.has(process)) return;
      look(process);
      // A probe asks only where a log ends; whoever has just come back is asked at once.
      const epoch = doubtful.has(process) && frame.kind !== 'probe' ? epochSaid(frame) : null;
      if (epoch !== null)
        violated(name, `${process} stood still and sends ${frame.kind} of epoch ${epoch} to ${to} before it has asked a majority`);
    },
    stepped(process) {
      if (!leads.has(process)) return;
      look(process);
      lastStep.set(process, run.now());
    },
  };
};

export const handsOverEverything: MakeChecker = (run) => {
  const name = 'hand-over';
  const model = modelOf(run);
  return {
    name,
    demands: 'Whoever is told to take over has everything that the primary has appended on its disk.',
    sent(process, to, _link, frame) {
      if (frame.kind !== 'timeoutNow' || !isReplica(to)) return;
      const { last } = model.log(process);
      if (!model.hadOrHolds(to, last)) violated(name, `${process} hands over to ${to}, whose disk does not have ${placeText(last)}`);
    },
  };
};

/** After so long a witness may have stopped to count on a primary, whatever the rate of its clock. */
const JUST_HEARD_MICROS = 1_000 * 0.9 * LAN_TIMING.primaryAliveMs;
/** Promises that are remembered, by voter and epoch; the oldest go first. */
const PROMISES_MAX = 1_024;

export const onePromiseAnEpoch: MakeChecker = (run) => {
  const name = 'R1';
  const promised = new Map<string, ProcessName>();
  const promise = (voter: ProcessName, epoch: number, to: ProcessName): void => {
    const key = `${voter} ${epoch}`;
    const before = promised.get(key);
    if (before !== undefined && before !== to)
      violated(name, `${voter} promises epoch ${epoch} to ${to}, after it promised it to ${before}`);
    promised.set(key, to);
    if (promised.size > PROMISES_MAX) promised.delete(promised.keys().next().value as string);
  };
  /** A witness cannot forget whom it heard but by a restart. */
  const heard = new Map<ProcessName, { readonly from: ProcessName; readonly at: number }>();
  return {
    name,
    demands: 'A voter promises an epoch to one candidate, and a witness that has just heard a primary would vote for nobody else.',
    started: (process) => void heard.delete(process),
    logged({ process, message, fields }) {
      // Its link is gone, and with it the reason to count on that primary.
      if (message === 'link to a replica is down' && fields['replica'] === voterOf(heard.get(process)?.from ?? '')) heard.delete(process);
    },
    received(process, from, _link, frame) {
      if (frame.kind !== 'heartbeat' || isReplica(process)) return;
      const own = modelOf(run).voters.record(voterOf(process))?.promised ?? Number.POSITIVE_INFINITY;
      if (frame.epoch >= own) heard.set(process, { from, at: run.now() });
    },
    sent(process, to, _link, frame) {
      // Who asks for votes has promised to itself first.
      if (frame.kind === 'vote') promise(process, frame.epoch, process);
      else if (frame.kind === 'promise') promise(process, frame.epoch, to);
      else if (frame.kind === 'preVoteReply' && frame.refused === null) {
        const last = heard.get(process);
        if (last !== undefined && last.from !== to && run.now() - last.at < JUST_HEARD_MICROS)
          violated(
            name,
            `${process} would vote for ${to} ${((run.now() - last.at) / 1_000).toFixed(0)} ms after it heard the primary ${last.from}`,
          );
      }
    },
  };
};

interface SaidStatus {
  readonly leads: boolean;
  readonly epoch: number;
}

export const routesToTheNewest: MakeChecker = () => {
  const name = 'R12';
  /** By proxy: what each replica has said of itself last, on this link. */
  const said = new Map<ProcessName, Map<ProcessName, SaidStatus>>();
  const newest = new Map<ProcessName, number>();
  /** Requests that went to anybody, for want of a primary: their answers are bound by no epoch. */
  const soft = new Set<string>();
  const answers = (proxy: ProcessName, to: ProcessName, { requestId, body, stale, epoch }: ReplyFrame): void => {
    const best = newest.get(proxy) ?? 0;
    if (!body.ok || stale === true || epoch === 0 || epoch >= best || soft.has(keyOf(proxy, requestId))) return;
    violated(name, `${proxy} hands ${to} a reply of epoch ${epoch}, after it heard of the primary of epoch ${best}`);
  };
  return {
    name,
    demands: 'A proxy that has heard of the primary of an epoch sends no request to one of an epoch before, and takes no answer of that.',
    started(process) {
      said.delete(process);
      newest.delete(process);
    },
    received(process, from, link, frame) {
      if (frame.kind !== 'status' || link !== 'proxy' || !isReplica(from)) return;
      const leads = frame.role === 'primary';
      said.set(process, (said.get(process) ?? new Map<ProcessName, SaidStatus>()).set(from, { leads, epoch: frame.epoch }));
      if (leads) newest.set(process, Math.max(newest.get(process) ?? 0, frame.epoch));
    },
    sent(process, to, link, frame) {
      if (frame.kind === 'reply' && link === 'member') return answers(process, to, frame);
      if (frame.kind !== 'request' || link !== 'proxy') return;
      // Epoch 0: nobody is known to lead, and anybody may answer what changes nothing.
      const key = keyOf(process, frame.requestId);
      if (frame.epoch === 0) {
        soft.add(key);
        if (soft.size > ASKED_MAX) soft.delete(soft.keys().next().value as string);
        return;
      }
      soft.delete(key);
      const status = said.get(process)?.get(to);
      const best = newest.get(process) ?? 0;
      if (status?.leads === true && status.epoch < best)
        violated(
          name,
          `${process} sends ${frame.operation.op} to ${to}, which said that it leads epoch ${status.epoch}, after it heard of epoch ${best}`,
        );
    },
  };
};
