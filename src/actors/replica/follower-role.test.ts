import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextEntry } from '../../domain/replication/chain.ts';
import { LAN_TIMING } from '../../domain/replication/timing.ts';
import { EMPTY_LOG, type LogEntry, type LogPosition } from '../../domain/replication/types.ts';
import { createRandom } from '../../ports/counter-random.ts';
import { silentLog } from '../../ports/log.ts';
import type { ReplicationFrame, VotingFrame } from '../../protocol/control/messages.ts';
import { ok } from '../../protocol/result.ts';
import { Bench, FakeDisk } from '../voter/bench.test-kit.ts';
import { FIRST_START_MARKER } from '../voter/store.ts';
import { Voter } from '../voter/voter.ts';
import { FakeLedger, newLedgerDisk } from './fake-ledger.test-kit.ts';
import { FollowerRole, type PrimaryFrame } from './follower-role.ts';
import { ReplicaLog } from './replica-log.ts';

const entries = (after: LogPosition, epoch: number, ...texts: string[]): LogEntry[] => {
  let previous = after;
  return texts.map((text) => {
    const entry = nextEntry(previous, epoch, { requestId: null, payload: Buffer.from(text), wallMs: 0 });
    previous = entry;
    return entry;
  });
};

/** The follower `backup` on a bench, its log on a disk of its own; what it sends to the main is collected. */
const follower = () => {
  const bench = new Bench();
  const disk = newLedgerDisk();
  const sent: (VotingFrame | ReplicationFrame)[] = [];
  const events: string[] = [];
  const peers = { send: (_to: string, frame: VotingFrame | ReplicationFrame) => sent.push(frame) > 0 };
  const voter = new Voter({
    random: createRandom(1),
    reactor: bench.reactor,
    clock: bench.clock,
    log: silentLog,
    disk: new FakeDisk(new Map([[`/b/${FIRST_START_MARKER}`, new Uint8Array(0)]]), (run) => bench.later(100, run)).port,
    folder: '/b',
    name: 'backup',
    voters: ['main', 'backup', 'proxy'],
    replicas: ['main', 'backup'],
    timing: LAN_TIMING,
    peers,
  });
  const replicaLog = new ReplicaLog(new FakeLedger(disk, (run) => bench.later(1_000, run)), 1_000, {
    applied: (seq) => events.push(`applied ${seq}`),
    failed: (reason) => events.push(`failed ${reason}`),
    firstEntry: (then) => voter.rememberLog(then, (reason) => events.push(reason)),
  });
  bench.step(() => replicaLog.open(() => voter.start()));
  bench.run(10);
  const note = (event: string) => () => void events.push(event);
  const role = new FollowerRole({
    log: silentLog,
    replicaLog,
    voter,
    peers,
    keep: (_what, done) => void bench.later(100, () => done(ok('/b/quarantine/x'))),
    batchBytesMax: 1_000,
    events: {
      heard: () => {},
      matched: note('matched'),
      truncating: note('truncating'),
      installing: note('installing'),
      appended: note('appended'),
      broken: (reason) => events.push(`broken: ${reason}`),
    },
  });
  const asked = new Set<number>();
  /** A primary asks before it sends anything else. */
  const introduce = (epoch: number): void => {
    if (asked.has(epoch)) return;
    asked.add(epoch);
    const at = { seq: 1_000, epoch, hash: new Uint8Array(32) };
    bench.step(() => role.receive('main', { kind: 'probe', epoch, at, failover: null }));
    bench.run(20);
    sent.splice(0);
  };
  const say = (...frames: PrimaryFrame[]): void => {
    for (const { kind, epoch } of frames) if (kind !== 'probe') introduce(epoch);
    bench.step(() => {
      for (const frame of frames) role.receive('main', frame);
    });
    bench.run(20);
  };
  return { bench, disk, voter, role, say, take: () => sent.splice(0), tell: () => events.splice(0) };
};

const append = (epoch: number, before: LogPosition, more: readonly LogEntry[], commitSeq = 0): PrimaryFrame => ({
  kind: 'append',
  epoch,
  before,
  entries: more,
  commitSeq,
});

test('entries of a higher epoch are acknowledged after the promise and the entries are on disk', () => {
  const { disk, voter, say, take } = follower();
  const log = entries(EMPTY_LOG, 3, 'a', 'b');
  say(append(3, EMPTY_LOG, log));
  assert.deepEqual(take(), [{ kind: 'appendAck', epoch: 3, durableSeq: 2, appliedSeq: 0 }]);
  assert.deepEqual([voter.status().promised, disk.entries.length, voter.record?.holdsLog], [3, 2, true]);
});

test('entries of an epoch below the promise are refused, and the promise is told', () => {
  const { disk, say, take } = follower();
  say(append(3, EMPTY_LOG, entries(EMPTY_LOG, 3, 'a')));
  take();
  say(append(2, EMPTY_LOG, entries(EMPTY_LOG, 2, 'x')));
  const [nack] = take();
  assert.ok(nack?.kind === 'appendNack');
  assert.deepEqual([nack.epoch, nack.promised, nack.last.seq, disk.entries.length], [2, 3, 1, 1]);
});

test('what is acknowledged was compared: a longer tail of its own does not count', () => {
  const { say, take } = follower();
  const [a, b, c] = entries(EMPTY_LOG, 1, 'a', 'b', 'c') as [LogEntry, LogEntry, LogEntry];
  say(append(1, EMPTY_LOG, [a, b, c]));
  take();
  say(append(2, a, [b]));
  assert.deepEqual(take(), [{ kind: 'appendAck', epoch: 2, durableSeq: 2, appliedSeq: 0 }]);
});

test('a tail that was not compared in this epoch is not applied, however far the heartbeat says it is committed', () => {
  const { bench, disk, role, say } = follower();
  const [a, b, c] = entries(EMPTY_LOG, 1, 'a', 'b', 'c') as [LogEntry, LogEntry, LogEntry];
  say(append(1, EMPTY_LOG, [a, b, c]));
  say(append(2, a, [b]));
  bench.step(() => role.committed(2, 3));
  bench.run(10);
  assert.equal(disk.applied.seq, 2);
});

test('a conflicting tail is cut off, and the new one is applied as far as it is committed', () => {
  const { disk, say, take, tell } = follower();
  const [a, b] = entries(EMPTY_LOG, 1, 'a', 'b') as [LogEntry, LogEntry];
  say(append(1, EMPTY_LOG, [a, b]));
  tell();
  const other = entries(a, 2, 'x', 'y');
  say(append(2, a, other, 2));
  assert.deepEqual(tell(), ['truncating', 'applied 2', 'appended']);
  assert.deepEqual(
    disk.entries.map((entry) => Buffer.from(entry.payload).toString()),
    ['a', 'x', 'y'],
  );
  assert.equal(take().at(-1)?.kind, 'appendAck');
});

test('appends that wait for the disk become one transaction', () => {
  const { say, take } = follower();
  const log = entries(EMPTY_LOG, 1, 'a', 'b', 'c', 'd');
  const [a, b, c, d] = log as [LogEntry, LogEntry, LogEntry, LogEntry];
  say(append(1, EMPTY_LOG, [a]), append(1, a, [b]), append(1, b, [c, d]));
  assert.deepEqual(
    take().map((frame) => (frame.kind === 'appendAck' ? frame.durableSeq : frame.kind)),
    [1, 4],
  );
});

test('a gap is nacked with where this log ends; a broken chain is not even answered', () => {
  const { disk, say, take } = follower();
  const [a, b, c] = entries(EMPTY_LOG, 1, 'a', 'b', 'c') as [LogEntry, LogEntry, LogEntry];
  say(append(1, b, [c]));
  const [nack] = take();
  assert.ok(nack?.kind === 'appendNack' && nack.last.seq === 0);
  say(append(1, EMPTY_LOG, [{ ...a, payload: Buffer.from('forged') }]));
  assert.deepEqual([take(), disk.entries.length], [[], 0]);
});

test('a probe is answered with whether the logs agree at that place', () => {
  const { say, take, tell } = follower();
  const [a, b] = entries(EMPTY_LOG, 1, 'a', 'b') as [LogEntry, LogEntry];
  say(append(1, EMPTY_LOG, [a, b]));
  take();
  say(
    { kind: 'probe', epoch: 2, at: b, failover: null },
    { kind: 'probe', epoch: 2, at: { ...b, epoch: 2 }, failover: null },
    { kind: 'probe', epoch: 2, at: { ...b, seq: 9 }, failover: null },
  );
  assert.deepEqual(
    take().map((frame) => frame.kind === 'probed' && frame.matches),
    [true, false, false],
  );
  assert.deepEqual(
    tell().filter((event) => event === 'matched'),
    ['matched'],
  );
});

test('a primary whose log is shorter than what was applied here is not believed', () => {
  const { say, take, tell } = follower();
  const [a, b] = entries(EMPTY_LOG, 1, 'a', 'b') as [LogEntry, LogEntry];
  say(append(1, EMPTY_LOG, [a, b], 2));
  take();
  tell();
  say({ kind: 'probe', epoch: 2, at: a, failover: null });
  assert.match(tell().join(), /^broken: Entry 2 was applied here/u);
  assert.deepEqual(take(), []);
});

test('a full disk acknowledges nothing, and goes on when there is room', () => {
  const { disk, say, take } = follower();
  const log = entries(EMPTY_LOG, 1, 'a');
  disk.full = true;
  say(append(1, EMPTY_LOG, log));
  assert.deepEqual(take(), []);
  disk.full = false;
  say(append(1, EMPTY_LOG, log));
  assert.equal(take()[0]?.kind, 'appendAck');
});
