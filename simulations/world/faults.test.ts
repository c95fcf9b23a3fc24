import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { millis, seconds } from '../../src/ports/clock.ts';
import { Cluster, type ClusterOptions } from '../cluster.ts';
import type { Fault } from '../plan/types.ts';
import { signIn } from '../scenarios/scenario.ts';
import { Faults } from './faults.ts';
import { betweenTripwires, World } from './index.ts';

interface Scene {
  readonly world: World;
  readonly cluster: Cluster;
  readonly faults: Faults;
  /** Steps that a process has taken so far. */
  steps(name: string): number;
}

/** A cluster that is up, its pair whole. */
const withCluster = (body: (scene: Scene) => void, options: ClusterOptions = { nodes: 1 }, plan: readonly Fault[] = []): void => {
  const world = new World({ seed: 11 });
  betweenTripwires(world, () => {
    const steps = new Map<string, number>();
    world.observe({ stepped: (name) => void steps.set(name, (steps.get(name) ?? 0) + 1) });
    const cluster = new Cluster(world, options);
    cluster.startAll();
    cluster.until('the pair is whole', () => cluster.replica(cluster.primary())?.mode === 'SYNC');
    world.runFor(seconds(1));
    body({ world, cluster, faults: new Faults(cluster, { seed: 11, faults: plan }), steps: (name) => steps.get(name) ?? 0 });
  });
};

const on = (process: string, forMs: number) => ({ id: 1, atMs: 0, forMs, process });
const replicasUp = (cluster: Cluster, proxy = 'proxy1'): readonly boolean[] =>
  (cluster.status(proxy) as { proxy: { replicas: readonly { up: boolean }[] } }).proxy.replicas.map(({ up }) => up);

describe('faults between processes', () => {
  test('a cut is silence: both sides miss each other after the time-out, and find each other when it is over', () => {
    withCluster(({ world, cluster, faults }) => {
      faults.begin({ id: 1, atMs: 0, forMs: 6_000, kind: 'cut', from: ['proxy1'], to: ['backup'], bothWays: true });
      world.runFor(seconds(1));
      assert.deepEqual(replicasUp(cluster), [true, true], 'nobody is told');
      world.runFor(seconds(4));
      assert.deepEqual(replicasUp(cluster), [true, false]);
      world.runFor(seconds(5));
      assert.deepEqual(replicasUp(cluster), [true, true]);
      assert.equal(faults.happened, 1);
    });
  });

  test('broken links are noticed at once, half-open ones only by their silence', () => {
    for (const silently of [false, true])
      withCluster(({ world, cluster, faults }) => {
        faults.begin({ id: 1, atMs: 0, kind: 'breakLinks', process: 'proxy1', other: 'backup', silently });
        world.runFor(millis(5));
        assert.deepEqual(replicasUp(cluster), [true, silently]);
        world.runFor(seconds(4));
        assert.deepEqual(replicasUp(cluster), [true, true], 'and made anew');
        faults.begin({ id: 2, atMs: 0, kind: 'breakLinks', process: 'proxy1', other: 'node1', silently });
        faults.begin({ id: 3, atMs: 0, kind: 'breakLinks', process: 'proxy1', other: 'node1', silently });
        assert.equal(faults.happened, 2, 'the last found nothing to break');
      });
  });

  test('a slow link delays what is sent over it, in one direction, until it is over', () => {
    withCluster(({ world, cluster, faults }) => {
      signIn(cluster, 'node1');
      const took = (): number => {
        const begun = world.now();
        cluster.ask('node1', 'whoami', {});
        return world.now() - begun;
      };
      const usual = took();
      faults.begin({ id: 1, atMs: 0, forMs: 3_000, kind: 'slowLink', from: 'proxy1', to: 'node1', latencyMs: 400, jitterMs: 0 });
      const slow = took();
      assert.ok(slow >= usual + millis(398) && slow < usual + millis(500), `${slow} and ${usual} µs`);
      world.runFor(seconds(3));
      assert.ok(took() < usual + millis(5));
    });
  });

  test('sliced bytes arrive in many small pieces', () => {
    withCluster(({ world, faults, steps }) => {
      const stepsFor = (): number => {
        const before = steps('proxy1');
        world.runFor(seconds(2));
        return steps('proxy1') - before;
      };
      const usual = stepsFor();
      faults.begin({ id: 1, atMs: 0, forMs: 2_500, kind: 'slice', from: 'tracker', to: 'proxy1', bytesMax: 3 });
      assert.ok(stepsFor() > 3 * usual);
    });
  });
});

describe('faults of a process', () => {
  test('a kill at a later step falls right after it, and the process is back when it is over', () => {
    withCluster(({ world, cluster, faults, steps }) => {
      const before = steps('backup');
      faults.begin({ ...on('backup', 2_000), kind: 'kill', afterSteps: 7 });
      assert.equal(faults.happened, 0);
      world.runUntil(() => !cluster.running('backup'), seconds(5));
      assert.equal(steps('backup'), before + 7);
      assert.equal(faults.happened, 1);
      world.runFor(seconds(1));
      assert.equal(cluster.running('backup'), false);
      cluster.until('the backup is back', () => cluster.replica('backup')?.role === 'follower');
    });
  });

  test('whoever is down for two reasons starts when the last one is over', () => {
    withCluster(({ world, cluster, faults }) => {
      faults.begin({ ...on('backup', 1_000), kind: 'kill', afterSteps: 0 });
      faults.begin({ ...on('backup', 3_000), id: 2, kind: 'power', afterSteps: 0, torn: true });
      assert.equal(faults.happened, 1, 'the power of a machine fails whether its process runs or not, but nobody sees it');
      world.runFor(seconds(2));
      assert.equal(cluster.running('backup'), false);
      world.runFor(seconds(1.5));
      assert.equal(cluster.running('backup'), true);
    });
  });

  test('a machine without power is silent: the others find out by the clock', () => {
    withCluster(({ world, cluster, faults }) => {
      faults.begin({ ...on('backup', 8_000), kind: 'power', afterSteps: 0, torn: false });
      world.runFor(seconds(1));
      assert.deepEqual(replicasUp(cluster), [true, true]);
      world.runFor(seconds(2));
      assert.deepEqual(replicasUp(cluster), [true, false]);
    });
  });

  test('a stopped process takes no step, and then everything that waited, in order', () => {
    withCluster(({ world, cluster, faults, steps }) => {
      signIn(cluster, 'node1');
      const before = steps('node1');
      faults.begin({ ...on('node1', 4_000), kind: 'pause' });
      const answers: string[] = [];
      cluster.callLater('node1', 'whoami', {}, () => answers.push('first'));
      cluster.callLater('node1', 'whoami', {}, () => answers.push('second'));
      world.runFor(seconds(3.9));
      assert.deepEqual([steps('node1'), answers], [before, []]);
      world.runFor(seconds(1));
      assert.ok(steps('node1') > before);
      assert.deepEqual(answers, ['first', 'second']);
    });
  });

  test('a primary that is stopped for long is not primary when it goes on', () => {
    withCluster(({ world, cluster, faults }) => {
      faults.begin({ ...on('tracker', 3_000), kind: 'pause' });
      world.runFor(seconds(2.9));
      assert.equal(cluster.replica('backup')?.role, 'primary');
      world.runFor(seconds(5));
      assert.equal(cluster.replica('tracker')?.role, 'follower');
    });
  });

  test('whoever was killed while stopped is not stopped when it starts again', () => {
    withCluster(({ world, cluster, faults, steps }) => {
      faults.begin({ ...on('node1', 60_000), kind: 'pause' });
      world.runFor(seconds(1));
      faults.begin({ ...on('node1', 1_000), id: 2, kind: 'kill', afterSteps: 0 });
      const before = steps('node1');
      world.runFor(seconds(5));
      assert.ok(cluster.running('node1') && steps('node1') > before);
    });
  });

  test('slow steps keep a process busy: its next one comes that much later', () => {
    withCluster(({ world, cluster, faults }) => {
      faults.begin({ ...on('node1', 5_000), kind: 'slow', stepMicros: 50_000 });
      const times: number[] = [];
      world.observe({ stepped: (name) => void (name === 'node1' && times.push(world.now())) });
      for (let call = 0; call < 5; call++) cluster.callLater('node1', 'status', {}, () => {});
      world.runFor(seconds(1));
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
      assert.ok(times.length >= 5 && gaps.every((gap) => gap >= 50_000), gaps.join(' '));
    });
  });

  test('a clock that goes faster fires its timers earlier, also those that ran already', () => {
    withCluster(({ world, faults }) => {
      const process = world.process('lonely');
      const fired: number[] = [];
      process.start(({ ports: { clock } }) => {
        for (const at of [1, 2, 3]) clock.setTimer(seconds(at), () => fired.push(Math.round(world.now() / 1_000)));
      });
      const begun = Math.round(world.now() / 1_000);
      world.runFor(seconds(1.5));
      faults.begin({ ...on('lonely', 10_000), kind: 'clockRate', rate: 1.25 });
      world.runFor(seconds(5));
      assert.deepEqual(
        fired.map((time) => time - begun),
        [1_000, 1_900, 2_700],
      );
    });
  });

  test('the wall clock jumps, and the monotonic one does not', () => {
    withCluster(({ world, faults }) => {
      const { ports } = world.process('lonely').start();
      const [wall, now] = [ports.clock.wallNow(), ports.clock.now()];
      faults.begin({ id: 1, atMs: 0, kind: 'wallJump', process: 'lonely', byMs: -3_600_000 });
      assert.equal(ports.clock.wallNow() - wall, -3_600_000);
      assert.equal(ports.clock.now(), now);
    });
  });
});
