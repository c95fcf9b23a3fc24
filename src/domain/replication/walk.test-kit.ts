/** One random schedule over the replication rules. See random-walk.test.ts. */
import assert from 'node:assert/strict';
import { activationOf, nextEpoch, type Promises } from './candidate.ts';
import { chains, nextEntry, samePosition } from './chain.ts';
import { applicable, recoverReplica, streamFrom } from './follower.ts';
import { beginPrimacy, commitPoint, copiesOf, proposeUpgrade, recordAccepted, recordMatch, settleProposal, withCommit } from './primary.ts';
import {
  type Configuration,
  EMPTY_LOG,
  type Epoch,
  type LogEntry,
  type LogPosition,
  majorityOf,
  type VoterName,
  type VoterState,
} from './types.ts';
import { initialRecord, raisePromise } from './voter.ts';
import {
  type Durable,
  following,
  type Message,
  mulberry,
  type Options,
  RULES,
  type Rules,
  type Tally,
  type Volatile,
} from './walk-state.test-kit.ts';

const REPLICAS = ['A', 'B'];
const STEPS = 220;

export class Violation extends Error {}

/** One schedule, decided by its seed. @throws Violation */
export const walk = (seed: number, options: Options, tally: Tally): void => {
  const rules: Rules = { ...RULES, ...options.rules };
  const witnesses = Array.from({ length: options.witnesses }, (_, i) => `w${i}`);
  const voters = [...REPLICAS, ...witnesses];
  const majority = majorityOf(voters.length);
  const random = mulberry(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const network: Message[] = [];
  const durable = new Map<VoterName, Durable>();
  const volatile = new Map<VoterName, Volatile>();
  const acked = new Map<number, LogPosition>();
  const activations: { e: Epoch; who: VoterName; log: LogEntry[] }[] = [];
  let values = 0;
  let readings = 0;
  for (const name of voters) {
    const fresh = rules.recoverVoter(null, { fresh: true, logEmpty: true, replicas: REPLICAS });
    assert.equal(fresh.kind, 'ready');
    durable.set(name, { record: initialRecord(REPLICAS), log: [], applied: 0, rejoin: null });
  }
  for (const name of REPLICAS) volatile.set(name, following(recoverReplica(0)));

  const bad = (why: string): never => {
    throw new Violation(`${why} (seed ${seed})`);
  };
  const disk = (name: VoterName): Durable => durable.get(name) as Durable;
  const memory = (name: VoterName): Volatile => volatile.get(name) as Volatile;
  const other = (name: VoterName): VoterName => (name === 'A' ? 'B' : 'A');
  const lastOf = (name: VoterName): LogPosition => disk(name).log.at(-1) ?? EMPTY_LOG;
  const at = (log: readonly LogEntry[], seq: number): LogPosition | null => (seq === 0 ? EMPTY_LOG : (log[seq - 1] ?? null));
  const holds = (log: readonly LogEntry[], entry: LogPosition): boolean => {
    const own = at(log, entry.seq);
    return own !== null && samePosition(own, entry);
  };
  const send = (message: Message): void => void network.push(message);
  const others = (name: VoterName): VoterName[] => voters.filter((voter) => voter !== name);
  const stepDown = (name: VoterName): void => void volatile.set(name, following(recoverReplica(disk(name).applied)));
  const persist = (name: VoterName, state: VoterState): void => {
    const { record } = disk(name);
    if (state.promised < record.promised) bad(`I2 ${name} forgot its promise`);
    disk(name).record = { ...record, ...state };
    const now = volatile.get(name);
    // R11: whoever promised a higher epoch is no primary and no candidate of an older one any more.
    if (now && now.role !== 'follower' && now.epoch < state.promised) stepDown(name);
  };
  const apply = (name: VoterName, seq: number): void => {
    if (seq > disk(name).applied) disk(name).applied = seq;
  };

  const stand = (name: VoterName): void => {
    const own = disk(name).record;
    if (memory(name).role === 'primary') stepDown(name);
    const state = memory(name);
    state.role = 'candidate';
    state.epoch = nextEpoch(own.promised);
    state.promises = new Map();
    state.activation = null;
    // R1: its own promise is the first, so that a voter which forgets that it followed is told of it (R9).
    promiseSelf(name);
    if (memory(name).role !== 'candidate') return;
    for (const to of others(name)) send({ from: name, to, t: 'vote', e: state.epoch });
  };
  const promiseSelf = (name: VoterName): void => {
    const state = memory(name);
    const decision = rules.decideVote(disk(name).record, state.epoch);
    if (decision.kind === 'deny') {
      stepDown(name);
      return;
    }
    persist(name, decision.next);
    state.promises.set(name, disk(name).record.accepted);
  };
  const elect = (name: VoterName): void => {
    const state = memory(name);
    if (state.role !== 'candidate' || state.activation !== null) return;
    const judged = rules.judgePromises(name, state.promises as Promises, {
      voters: voters.length,
      distrustedThrough: disk(name).record.distrustedThrough,
    });
    if (judged.kind === 'waiting') return;
    if (judged.kind === 'ineligible') {
      tally.ineligible++;
      stepDown(name);
      return;
    }
    state.activation = activationOf(name, state.epoch);
    state.acceptedBy = new Set();
    propose(name, state.activation);
  };
  const propose = (name: VoterName, configuration: Configuration): void => {
    const decision = rules.decideAccept(disk(name).record, configuration);
    if (decision.kind === 'deny') {
      stepDown(name);
      return;
    }
    persist(name, decision.next);
    for (const to of others(name)) send({ from: name, to, t: 'propose', c: configuration });
    accepted(name, name, configuration.e, configuration.v);
  };
  const accepted = (name: VoterName, by: VoterName, e: Epoch, v: number): void => {
    const state = memory(name);
    if (state.role === 'candidate' && state.activation?.e === e && v === 0) {
      state.acceptedBy.add(by);
      if (state.acceptedBy.size >= majority) activate(name, state.activation);
    } else if (state.role === 'primary' && state.primacy) {
      state.primacy = recordAccepted(state.primacy, by, e, v);
      const settled = settleProposal(state.primacy, voters.length);
      if (!settled) return;
      if (settled.chosen.isr.length === 1) tally.degrades++;
      else tally.upgrades++;
      state.primacy = settled;
      commit(name);
    }
  };
  const activate = (name: VoterName, configuration: Configuration): void => {
    const { log, applied } = disk(name);
    if (activations.some((a) => a.e === configuration.e && a.who !== name)) bad(`I1 two primaries in epoch ${configuration.e}`);
    for (const entry of acked.values())
      if (!holds(log, entry)) bad(`I3 primary ${name} of ${configuration.e} lacks acknowledged entry ${entry.seq}`);
    activations.push({ e: configuration.e, who: name, log: [...log] });
    tally.activations++;
    const state = memory(name);
    state.role = 'primary';
    state.primacy = beginPrimacy(configuration, name, { lastSeq: log.length, appliedSeq: applied });
    state.next = log.length;
    append(name, 'noop');
  };
  const append = (name: VoterName, value: string): void => {
    const { log } = disk(name);
    const state = memory(name);
    if (!state.primacy) return;
    log.push(nextEntry(lastOf(name), state.epoch, { requestId: null, payload: Buffer.from(value), wallMs: 0 }));
    disk(name).record = { ...disk(name).record, holdsLog: true };
    state.primacy = recordMatch(state.primacy, name, log.length);
    replicate(name);
    commit(name);
  };
  const replicate = (name: VoterName): void => {
    const state = memory(name);
    const { log } = disk(name);
    const from = Math.max(0, Math.min(state.next, log.length) - (random() < 0.3 ? 1 : 0));
    const before = at(log, from) as LogPosition;
    send({
      from: name,
      to: other(name),
      t: 'append',
      e: state.epoch,
      before,
      entries: log.slice(from),
      commit: state.primacy?.commitSeq ?? 0,
    });
  };
  const commit = (name: VoterName): void => {
    const state = memory(name);
    if (!state.primacy) return;
    const { log } = disk(name);
    const point = commitPoint(state.primacy, (seq) => at(log, seq)?.epoch ?? null);
    for (let seq = state.primacy.commitSeq + 1; seq <= point; seq++) {
      const entry = at(log, seq) as LogPosition;
      const before = acked.get(seq);
      if (before && !samePosition(before, entry)) bad(`two entries were acknowledged as ${seq}`);
      for (const later of activations)
        if (later.e > state.epoch && !holds(later.log, entry)) bad(`I4 acknowledged in ${state.epoch} after activation of ${later.e}`);
      const copies = REPLICAS.filter((replica) => holds(disk(replica).log, entry)).length;
      if (!before && copiesOf(state.primacy, seq) > copies && options.losses !== 'all') bad(`I10 entry ${seq} was called replicated`);
      acked.set(seq, entry);
      tally.acked++;
    }
    state.primacy = withCommit(state.primacy, point);
    if (random() < 0.7) apply(name, point);
  };

  const receive = (message: Message): void => {
    const name = message.to;
    const own = disk(name);
    if (message.t === 'read') {
      if (!own.rejoin) send({ from: name, to: message.from, t: 'state', id: message.id, state: own.record });
      return;
    }
    if (message.t === 'state') {
      if (own.rejoin?.id !== message.id) return;
      own.rejoin.answers.set(message.from, message.state);
      const proposers = REPLICAS.filter((replica) => replica !== name);
      const needed = rules.readersNeeded(voters.length);
      const facts = { needed, replica: REPLICAS.includes(name), replicas: REPLICAS, proposers };
      const record = rules.rejoinVoter(own.rejoin.answers, facts);
      if (record) {
        own.record = record;
        own.rejoin = null;
        tally.rejoined++;
      }
      return;
    }
    if (own.rejoin) return;
    const state = volatile.get(name);
    switch (message.t) {
      case 'vote': {
        const decision = rules.decideVote(own.record, message.e);
        if (decision.kind === 'deny') return;
        persist(name, decision.next);
        send({ from: name, to: message.from, t: 'promise', e: message.e, accepted: own.record.accepted });
        return;
      }
      case 'promise':
        if (state?.role !== 'candidate' || state.epoch !== message.e || state.activation) return;
        state.promises.set(message.from, message.accepted);
        elect(name);
        return;
      case 'propose': {
        const decision = rules.decideAccept(own.record, message.c);
        if (decision.kind === 'deny') return;
        persist(name, decision.next);
        send({ from: name, to: message.from, t: 'accepted', e: message.c.e, v: message.c.v });
        return;
      }
      case 'accepted':
        accepted(name, message.from, message.e, message.v);
        return;
      case 'append':
        follow(name, message);
        return;
      case 'ack':
        if (state?.role !== 'primary' || !state.primacy || state.epoch !== message.e) return;
        state.primacy = recordMatch(state.primacy, message.from, message.seq);
        state.next = Math.max(state.next, message.seq);
        commit(name);
        return;
      case 'nack': {
        if (state?.role !== 'primary' || !state.primacy) return;
        if (message.promised > state.epoch) {
          stepDown(name);
          return;
        }
        if (state.epoch !== message.e) return;
        const from = streamFrom({ last: message.last, appliedSeq: message.applied }, at(own.log, message.last.seq));
        state.next = from.seq;
        if (from.matched) state.primacy = recordMatch(state.primacy, message.from, from.seq);
        commit(name);
        replicate(name);
        return;
      }
    }
  };
  const follow = (name: VoterName, message: Extract<Message, { t: 'append' }>): void => {
    const own = disk(name);
    const view = { last: lastOf(name), appliedSeq: own.applied, at: (seq: number) => at(own.log, seq) };
    if (memory(name).role === 'primary' && memory(name).epoch >= message.e) return;
    const decision = rules.decideAppend(
      { promised: own.record.promised, log: view },
      { ...message, epoch: message.e, commitSeq: message.commit },
    );
    const nack = (): void =>
      send({
        from: name,
        to: message.from,
        t: 'nack',
        e: message.e,
        promised: own.record.promised,
        last: lastOf(name),
        applied: own.applied,
      });
    if (decision.kind === 'refuse') {
      nack();
      return;
    }
    persist(name, raisePromise(own.record, message.e));
    const state = memory(name);
    if (state.role === 'candidate') stepDown(name);
    if (decision.kind === 'nack') {
      nack();
      return;
    }
    if (decision.kind === 'broken') {
      bad(decision.reason);
      return;
    }
    if (decision.truncateAfter !== null) {
      if (decision.truncateAfter < own.applied) bad(`${name} truncated what it had applied`);
      own.log.length = decision.truncateAfter;
      tally.truncated++;
    }
    assert.ok(chains(lastOf(name), decision.entries));
    own.log.push(...decision.entries);
    if (own.log.length > 0) own.record = { ...own.record, holdsLog: true };
    const standing = memory(name).standing;
    const matchSeq = standing.epoch === message.e ? Math.max(standing.matchSeq, decision.matchSeq) : decision.matchSeq;
    const commitSeq = Math.max(standing.commitSeq, message.commit);
    memory(name).standing = { epoch: message.e, matchSeq, commitSeq };
    if (random() < 0.7) apply(name, applicable(commitSeq, matchSeq));
    send({ from: name, to: message.from, t: 'ack', e: message.e, seq: decision.matchSeq });
  };
  const lose = (): void => {
    const name = pick(options.losses === 'all' ? voters : witnesses);
    if (voters.some((voter) => disk(voter).rejoin)) return;
    const own = disk(name);
    const lostLog = REPLICAS.includes(name) && random() < 0.7;
    const lostState = !lostLog || random() < 0.5;
    if (lostLog) {
      own.log = [];
      own.applied = 0;
      tally.lostLogs++;
    }
    const recovery = rules.recoverVoter(lostState ? null : own.record, {
      fresh: false,
      logEmpty: own.log.length === 0,
      replicas: REPLICAS,
    });
    if (recovery.kind === 'ready') own.record = recovery.record;
    else own.rejoin = { id: ++readings, answers: new Map() };
    if (volatile.has(name)) stepDown(name);
  };
  const readOthers = (): void => {
    for (const name of voters) {
      const { rejoin } = disk(name);
      if (rejoin) for (const to of others(name)) send({ from: name, to, t: 'read', id: rejoin.id });
    }
  };

  for (let step = 0; step < STEPS; step++) {
    const dice = random();
    const name = pick(REPLICAS);
    const state = memory(name);
    if (dice < 0.62 && network.length > 0) {
      const index = Math.floor(random() * network.length);
      const message = network[index] as Message;
      if (random() > 0.06) network.splice(index, 1);
      if (random() > 0.12) receive(message);
    } else if (disk(name).rejoin) readOthers();
    else if (dice < 0.76) append(name, `v${++values}`);
    else if (dice < 0.84) {
      if (state.role !== 'primary' || random() < 0.1) stand(name);
    } else if (dice < 0.89) {
      const degraded = state.primacy && rules.proposeDegrade(state.primacy);
      if (degraded?.proposal) {
        state.primacy = degraded;
        propose(name, degraded.proposal);
        commit(name);
      }
    } else if (dice < 0.95) upgrade(name);
    else if (dice < 0.975) volatile.set(name, rules.restart(state, disk(name).applied, disk(name).log.length));
    else if (options.losses !== 'none') {
      if (random() < 0.7) lose();
      readOthers();
    }
    if (state.role === 'primary') commit(name);
  }

  function upgrade(name: VoterName): void {
    const state = memory(name);
    if (!state.primacy) return;
    if (state.primacy.joining === null)
      state.primacy = rules.addLearner(state.primacy, other(name), disk(name).log.length) ?? state.primacy;
    if (rules.learnerCaughtUp(state.primacy)) {
      const upgraded = proposeUpgrade(state.primacy);
      if (upgraded?.proposal) {
        state.primacy = upgraded;
        propose(name, upgraded.proposal);
        return;
      }
    }
    replicate(name);
  }
};
