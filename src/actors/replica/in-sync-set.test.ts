import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activationOf } from '../../domain/replication/candidate.ts';
import { LAN_TIMING } from '../../domain/replication/timing.ts';
import { silentLog } from '../../ports/log.ts';
import { fail, ok } from '../../protocol/result.ts';
import { Bench } from '../voter/bench.test-kit.ts';
import type { Voter, VoterFailure } from '../voter/voter.ts';
import { InSyncSet } from './in-sync-set.ts';

/** A primary's set with a voter whose disk answers when the test says so. */
const set = () => {
  const bench = new Bench();
  const asked: ((answer: 'ok' | VoterFailure['code']) => void)[] = [];
  const sent: string[] = [];
  const events: string[] = [];
  const voter = {
    accept: (_configuration: unknown, done: (result: unknown) => void) =>
      asked.push((answer) => bench.step(() => done(answer === 'ok' ? ok({}) : fail(answer, 'refused')))),
    status: () => ({ promised: 9 }),
  } as unknown as Voter;
  const inSync = new InSyncSet(
    {
      clock: bench.clock,
      log: silentLog,
      voter,
      name: 'main',
      voters: ['main', 'backup', 'proxy'],
      timing: LAN_TIMING,
      peers: { send: (to, frame) => sent.push(`${to} ${frame.kind === 'propose' ? frame.configuration.isr.join('+') : frame.kind}`) > 0 },
      noopSeq: 1,
      events: {
        committed: (from, through) => events.push(`committed ${from}-${through}`),
        learnerJoined: () => events.push('joined'),
        degradeProposed: () => events.push('degrade'),
        chosen: (mode) => events.push(mode),
        outranked: (epoch) => events.push(`outranked ${epoch}`),
      },
    },
    activationOf('main', 5),
    { lastSeq: 0, appliedSeq: 0 },
  );
  bench.step(() => inSync.matched('main', 1));
  return {
    bench,
    inSync,
    sent: () => sent.splice(0),
    events: () => events.splice(0),
    voterSays: (answer: 'ok' | VoterFailure['code']) => asked.shift()?.(answer),
  };
};

test('what is proposed is on this voter’s disk before anybody else is asked to accept it', () => {
  const { inSync, sent, events, voterSays } = set();
  inSync.matched('backup', 1);
  inSync.takeIn(['backup'], 1);
  assert.deepEqual(events(), ['committed 0-1', 'joined']);
  inSync.repeat();
  inSync.repeat('proxy');
  assert.deepEqual(sent(), []);
  voterSays('full');
  assert.deepEqual(sent(), [], 'a full disk is asked again with the next heartbeat');
  inSync.repeat();
  voterSays('ok');
  assert.deepEqual(sent(), ['backup main+backup', 'proxy main+backup']);
  assert.deepEqual(events(), []);
  inSync.accepted('proxy', 5, 1);
  assert.deepEqual(events(), ['SYNC']);
  inSync.repeat();
  assert.deepEqual(sent(), []);
});

test('a replica that has not written in this epoch, or not what it was left out for, is not waited for', () => {
  const { bench, inSync, events, voterSays } = set();
  inSync.takeIn(['backup'], 1);
  assert.deepEqual(events(), ['committed 0-1'], 'it has not synced the first entry of the epoch');
  inSync.matched('backup', 1);
  inSync.takeIn(['backup'], 1);
  voterSays('ok');
  inSync.accepted('proxy', 5, 1);
  inSync.matched('main', 4);
  inSync.degrade(4);
  voterSays('ok');
  inSync.accepted('proxy', 5, 2);
  assert.deepEqual(events(), ['joined', 'SYNC', 'degrade', 'SOLO', 'committed 1-4']);
  bench.run(10_000);
  inSync.matched('backup', 3);
  bench.step(() => inSync.takeIn(['backup'], 4));
  assert.deepEqual(events(), []);
  inSync.matched('backup', 4);
  bench.step(() => inSync.takeIn(['backup'], 4));
  assert.deepEqual(events(), ['joined']);
});

test('a voter that has promised a higher epoch ends the primary', () => {
  const { inSync, events, voterSays } = set();
  inSync.matched('backup', 1);
  inSync.takeIn(['backup'], 1);
  events();
  voterSays('denied');
  assert.deepEqual(events(), ['outranked 9']);
});
