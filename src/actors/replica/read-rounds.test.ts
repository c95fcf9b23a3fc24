import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cluster } from './cluster.test-kit.ts';
import { ReadRounds } from './read-rounds.ts';

/** Five voters' reads, with the rounds that were begun. */
const five = ({ readsMax = 100, appliedSeq = 0 } = {}) => {
  let round = 0;
  const reads = new ReadRounds({ epoch: 3, others: ['b', 'c', 'd', 'e'], majority: 3, readsMax, beat: () => ++round }, appliedSeq);
  const answers: string[] = [];
  const ask = (seq = 0): void =>
    reads.ask(seq, (result) => answers.push(result.ok ? `${result.value.epoch}:${result.value.seq}` : result.error.code));
  return { reads, ask, answers, rounds: () => round };
};

describe('rounds of reads', () => {
  test('a read waits for a majority of a round that began after it, and for what was committed', () => {
    const { reads, ask, answers, rounds } = five({ appliedSeq: 7 });
    ask(9);
    assert.equal(rounds(), 1);
    reads.answered('b', 1);
    reads.answered('b', 1);
    assert.deepEqual(answers, []);
    reads.answered('d', 1);
    assert.deepEqual(answers, [], 'not applied yet');
    reads.applied(8);
    assert.deepEqual(answers, []);
    reads.applied(9);
    assert.deepEqual(answers, ['3:9']);
  });

  test('reads that are asked during a round share the next one, which begins when this one is confirmed', () => {
    const { reads, ask, answers, rounds } = five();
    ask();
    for (let i = 0; i < 5; i++) ask();
    assert.equal(rounds(), 1);
    reads.answered('b', 1);
    reads.answered('c', 1);
    assert.equal(answers.length, 1, 'the round began before the five were asked');
    assert.equal(rounds(), 2);
    reads.answered('d', 1);
    reads.answered('e', 1);
    assert.equal(answers.length, 1);
    reads.answered('d', 2);
    reads.answered('e', 2);
    assert.equal(answers.length, 6);
    assert.equal(rounds(), 2);
  });

  test('an ordinary heartbeat does as well, and a later round confirms the earlier ones', () => {
    const { reads, ask, answers, rounds } = five();
    ask();
    ask();
    reads.begun(2);
    reads.answered('b', 2);
    reads.answered('c', 2);
    assert.equal(answers.length, 2);
    assert.equal(rounds(), 1);
  });

  test('strangers and rounds that were never begun count for nothing', () => {
    const { reads, ask, answers } = five();
    ask();
    for (const stranger of ['x', 'y', 'z']) reads.answered(stranger, 1);
    reads.answered('b', 5);
    reads.answered('c', 5);
    assert.deepEqual(answers, []);
  });

  test('there is a limit, and at the end of the epoch everybody is sent elsewhere', () => {
    const { reads, ask, answers } = five({ readsMax: 2 });
    for (let i = 0; i < 3; i++) ask();
    assert.deepEqual(answers, ['busy']);
    reads.stop();
    assert.deepEqual(answers, ['busy', 'not-primary', 'not-primary']);
  });
});

describe('linearizable reads of three voters', () => {
  const started = (seed = 1): Cluster => {
    const cluster = new Cluster({ seed });
    cluster.start('main', 'backup', 'proxy');
    cluster.until('main leads, backup in sync', () => cluster.isPrimary('main', 'SYNC'));
    return cluster;
  };

  test('a read costs one round: it is answered without waiting for the next heartbeat', () => {
    const cluster = started();
    for (let i = 0; i < 20; i++) {
      cluster.run(0.037);
      const before = cluster.now();
      const read = cluster.readIndex('main');
      cluster.until('answered', () => read.result !== null);
      assert.ok(read.result?.ok);
      // A frame takes 2 ms at most each way here; a round may have to wait for the one under way.
      assert.ok(cluster.now() - before <= 2 * 4_000, `${cluster.now() - before} µs`);
    }
  });

  test('a thousand reads share a few rounds', () => {
    const cluster = started();
    let heartbeats = 0;
    cluster.onSend = (_from, to, frame) => {
      if (frame.kind === 'heartbeat' && to === 'proxy') heartbeats++;
    };
    const reads = Array.from({ length: 1_000 }, () => cluster.readIndex('main'));
    cluster.until('all are answered', () => reads.every((read) => read.result !== null));
    assert.ok(reads.every((read) => read.result?.ok));
    assert.ok(heartbeats <= 4, `${heartbeats} rounds`);
  });

  test('a read sees what was acknowledged before it', () => {
    const cluster = started();
    const change = cluster.propose('main', 'a');
    cluster.until('acknowledged', () => change.result !== null);
    assert.ok(change.result?.ok);
    const { seq, epoch } = change.result.value;
    const read = cluster.readIndex('main');
    cluster.until('answered', () => read.result !== null);
    assert.ok(read.result?.ok && read.result.value.seq >= seq && read.result.value.epoch === epoch);
    const elsewhere = cluster.readIndex('backup');
    cluster.until('answered', () => elsewhere.result !== null);
    assert.ok(elsewhere.result?.ok === false && elsewhere.result.error.code === 'not-primary');
  });

  test('a primary that was replaced and does not know it answers no read, however long it goes on', () => {
    const cluster = started();
    // What the main says is heard by nobody, what others say it hears: it goes on for a second.
    cluster.cut('main', 'backup');
    cluster.mute('proxy', 'main');
    cluster.run(0.01);
    const reads: ReturnType<Cluster['readIndex']>[] = [];
    while (!cluster.isPrimary('backup')) {
      if (cluster.isPrimary('main')) reads.push(cluster.readIndex('main'));
      cluster.run(0.02);
    }
    cluster.until('all are answered', () => reads.every((read) => read.result !== null));
    assert.ok(reads.length > 10);
    for (const read of reads) assert.ok(read.result?.ok === false && read.result.error.code === 'not-primary');
  });

  test('an answer to a heartbeat of an older epoch of the same replica confirms nothing', () => {
    const cluster = started();
    const { epoch } = cluster.replica('main').status();
    cluster.mute('proxy', 'main');
    cluster.mute('backup', 'main');
    const read = cluster.readIndex('main');
    cluster.run(0.02);
    for (let round = 1; round < 100; round++)
      cluster.deliver('proxy', 'main', { kind: 'heartbeatAck', proxyReach: 0, epoch: epoch - 1, round });
    cluster.run(0.02);
    assert.equal(read.result, null);
    cluster.until('it steps down', () => read.result !== null);
    assert.equal((read as ReturnType<Cluster['readIndex']>).result?.ok, false);
  });
});
