import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import type { SnapshotChunk } from '../../domain/ledger/types.ts';
import { nextEntry } from '../../domain/replication/chain.ts';
import { EMPTY_LOG, type LogEntry, type LogPosition } from '../../domain/replication/types.ts';
import { silentLog } from '../../ports/log.ts';
import type { ReplicationFrame } from '../../protocol/control/messages.ts';
import { Bench } from '../voter/bench.test-kit.ts';
import { ReplicationLink } from './link.ts';
import { replicationLinkMachine } from './machine.ts';

const EPOCH = 3;

const logOf = (count: number): LogEntry[] => {
  const log: LogEntry[] = [];
  for (let i = 0; i < count; i++)
    log.push(nextEntry(log.at(-1) ?? EMPTY_LOG, EPOCH, { requestId: null, payload: new Uint8Array(100), wallMs: 0 }));
  return log;
};

/** A primary's link over a log in memory, of which the first `compacted` entries are gone and `recentFrom` begins what is in memory. */
const linkOver = (log: LogEntry[], { compacted = 0, recentFrom = 1, windowBytesMax = 100_000, generation = 0 } = {}) => {
  const bench = new Bench();
  const sent: ReplicationFrame[] = [];
  const told: string[] = [];
  const at = (seq: number): LogPosition | null => (seq === 0 ? EMPTY_LOG : (log[seq - 1] ?? null));
  const page = (fromSeq: number) => ({ before: at(fromSeq - 1) as LogPosition, entries: log.slice(fromSeq - 1, fromSeq + 1) });
  const link = new ReplicationLink({
    reactor: bench.reactor,
    clock: bench.clock,
    log: silentLog,
    follower: 'backup',
    epoch: EPOCH,
    send: (frame) => sent.push(frame) > 0,
    retryMs: 1_000,
    limits: { windowBytesMax, batchBytesMax: 1_000, upgradeLagBytesMax: 500, snapshotChunkBytes: 10 },
    source: {
      get head() {
        return log.at(-1) ?? EMPTY_LOG;
      },
      commitSeq: 2,
      generation,
      failover: null,
      bytesAfter: (seq) => (log.length - seq) * 260,
      recent: (fromSeq) => (fromSeq < recentFrom ? null : page(fromSeq)),
      read: (fromSeq, _bytesMax, done) => bench.later(1_000, () => done(fromSeq <= compacted ? null : page(fromSeq))),
      position: (seq, done) => bench.later(1_000, () => done(seq > 0 && seq < compacted ? null : at(seq))),
      snapshotRead: (seq, index, _bytesMax, done) => {
        const position = at(compacted) as LogPosition;
        const chunk: SnapshotChunk = { position, index, bytes: Buffer.from(`chunk ${index}`), done: index === 1 };
        bench.later(1_000, () => done(seq !== null && seq !== position.seq ? null : chunk));
      },
      matched: (_follower, seq) => told.push(`matched ${seq}`),
      outranked: (epoch) => told.push(`outranked ${epoch}`),
    },
  });
  const say = (frame: ReplicationFrame): void => {
    bench.step(() => link.receive(frame));
    bench.run(5);
  };
  const up = (): void => {
    bench.step(() => link.peerUp());
    bench.run(5);
  };
  return { bench, link, say, up, take: () => sent.splice(0), tell: () => told.splice(0) };
};

const probed = (last: LogPosition, appliedSeq = 0): ReplicationFrame => ({
  kind: 'probed',
  epoch: EPOCH,
  matches: false,
  last,
  appliedSeq,
});
const ack = (durableSeq: number): ReplicationFrame => ({ kind: 'appendAck', epoch: EPOCH, durableSeq, appliedSeq: 0 });
const spans = (frames: readonly ReplicationFrame[]): string[] =>
  frames.map((frame) => (frame.kind === 'append' ? `${frame.before.seq + 1}-${frame.before.seq + frame.entries.length}` : frame.kind));

test('asks where the follower is, and sends what it lacks', () => {
  const log = logOf(4);
  const { link, say, up, take, tell } = linkOver(log);
  assert.equal(link.phase, 'connecting');
  up();
  assert.deepEqual(take(), [{ kind: 'probe', epoch: EPOCH, at: log[3], failover: null }]);
  say(probed(log[1] as LogEntry));
  assert.deepEqual(tell(), ['matched 2']);
  assert.deepEqual(spans(take()), ['3-4']);
  assert.equal(link.closeBehind, true, 'what is just sent does not make a follower lag');
  say(ack(4));
  assert.deepEqual(tell(), ['matched 4']);
  assert.equal(link.phase, 'streaming');
});

test('a follower whose log differs gets everything from what it has applied', () => {
  const log = logOf(4);
  const { say, up, take, tell } = linkOver(log);
  up();
  take();
  say(probed({ ...(log[2] as LogEntry), epoch: 1 }, 1));
  assert.deepEqual(tell(), [], 'nothing is known to match yet');
  assert.deepEqual(spans(take()), ['2-3', '4-4']);
});

/** Answers for a follower of an older generation, which has `last` and has applied `applied`, until the primary stops asking. */
const comparing = (to: ReturnType<typeof linkOver>, last: LogPosition, applied: number, common: number): number[] => {
  const asked: number[] = [];
  to.up();
  for (let [frame] = to.take(); frame?.kind === 'probe'; [frame] = to.take()) {
    assert.equal(frame.generation, 2);
    asked.push(frame.at.seq);
    assert.ok(asked.length < 20);
    const matches = frame.at.seq <= common;
    const diverged = matches && frame.at.seq >= applied ? {} : { diverged: true as const };
    to.say({ kind: 'probed', epoch: EPOCH, matches, last, appliedSeq: applied, ...diverged });
    to.bench.run(5);
    if (to.link.phase !== 'probing') break;
  }
  return asked;
};

test('a follower of an older generation is asked until the last common entry is known; then it gets a snapshot', () => {
  const log = logOf(40);
  const to = linkOver(log, { generation: 2, compacted: 1 });
  const asked = comparing(to, { ...(log[29] as LogEntry), epoch: 1 }, 25, 11);
  assert.deepEqual(asked.slice(0, 2), [40, 25], 'the end, then what the follower has applied');
  assert.ok(asked.includes(11) && asked.includes(12));
  assert.equal(to.link.phase, 'snapshot');
  assert.deepEqual(to.tell(), []);
});

test('where the logs part only behind what the follower has applied, it goes on from there', () => {
  const log = logOf(40);
  const to = linkOver(log, { generation: 2 });
  const asked = comparing(to, { ...(log[29] as LogEntry), epoch: 1 }, 25, 25);
  assert.deepEqual(asked, [40, 25]);
  assert.notEqual(to.link.phase, 'snapshot');
});

test('sends no more than a window ahead of the acknowledgements, reading old entries from the disk', () => {
  const { say, up, take, bench, link } = linkOver(logOf(20), { windowBytesMax: 1_000, recentFrom: 9 });
  up();
  take();
  say(probed(EMPTY_LOG));
  bench.run(10);
  assert.deepEqual(spans(take()), ['1-2', '3-4']);
  assert.deepEqual([link.phase, link.closeBehind], ['lagging', false]);
  say(ack(2));
  bench.run(10);
  assert.deepEqual(spans(take()), ['5-6']);
});

test('after a nack it asks once, however many nacks come, and goes on from the answer', () => {
  const log = logOf(6);
  const { say, up, take } = linkOver(log);
  up();
  take();
  say(probed(EMPTY_LOG));
  take();
  const nack: ReplicationFrame = { kind: 'appendNack', epoch: EPOCH, promised: EPOCH, last: log[0] as LogEntry, appliedSeq: 0 };
  say(nack);
  say(nack);
  say(nack);
  assert.deepEqual(
    take().map((frame) => frame.kind),
    ['probe'],
  );
  say(probed(log[0] as LogEntry));
  assert.deepEqual(spans(take()), ['2-3', '4-5', '6-6']);
});

test('a nack with a higher promise is for the primary (R11); frames of other epochs are for nobody', () => {
  const { say, up, tell } = linkOver(logOf(2));
  up();
  say({ kind: 'appendNack', epoch: EPOCH - 1, promised: 9, last: EMPTY_LOG, appliedSeq: 0 });
  assert.deepEqual(tell(), []);
  say({ kind: 'appendNack', epoch: EPOCH, promised: 9, last: EMPTY_LOG, appliedSeq: 0 });
  assert.deepEqual(tell(), ['outranked 9']);
});

test('a snapshot, chunk by chunk, where the log no longer goes back that far', () => {
  const log = logOf(8);
  const { link, say, up, take, tell } = linkOver(log, { compacted: 6, recentFrom: 8 });
  up();
  take();
  say(probed(EMPTY_LOG));
  assert.equal(link.phase, 'snapshot');
  const [first] = take();
  tell();
  assert.ok(first?.kind === 'snapshotChunk' && first.index === 0 && !first.done && first.position.seq === 6);
  say({ kind: 'snapshotAck', epoch: EPOCH, index: 0 });
  const [second] = take();
  assert.ok(second?.kind === 'snapshotChunk' && second.index === 1 && second.done);
  say({ kind: 'snapshotAck', epoch: EPOCH, index: 1 });
  assert.deepEqual(tell(), ['matched 6']);
  assert.deepEqual(spans(take()), ['7-8']);
});

test('a follower that is silent about what was sent is asked again; one that is down is not', () => {
  const { bench, link, say, up, take } = linkOver(logOf(2));
  up();
  take();
  say(probed(EMPTY_LOG));
  take();
  bench.run(1_100);
  bench.step(() => link.wake());
  assert.deepEqual(
    take().map((frame) => frame.kind),
    ['probe'],
  );
  bench.step(() => link.peerDown());
  assert.equal(link.phase, 'down');
  bench.run(2_000);
  bench.step(() => link.wake());
  assert.deepEqual(take(), []);
  up();
  assert.deepEqual([link.phase, take().map((frame) => frame.kind)], ['probing', ['probe']]);
});

test('the machine of a link: connecting, probing, lagging, streaming, snapshot, down', () => {
  const did: string[] = [];
  const actor = createActor(replicationLinkMachine, {
    input: { effects: { probe: () => did.push('probe'), sendSnapshot: () => did.push('snapshot') } },
  }).start();
  const steps = [
    ['follower.lost', 'connecting'],
    ['peer.up', 'probing'],
    ['follower.probed', 'lagging'],
    ['lag.closed', 'streaming'],
    ['lag.grew', 'lagging'],
    ['log.compacted', 'snapshot'],
    ['snapshot.installed', 'lagging'],
    ['follower.lost', 'probing'],
    ['peer.down', 'down'],
    ['follower.lost', 'down'],
    ['peer.up', 'probing'],
  ] as const;
  for (const [type, state] of steps) {
    actor.send({ type });
    assert.equal(actor.getSnapshot().value, state, type);
  }
  assert.deepEqual(did, ['probe', 'snapshot', 'probe', 'probe']);
});
