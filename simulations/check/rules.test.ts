import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, replyOf, requestOf, Told } from './check.test-kit.ts';
import { Violation } from './checker.ts';
import {
  distrustsItself,
  handsOverEverything,
  onePromiseAnEpoch,
  onlyWhatIsChosen,
  promiseEndsPrimary,
  readsAskMajority,
} from './rules.ts';

const broken = (rule: string, does: () => unknown): void => {
  assert.throws(does, (error: unknown) => error instanceof Violation && error.checker === rule);
};
const heartbeat = (epoch: number, v = 0) => ({ kind: 'heartbeat', epoch, v, round: 1, commitSeq: 0, primary: 'main' }) as const;

test('R3: the configuration that a heartbeat names is on the disks of a majority', () => {
  const one = configuration(1, 0, 'main');
  const told = new Told(onlyWhatIsChosen).voter('tracker', 1, one);
  broken('R3', () => told.leads('tracker', 1));
  new Told(onlyWhatIsChosen).voter('tracker', 1, one).voter('proxy1', 1, one).leads('tracker', 1);
  broken('R3', () => new Told(onlyWhatIsChosen).chosen(one).sent('tracker', 'proxy1', 'proxy', heartbeat(1, 1)));
});

test('R11: after its own promise a replica says nothing for the epoch before', () => {
  const told = new Told(promiseEndsPrimary).chosen(configuration(1, 0, 'main')).leads('tracker', 1);
  told.voter('tracker', 2, configuration(1, 0, 'main'));
  broken('R11', () => told.sent('tracker', 'proxy1', 'proxy', heartbeat(1)));
  broken('R11', () => told.sent('tracker', 'proxy1', 'proxy', { kind: 'propose', configuration: configuration(1, 1, 'main') }));
  told.sent('tracker', 'backup', 'replica', {
    kind: 'appendNack',
    epoch: 1,
    promised: 2,
    last: { seq: 0, epoch: 0, hash: new Uint8Array(32) },
    appliedSeq: 0,
  });
});

test('R10: who is asked when a later epoch has its primary does not answer for its own', () => {
  const asks = (told: Told): Told =>
    told.tell('received', 'tracker', 'proxy1', 'proxy', requestOf({ operation: { op: 'accounts', after: '', limit: 1 } }));
  const two = () => asks(new Told(readsAskMajority).leads('tracker', 1).leads('backup', 2));
  broken('R10', () => two().sent('tracker', 'proxy1', 'proxy', replyOf({ epoch: 1 })));
  two().sent('tracker', 'proxy1', 'proxy', replyOf({ epoch: 1, stale: true }));
  two().sent('tracker', 'proxy1', 'proxy', replyOf({ epoch: 1, body: { ok: false, code: 'not-primary', message: '' } }));
  asks(new Told(readsAskMajority).leads('tracker', 1))
    .leads('backup', 2)
    .sent('tracker', 'proxy1', 'proxy', replyOf({ epoch: 1 }));
});

test('a primary that stood still asks before it speaks', () => {
  const stood = (ms: number): Told => {
    const told = new Told(distrustsItself).tell(
      'transition',
      'tracker',
      'replica',
      'candidate.activating',
      'activation.chosen',
      'primary.solo',
    );
    told.tell('stepped', 'tracker');
    told.nowMs += ms;
    return told;
  };
  broken('TILT', () => stood(900).sent('tracker', 'proxy1', 'proxy', heartbeat(1)));
  stood(600).sent('tracker', 'proxy1', 'proxy', heartbeat(1));
  const propose = { kind: 'propose', configuration: configuration(1, 1, 'main') } as const;
  broken('TILT', () => stood(900).sent('tracker', 'proxy1', 'proxy', propose));
  const accepted = configuration(1, 0, 'main');
  const state = (voter: string) => ({ kind: 'voterState', id: 1, reader: 'main', voter, promised: 1, accepted }) as const;
  const asked = stood(900).tell('received', 'tracker', 'proxy1', 'proxy', state('proxy1'));
  asked.sent('tracker', 'proxy1', 'proxy', heartbeat(1));
  const relayed = stood(900).tell('received', 'tracker', 'backup', 'replica', state('proxy1'));
  broken('TILT', () => relayed.sent('tracker', 'proxy1', 'proxy', heartbeat(1)));
});

test('a hand-over waits until the other disk has everything', () => {
  const now = { kind: 'timeoutNow', epoch: 1, seq: 2, why: '' } as const;
  const told = () => new Told(handsOverEverything).append('tracker', 1, 'a').append('tracker', 1, 'b');
  broken('hand-over', () => told().sent('tracker', 'backup', 'replica', now));
  told().copy('tracker', 'backup').sent('tracker', 'backup', 'replica', now);
});

test('R1: one promise an epoch, and none for another while a primary is heard', () => {
  const promise = (epoch: number) => ({ kind: 'promise', epoch, accepted: configuration(1, 0, 'main') }) as const;
  const vote = { kind: 'vote', epoch: 2, candidate: 'backup', handOver: false } as const;
  const told = () => new Told(onePromiseAnEpoch).sent('proxy1', 'tracker', 'proxy', promise(2));
  told().sent('proxy1', 'tracker', 'proxy', promise(2)).sent('proxy1', 'backup', 'proxy', promise(3));
  broken('R1', () => told().sent('proxy1', 'backup', 'proxy', promise(2)));
  const stands = new Told(onePromiseAnEpoch).sent('backup', 'proxy1', 'proxy', vote);
  broken('R1', () => stands.sent('backup', 'tracker', 'replica', promise(2)));

  const granted = { kind: 'preVoteReply', epoch: 2, promised: 1, accepted: configuration(1, 0, 'main'), refused: null } as const;
  const after = (ms: number): Told => {
    const hears = new Told(onePromiseAnEpoch)
      .chosen(configuration(1, 0, 'main'))
      .tell('received', 'proxy1', 'tracker', 'proxy', heartbeat(1));
    hears.nowMs += ms;
    return hears;
  };
  broken('R1', () => after(500).sent('proxy1', 'backup', 'proxy', granted));
  after(1_000).sent('proxy1', 'backup', 'proxy', granted);
  after(500).sent('proxy1', 'tracker', 'proxy', granted);
  const down = { at: 0, process: 'proxy1', level: 'warn', fields: { replica: 'main' }, message: 'link to a replica is down' } as const;
  after(500).tell('logged', down).sent('proxy1', 'backup', 'proxy', granted);
});
