/** The rules of docs/availability.md one by one; random-walk.test.ts has them together. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { activationOf, type CanvassReply, judgeCanvass, judgePromises, nextEpoch } from './candidate.ts';
import { chainHash, chains, nextEntry } from './chain.ts';
import { decideAppend, type LogView, streamFrom } from './follower.ts';
import {
  addLearner,
  beginPrimacy,
  commitPoint,
  copiesOf,
  learnerCaughtUp,
  modeOf,
  type Primacy,
  proposeDegrade,
  proposeUpgrade,
  recordAccepted,
  recordMatch,
  settleProposal,
  withCommit,
} from './primary.ts';
import { type Configuration, EMPTY_LOG, type Epoch, type LogEntry, type LogPosition } from './types.ts';
import { toHex } from '../../protocol/digest.ts';
import {
  decideAccept,
  decidePreVote,
  decideVote,
  initialRecord,
  raisePromise,
  readersNeeded,
  recoverVoter,
  type Refusal,
  rejoinVoter,
  relayTo,
} from './voter.ts';

const REPLICAS = ['main', 'backup'];
const configuration = (e: Epoch, v: number, isr: readonly string[]) => ({ e, v, primary: isr[0] ?? null, isr });
const state = (promised: Epoch, e: Epoch, v: number, isr: readonly string[]) => ({ promised, accepted: configuration(e, v, isr) });

const entries = (after: LogPosition, epoch: Epoch, ...texts: string[]): LogEntry[] => {
  let previous = after;
  return texts.map((text) => {
    const entry = nextEntry(previous, epoch, { requestId: null, payload: Buffer.from(text), wallMs: 0 });
    previous = entry;
    return entry;
  });
};

const logOf = (log: readonly LogEntry[], appliedSeq = 0): LogView => ({
  last: log.at(-1) ?? EMPTY_LOG,
  appliedSeq,
  at: (seq) => (seq < appliedSeq ? null : seq === 0 ? EMPTY_LOG : (log[seq - 1] ?? null)),
});

describe('R1, R3, R9: a voter', () => {
  test('promises an epoch once, and only upwards', () => {
    const first = decideVote(initialRecord(REPLICAS), 1);
    assert.ok(first.kind === 'promise');
    assert.deepEqual(first.next, { promised: 1, accepted: { e: 0, v: 0, primary: null, isr: REPLICAS } });
    assert.equal(decideVote(first.next, 1).kind, 'deny');
    assert.equal(decideVote(first.next, 0).kind, 'deny');
  });

  test('accepts nothing below what it promised or accepted, and the same again without a change', () => {
    const held = state(3, 3, 1, ['main']);
    assert.equal(decideAccept(held, configuration(2, 9, ['main'])).kind, 'deny');
    assert.equal(decideAccept(held, configuration(3, 0, ['main'])).kind, 'deny');
    const again = decideAccept(held, held.accepted);
    assert.ok(again.kind === 'accept' && again.next === held);
    const higher = decideAccept(held, configuration(4, 0, ['backup']));
    assert.ok(higher.kind === 'accept');
    assert.equal(higher.next.promised, 4);
  });

  test('raises its promise for entries of a higher epoch, never lowers it', () => {
    assert.equal(raisePromise(state(3, 3, 0, ['main']), 5).promised, 5);
    assert.equal(raisePromise(state(3, 3, 0, ['main']), 2).promised, 3);
  });

  test('begins from nothing only where the network is new', () => {
    assert.equal(recoverVoter(null, { fresh: true, logEmpty: true, replicas: REPLICAS }).kind, 'ready');
    assert.equal(recoverVoter(null, { fresh: false, logEmpty: true, replicas: REPLICAS }).kind, 'rejoin');
    assert.equal(recoverVoter(null, { fresh: true, logEmpty: false, replicas: REPLICAS }).kind, 'rejoin');
  });

  test('without its state it reads two others of three, three of five, and takes the maxima', () => {
    assert.deepEqual([readersNeeded(3), readersNeeded(5)], [2, 3]);
    const facts = { needed: 2, replica: false, replicas: REPLICAS, proposers: REPLICAS };
    const main = ['main', state(7, 3, 0, ['main'])] as const;
    assert.equal(rejoinVoter(new Map([main]), facts), null);
    const record = rejoinVoter(new Map([main, ['backup', state(5, 4, 1, ['backup'])]]), facts);
    assert.deepEqual(record, { ...state(7, 4, 1, ['backup']), holdsLog: false, distrustedThrough: -1 });
  });

  test('of five, three readers without a replica are too few: it may have asked for what was forgotten, and got the others later', () => {
    const accepted = state(4, 4, 1, ['main']);
    const older = state(4, 4, 0, REPLICAS);
    const facts = { needed: readersNeeded(5), replica: false, replicas: REPLICAS, proposers: REPLICAS };
    const answers = new Map([
      ['backup', older],
      ['w2', older],
      ['w3', older],
    ]);
    assert.equal(rejoinVoter(answers, facts), null);
    assert.deepEqual(rejoinVoter(answers.set('main', accepted), facts)?.accepted, accepted.accepted);
  });

  test('a replica passes on what witnesses ask and answer, once and to nobody else', () => {
    const voters = [...REPLICAS, 'w1', 'w2', 'w3'];
    const at = (self: string) => ({ self, voters, replicas: REPLICAS });
    const read = { kind: 'voterRead', reader: 'w1' } as const;
    assert.deepEqual(relayTo(read, 'w1', at('main')), ['w2', 'w3']);
    assert.deepEqual(relayTo(read, 'main', at('backup')), [], 'not again');
    assert.deepEqual(relayTo(read, 'main', at('w2')), [], 'witnesses pass on nothing');
    assert.deepEqual(relayTo({ kind: 'voterRead', reader: 'backup' }, 'backup', at('main')), [], 'a replica asks by itself');
    assert.deepEqual(relayTo(read, 'w2', at('main')), [], 'nobody asks in the name of another');
    const told = { kind: 'voterState', reader: 'w1', voter: 'w2' } as const;
    assert.deepEqual(relayTo(told, 'w2', at('main')), ['w1']);
    assert.deepEqual(relayTo(told, 'w3', at('main')), []);
    assert.deepEqual(relayTo({ ...told, reader: 'stranger' }, 'w2', at('main')), []);
    assert.deepEqual(
      relayTo(read, 'w1', { self: 'main', voters: [...REPLICAS, 'w1'], replicas: REPLICAS }),
      [],
      'of three voters, all have links',
    );
  });

  test('says what it would promise, and whom it knows not to be eligible', () => {
    const held = state(4, 4, 1, ['main']);
    const ask = { epoch: 5, candidate: 'backup', ballot: { e: 4, v: 1 } };
    assert.equal(decidePreVote(held, ask, false), null, 'the candidate knows as much: it judges itself');
    assert.equal(decidePreVote(held, { ...ask, ballot: { e: 4, v: 0 } }, false), 'ineligible');
    assert.equal(decidePreVote(held, { ...ask, candidate: 'main', ballot: { e: 3, v: 9 } }, false), null);
    assert.equal(decidePreVote(held, { ...ask, epoch: 4 }, false), 'promised');
    assert.equal(decidePreVote(held, ask, true), 'primary-alive');
  });

  test('whose replica lost its log fences every epoch in which it may have acknowledged', () => {
    const held = { ...state(4, 4, 1, REPLICAS), holdsLog: true, distrustedThrough: -1 };
    const recovery = recoverVoter(held, { fresh: false, logEmpty: true, replicas: REPLICAS });
    assert.ok(recovery.kind === 'ready' && recovery.lostLog);
    assert.deepEqual([recovery.record.promised, recovery.record.distrustedThrough], [5, 4]);
    const empty = recoverVoter({ ...held, holdsLog: false }, { fresh: false, logEmpty: true, replicas: REPLICAS });
    assert.ok(empty.kind === 'ready' && !empty.lostLog, 'a log that never held anything is not lost');
  });
});

describe('R1, R2, R3: a candidate', () => {
  const facts = { voters: 3, distrustedThrough: -1 };

  test('stands when a majority would promise and says that it may lead', () => {
    const both = configuration(1, 1, REPLICAS);
    const alone = configuration(1, 2, ['main']);
    const told = (refused: Refusal | null, accepted: Configuration) => ({ refused, accepted });
    const judge = (replies: Record<string, CanvassReply>, last = false, voters = 3) =>
      judgeCanvass('backup', new Map(Object.entries(replies)), { voters, distrustedThrough: -1, last }).kind;
    assert.equal(judge({ backup: told(null, both) }, true), 'waiting');
    assert.equal(judge({ backup: told(null, both), w1: told('primary-alive', both) }, true), 'waiting');
    assert.equal(judge({ backup: told(null, both), w1: told(null, both) }), 'granted');
    assert.equal(judge({ backup: told(null, both), w1: told('ineligible', alone) }), 'waiting', 'more answers may come');
    assert.equal(judge({ backup: told(null, both), w1: told('ineligible', alone) }, true), 'ineligible');
    assert.equal(judge({ backup: told(null, alone), w1: told(null, both) }, true), 'ineligible', 'by what it has accepted itself');
    const spoiled = { backup: told(null, both), w1: told('ineligible', alone), w2: told(null, both) };
    assert.equal(judge(spoiled, true, 5), 'ineligible');
    assert.equal(judge({ ...spoiled, w3: told(null, both) }, false, 5), 'granted', 'a majority without the one that knows better');
  });

  test('waits for a majority, then the newest configuration decides', () => {
    const one = new Map([['backup', configuration(1, 1, REPLICAS)]]);
    assert.equal(judgePromises('backup', one, facts).kind, 'waiting');
    assert.equal(judgePromises('backup', new Map([...one, ['proxy', configuration(1, 1, REPLICAS)]]), facts).kind, 'eligible');
    assert.equal(judgePromises('backup', new Map([...one, ['proxy', configuration(1, 2, ['main'])]]), facts).kind, 'ineligible');
  });

  test('that lost its log is not vouched for by a configuration from before', () => {
    const promises = new Map([
      ['backup', configuration(4, 1, REPLICAS)],
      ['proxy', configuration(4, 1, REPLICAS)],
    ]);
    assert.equal(judgePromises('backup', promises, { voters: 3, distrustedThrough: 4 }).kind, 'ineligible');
    assert.equal(judgePromises('backup', promises, { voters: 3, distrustedThrough: 3 }).kind, 'eligible');
  });

  test('takes an epoch above all it knows, and activates itself alone', () => {
    assert.equal(nextEpoch(3, 7, 5), 8);
    assert.deepEqual(activationOf('backup', 8), configuration(8, 0, ['backup']));
  });
});

describe('R4: a follower', () => {
  const log = entries(EMPTY_LOG, 1, 'a', 'b', 'c');
  const append = (epoch: Epoch, before: LogPosition, more: readonly LogEntry[]) => ({ epoch, before, entries: more, commitSeq: 0 });
  const at = (seq: number): LogEntry => log[seq - 1] as LogEntry;

  test('refuses an epoch below its promise', () => {
    assert.equal(decideAppend({ promised: 2, log: logOf(log) }, append(1, at(3), [])).kind, 'refuse');
  });

  test('takes what continues its log, and skips what is there', () => {
    const more = entries(at(3), 2, 'd');
    const decision = decideAppend({ promised: 2, log: logOf(log) }, append(2, at(2), [at(3), ...more]));
    assert.deepEqual(decision, { kind: 'accept', truncateAfter: null, entries: more, matchSeq: 4 });
  });

  test('nacks a gap and a place where the histories differ', () => {
    const other = entries(at(1), 2, 'x', 'y', 'z');
    assert.equal(decideAppend({ promised: 2, log: logOf(log) }, append(2, other[2] as LogEntry, [])).kind, 'nack');
    assert.equal(decideAppend({ promised: 2, log: logOf(log) }, append(2, other[0] as LogEntry, [])).kind, 'nack');
  });

  test('cuts off a conflicting tail, and only that', () => {
    const other = entries(at(1), 2, 'x', 'y');
    const decision = decideAppend({ promised: 2, log: logOf(log, 1) }, append(2, at(1), other));
    assert.deepEqual(decision, { kind: 'accept', truncateAfter: 1, entries: other, matchSeq: 3 });
  });

  test('acknowledges what was compared, not a longer tail of its own', () => {
    const decision = decideAppend({ promised: 2, log: logOf(log) }, append(2, at(1), [at(2)]));
    assert.ok(decision.kind === 'accept');
    assert.equal(decision.matchSeq, 2);
  });

  test('stops where the primary contradicts what was applied', () => {
    const other = entries(EMPTY_LOG, 2, 'x', 'y');
    assert.equal(decideAppend({ promised: 2, log: logOf(log, 2) }, append(2, EMPTY_LOG, other)).kind, 'broken');
    assert.equal(decideAppend({ promised: 2, log: logOf(log, 2) }, append(2, other[1] as LogEntry, [])).kind, 'broken');
  });

  test('is sent entries from its end where the logs agree, else from what it has applied', () => {
    assert.deepEqual(streamFrom({ last: at(3), appliedSeq: 1 }, at(3)), { seq: 3, matched: true });
    assert.deepEqual(streamFrom({ last: at(3), appliedSeq: 1 }, entries(at(2), 2, 'x')[0] as LogEntry), { seq: 1, matched: false });
    assert.deepEqual(streamFrom({ last: at(3), appliedSeq: 1 }, null), { seq: 1, matched: false });
  });
});

describe('R5, R6, R7: a primary', () => {
  const NOOP = 4;
  const epochAt = (seq: number): Epoch => (seq >= NOOP ? 2 : 1);
  const solo = beginPrimacy(activationOf('main', 2), 'main', { lastSeq: 3, appliedSeq: 1 });
  const chosen = (primacy: Primacy | null): Primacy => {
    assert.ok(primacy?.proposal);
    const { e, v } = primacy.proposal;
    const settled = settleProposal(recordAccepted(recordAccepted(primacy, 'main', e, v), 'proxy', e, v), 3);
    assert.ok(settled);
    return settled;
  };
  const joined = addLearner(recordMatch(solo, 'main', 5), 'backup', 5) as Primacy;
  const sync = chosen(proposeUpgrade(recordMatch(joined, 'backup', 5)));

  test('commits an older tail only with an entry of its own epoch', () => {
    assert.equal(commitPoint(solo, epochAt), 1);
    assert.equal(commitPoint(recordMatch(solo, 'main', NOOP), epochAt), NOOP);
  });

  test('a learner counts for acknowledgements before it is in the configuration', () => {
    assert.deepEqual([joined.ackset, modeOf(joined)], [['main', 'backup'], 'SOLO']);
    assert.equal(commitPoint(joined, epochAt), 1);
    assert.equal(learnerCaughtUp(recordMatch(joined, 'backup', 4)), false);
    assert.equal(learnerCaughtUp(recordMatch(joined, 'backup', 5)), true);
    assert.equal(modeOf(sync), 'SYNC');
  });

  test('waits for the peer until a majority has accepted that it goes on alone', () => {
    const more = recordMatch(sync, 'main', 9);
    const degrading = proposeDegrade(more);
    assert.ok(degrading);
    assert.equal(commitPoint(degrading, epochAt), 5);
    assert.equal(settleProposal(recordAccepted(degrading, 'main', 2, degrading.proposal?.v ?? 0), 3), null);
    const alone = chosen(degrading);
    assert.deepEqual([alone.ackset, commitPoint(alone, epochAt)], [['main'], 9]);
    assert.equal(proposeDegrade(alone), null);
  });

  test('an answer to another proposal counts for nothing; one proposal at a time', () => {
    const degrading = proposeDegrade(sync) as Primacy;
    assert.equal(recordAccepted(degrading, 'proxy', 2, 0), degrading);
    assert.equal(recordAccepted(degrading, 'proxy', 1, degrading.proposal?.v ?? 0), degrading);
    assert.equal(proposeDegrade(degrading), null);
    assert.equal(addLearner(degrading, 'third', 9), null);
  });

  test('counts copies by what each replica said', () => {
    const primacy = withCommit(recordMatch(sync, 'main', 9), 5);
    assert.deepEqual([copiesOf(primacy, 5), copiesOf(primacy, 6), primacy.commitSeq], [2, 1, 5]);
    assert.equal(recordMatch(primacy, 'backup', 2), primacy, 'late acknowledgements change nothing');
  });
});

test('the chain notices a changed payload, a gap, and an epoch that falls', () => {
  const log = entries(EMPTY_LOG, 2, 'a', 'b');
  assert.ok(chains(EMPTY_LOG, log));
  const [a, b] = log as [LogEntry, LogEntry];
  assert.equal(chains(EMPTY_LOG, [{ ...a, payload: Buffer.from('z') }, b]), false);
  assert.equal(chains(EMPTY_LOG, [b]), false);
  assert.equal(chains(EMPTY_LOG, [a, { ...b, epoch: 1 }]), false);
  assert.equal(toHex(chainHash(EMPTY_LOG.hash, Buffer.from('a'))), '41a0370c3d9f42773a59e8e01651911cf43b1e3f66944cbb690029debc4eb647');
});
