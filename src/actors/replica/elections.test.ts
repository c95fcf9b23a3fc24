/** Who leads when, and why: pre-vote, three witnesses, half-deaf replicas, processes that stand still, proxies out of reach. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { below } from '../../ports/random.ts';
import type { FailoverReport } from '../../protocol/control/messages.ts';
import { Cluster, type ClusterOptions, REPLICAS } from './cluster.test-kit.ts';

const started = (options: ClusterOptions = {}): Cluster => {
  const cluster = new Cluster(options);
  cluster.start(...cluster.voters);
  cluster.until('main leads, backup in sync', () => cluster.isPrimary('main', 'SYNC'));
  return cluster;
};

const acknowledged = (cluster: Cluster, name: string, text: string): void => {
  const answer = cluster.propose(name, text);
  cluster.until(`${text} is answered`, () => answer.result !== null);
  assert.ok(answer.result?.ok, JSON.stringify(answer.result));
};

const epochOf = (cluster: Cluster, name: string): number => cluster.replica(name).status().epoch;
const stateOf = (cluster: Cluster, name: string): string[] => cluster.disk(name).ledger.state;
const failoverAt = (cluster: Cluster, name: string): FailoverReport | null => cluster.replica(name).report().lastFailover;

describe('pre-vote', () => {
  test('a backup that hears nobody raises no epoch, however often it asks, while the main is heard by others', () => {
    const cluster = started();
    const epoch = epochOf(cluster, 'main');
    // It can still be heard: its questions arrive, the answers do not.
    cluster.mute('main', 'backup');
    cluster.mute('proxy', 'backup');
    let asked = 0;
    cluster.onSend = (from, _to, frame) => {
      if (from === 'backup' && frame.kind === 'preVote') asked++;
      assert.notEqual(frame.kind, 'vote', 'nobody is asked for a promise');
    };
    cluster.run(30);
    assert.ok(asked > 10, `${asked} questions`);
    acknowledged(cluster, 'main', 'a');
    cluster.heal();
    cluster.until('sync again', () => cluster.isPrimary('main', 'SYNC'), 6);
    assert.equal(epochOf(cluster, 'main'), epoch);
    assert.equal(epochOf(cluster, 'backup'), epoch);
  });

  test('a main that hears nobody is replaced once, and does not come back for it again and again', () => {
    const cluster = started();
    cluster.mute('backup', 'main');
    cluster.mute('proxy', 'main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 6);
    const epoch = epochOf(cluster, 'backup');
    cluster.run(30);
    assert.ok(cluster.isPrimary('backup'));
    assert.equal(epochOf(cluster, 'backup'), epoch);
    cluster.heal();
    cluster.until('main follows', () => cluster.isPrimary('backup', 'SYNC'), 6);
  });

  test('a replica that may not lead finds that out without an election, and says whom it waits for', () => {
    const cluster = started();
    cluster.kill('backup');
    acknowledged(cluster, 'main', 'only main');
    cluster.kill('main');
    const epoch = cluster.voter('proxy').status().promised;
    cluster.start('backup');
    cluster.until('it knows', () => cluster.replica('backup').status().waitsFor === 'main');
    cluster.run(20);
    assert.equal(cluster.voter('proxy').status().promised, epoch);
  });

  test('its own promise is on disk before it asks anybody for one (R9 counts on that)', () => {
    const cluster = started();
    let votes = 0;
    cluster.onSend = (from, _to, frame) => {
      if (frame.kind !== 'vote') return;
      votes++;
      assert.ok(cluster.voter(from).status().promised >= frame.epoch);
    };
    cluster.kill('main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'));
    assert.ok(votes > 0);
  });
});

describe('three witnesses', () => {
  test('any two of the five voters may be gone', () => {
    const cluster = started({ witnesses: 3 });
    acknowledged(cluster, 'main', 'a');
    cluster.kill('proxy2');
    cluster.kill('main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 4);
    assert.deepEqual(stateOf(cluster, 'backup'), ['a']);
    cluster.kill('proxy');
    cluster.until('two of five are no majority', () => cluster.primary() === null, 4);
    cluster.start('proxy2');
    cluster.until('three are', () => cluster.isPrimary('backup'), 4);
    acknowledged(cluster, 'backup', 'b');
  });

  test('a witness that lost its state reads two replicas and another witness, to which it has no link', () => {
    const cluster = started({ witnesses: 3 });
    acknowledged(cluster, 'main', 'a');
    for (const name of ['proxy', 'proxy2']) cluster.kill(name);
    cluster.loseVoter('proxy');
    cluster.start('proxy');
    cluster.until('it is back', () => cluster.voter('proxy').status().phase === 'idle');
    assert.equal(cluster.voter('proxy').status().promised, cluster.voter('main').status().promised);
    cluster.kill('proxy');
    cluster.kill('proxy3');
    cluster.loseVoter('proxy');
    cluster.start('proxy');
    cluster.run(5);
    assert.equal(cluster.voter('proxy').status().phase, 'rejoining', 'the two replicas alone are too few');
    cluster.start('proxy2');
    cluster.until('it is back again', () => cluster.voter('proxy').status().phase === 'idle');
  });

  test('kills, cuts and lost states in any order lose no acknowledged change, and the pair comes back', () => {
    for (let seed = 1; seed <= 40; seed++) disorder(seed);
  });
});

const disorder = (seed: number): void => {
  const cluster = new Cluster({ seed, witnesses: 3 });
  cluster.start(...cluster.voters);
  const answers: { text: string; answer: ReturnType<Cluster['propose']> }[] = [];
  const pick = (label: string): string => cluster.voters[below(cluster.random, label, cluster.voters.length)] as string;
  for (let round = 0; round < 25; round++) {
    cluster.run(below(cluster.random, 'walk.wait', 1_500) / 1_000);
    const [one, other] = [pick('walk.who'), pick('walk.other')];
    const what = below(cluster.random, 'walk.what', 13);
    if (what < 3) cluster.kill(one);
    else if (what < 8) {
      if (!cluster.alive(one)) {
        // One loss at a time: who has lost its state can count on the others.
        const whole = cluster.voters.every((name) => !cluster.alive(name) || cluster.voter(name).status().phase !== 'rejoining');
        if (!REPLICAS.includes(one) && whole && below(cluster.random, 'walk.amnesia', 3) === 0) cluster.loseVoter(one);
        cluster.start(one);
      }
    } else if (what < 9) cluster.cut(one, other);
    else if (what < 10) cluster.mute(one, other);
    else if (what < 11) {
      if (cluster.alive(one)) cluster.standStill(one, 200 + below(cluster.random, 'walk.still', 3_000));
    } else cluster.heal();
    for (const replica of REPLICAS) {
      for (let i = below(cluster.random, 'walk.load', 6); i > 0 && cluster.alive(replica); i--) {
        const text = `${seed}.${round}.${replica}.${i}`;
        answers.push({ text, answer: cluster.propose(replica, text) });
      }
    }
  }
  for (const name of cluster.voters) if (!cluster.alive(name)) cluster.start(name);
  cluster.heal();
  cluster.until(`seed ${seed}: in sync`, () => cluster.primary()?.status().mode === 'SYNC', 30);
  cluster.until(
    `seed ${seed}: all is applied`,
    () =>
      REPLICAS.every((name) => {
        const { appliedSeq, lastSeq } = cluster.replica(name).status();
        return appliedSeq === lastSeq && lastSeq === cluster.primary()?.status().lastSeq;
      }),
    30,
  );
  const state = stateOf(cluster, 'main');
  assert.deepEqual(state, stateOf(cluster, 'backup'));
  for (const { text, answer } of answers) if (answer.result?.ok) assert.ok(state.includes(text), `seed ${seed} lost ${text}`);
};

describe('a process that stood still', () => {
  test('does not speak as primary before a majority has confirmed it, and then goes on in the same epoch', () => {
    const cluster = started();
    const epoch = epochOf(cluster, 'main');
    acknowledged(cluster, 'main', 'a');
    let spoke: string | null = null;
    let asked = false;
    cluster.onSend = (from, _to, frame) => {
      if (from !== 'main') return;
      asked ||= frame.kind === 'voterRead';
      if (frame.kind === 'heartbeat' && !asked) spoke = frame.kind;
    };
    const waiting = cluster.propose('main', 'b');
    cluster.standStill('main', 800);
    cluster.until('main looks around', () => asked);
    assert.equal(cluster.replica('main').status().role, 'candidate', 'reads are refused meanwhile');
    assert.equal(waiting.result, null);
    const refused = cluster.propose('main', 'c');
    cluster.until('refused', () => refused.result !== null);
    assert.equal(refused.result?.ok === false && refused.result.error.code, 'not-primary');
    cluster.until('main leads again', () => cluster.isPrimary('main'), 0.1);
    cluster.until('the change is acknowledged', () => waiting.result?.ok === true, 2);
    assert.equal(spoke, null);
    assert.equal(epochOf(cluster, 'main'), epoch);
  });

  test('sends no change that came just before, until it trusts itself again', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const cluster = started({ seed });
      const said: string[] = [];
      cluster.onSend = (from, _to, { kind }) => {
        const speaks = kind === 'heartbeat' || kind === 'append' || kind === 'propose';
        if (from === 'main' && speaks && cluster.replica('main').status().role !== 'primary') said.push(kind);
      };
      // One is being written, one waits for that, one was only just asked for.
      const answers = ['a', 'b', 'c'].map((text) => {
        const answer = cluster.propose('main', text);
        cluster.run(below(cluster.random, 'between changes', 4_000) / 1e6);
        return answer;
      });
      cluster.standStill('main', 800);
      cluster.until('main looks around', () => cluster.replica('main').status().role === 'candidate');
      cluster.until('the changes are acknowledged', () => answers.every(({ result }) => result?.ok === true), 2);
      assert.deepEqual(said, [], `seed ${seed}`);
    }
  });

  test('whose first news is the heartbeat of another primary does not claim that epoch for itself', () => {
    const cluster = started();
    const epoch = epochOf(cluster, 'main') + 1;
    cluster.deliver('backup', 'main', { kind: 'heartbeat', epoch, v: 0, round: 1, commitSeq: 1, primary: 'backup' });
    const told = cluster.statuses.filter(({ name, status }) => name === 'main' && status.epoch === epoch);
    assert.ok(told.length > 0);
    for (const { status } of told) assert.deepEqual([status.role === 'primary', status.primary], [false, 'backup']);
  });

  test('finds that it was replaced, and follows', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'a');
    cluster.standStill('main', 5_000);
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 4);
    acknowledged(cluster, 'backup', 'b');
    cluster.onSend = (from, _to, frame) => assert.ok(from !== 'main' || frame.kind !== 'heartbeat', 'main does not speak as primary');
    cluster.until('main follows', () => cluster.isPrimary('backup', 'SYNC'), 8);
    assert.deepEqual(failoverAt(cluster, 'main'), failoverAt(cluster, 'backup'));
  });

  test('a backup that stood still does not take that for the silence of the main', () => {
    const cluster = started();
    cluster.onSend = (_from, _to, frame) => assert.notEqual(frame.kind, 'preVote');
    for (let i = 0; i < 10; i++) {
      cluster.standStill('backup', 3_000);
      cluster.run(4);
    }
    assert.ok(cluster.isPrimary('main', 'SYNC'));
  });
});

test('a primary that no proxy reaches hands over to the one that proxies reach', () => {
  const cluster = started();
  const epoch = epochOf(cluster, 'main');
  cluster.cut('main', 'proxy');
  cluster.run(2);
  assert.ok(cluster.isPrimary('main', 'SYNC'), 'not at once');
  cluster.until('the backup leads', () => cluster.isPrimary('backup', 'SYNC'), 4);
  assert.equal(epochOf(cluster, 'backup'), epoch + 1);
  const failover = failoverAt(cluster, 'backup');
  assert.deepEqual([failover?.from, failover?.to, failover?.why], ['main', 'backup', 'no proxy reached main for 3.0 s']);
  cluster.run(20);
  assert.ok(cluster.isPrimary('backup', 'SYNC'), 'and stays there');
});

test('a primary hands over to the one that all of its proxies reach and others too, and stays where each has its own', () => {
  const cluster = started({ witnesses: 3 });
  cluster.cut('main', 'proxy2');
  cluster.run(2);
  assert.ok(cluster.isPrimary('main', 'SYNC'), 'not at once');
  cluster.until('the backup leads', () => cluster.isPrimary('backup', 'SYNC'), 4);
  assert.equal(failoverAt(cluster, 'backup')?.why, 'more proxies reached the other replica than main for 3.0 s');
  cluster.cut('backup', 'proxy');
  cluster.run(20);
  assert.ok(cluster.isPrimary('backup', 'SYNC'), 'each has a proxy that the other lacks');
});

test('a hand-over in vain is tried again after longer and longer, for writes are held up by each', () => {
  const cluster = started({ witnesses: 3 });
  let asked = 0;
  cluster.onSend = (_from, _to, frame) => {
    if (frame.kind === 'timeoutNow') asked++;
  };
  // It has everything, and cannot promise itself an epoch.
  cluster.disk('backup').full = true;
  cluster.cut('main', 'proxy2');
  cluster.run(60);
  assert.equal(asked, 4, 'after 3, 6, 12 and 24 s');
  assert.ok(cluster.isPrimary('main', 'SYNC'));
  cluster.disk('backup').full = false;
  cluster.until('the backup leads', () => cluster.isPrimary('backup', 'SYNC'), 60);
});

describe('what people are told', () => {
  test('who led before, who leads, and why; main knows it too when it is back', () => {
    const cluster = started();
    assert.equal(failoverAt(cluster, 'main')?.why, 'main was started and heard no primary');
    cluster.vanish('main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 4);
    const failover = failoverAt(cluster, 'backup') as FailoverReport;
    assert.deepEqual([failover.from, failover.to, failover.epoch], ['main', 'backup', epochOf(cluster, 'backup')]);
    assert.match(failover.why, /^main was silent for (0\.9|1\.[01]) s$/u);
    cluster.start('main');
    cluster.until('main is in sync', () => cluster.isPrimary('backup', 'SYNC'), 5);
    assert.deepEqual(failoverAt(cluster, 'main'), failover);
  });

  test('a main whose links ended was not silent for long', () => {
    const cluster = started();
    cluster.kill('main');
    cluster.until('the backup leads', () => cluster.isPrimary('backup'), 1);
    assert.equal(failoverAt(cluster, 'backup')?.why, 'the link to main ended');
  });

  test('a primary knows how far the other one is, and which voters answer', () => {
    const cluster = started();
    acknowledged(cluster, 'main', 'a');
    const fine = cluster.replica('main').report();
    assert.deepEqual(fine.followers, [{ name: 'backup', state: 'streaming', lagEntries: 0, lagBytes: 0 }]);
    assert.deepEqual(
      fine.voters.map(({ reachable }) => reachable),
      [true, true, true],
    );
    assert.deepEqual([fine.generation, fine.draining, fine.primary], [0, false, 'main']);
    cluster.kill('backup');
    acknowledged(cluster, 'main', 'b');
    cluster.run(2);
    const alone = cluster.replica('main').report();
    assert.deepEqual(
      alone.voters.map(({ reachable }) => reachable),
      [true, false, true],
    );
    assert.equal(alone.followers[0]?.lagEntries, 1);
    assert.ok((alone.followers[0]?.lagBytes ?? 0) > 0);
  });
});

test('from the death of the main to the next change: mostly below a second, whether links end or not', () => {
  for (const how of ['kill', 'vanish'] as const) {
    const times: number[] = [];
    for (let seed = 1; seed <= 60; seed++) {
      const cluster = started({ seed });
      acknowledged(cluster, 'main', 'a');
      cluster.run(below(cluster.random, 'moment', 500) / 1_000);
      cluster[how]('main');
      const diedAt = cluster.now();
      cluster.until('the backup leads', () => cluster.isPrimary('backup'), 5);
      acknowledged(cluster, 'backup', 'b');
      times.push((cluster.now() - diedAt) / 1_000);
    }
    times.sort((a, b) => a - b);
    const [p50, p99] = [times[30] ?? 0, times.at(-1) ?? 0];
    assert.ok(p50 <= (how === 'kill' ? 600 : 1_100) && p99 <= 2_000, `${how}: p50 ${p50} ms, p99 ${p99} ms`);
  }
});
