import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seconds } from '../../src/ports/clock.ts';
import { Cluster } from '../cluster.ts';
import type { Fault } from '../plan/types.ts';
import { contentOf, signIn } from '../scenarios/scenario.ts';
import { Faults } from './faults.ts';
import { betweenTripwires, World } from './index.ts';
import { storedVoter } from './losses.ts';

interface Scene {
  readonly world: World;
  readonly cluster: Cluster;
  readonly faults: Faults;
}

/** A cluster that is up, its pair whole, with a user signed in. */
const withCluster = (body: (scene: Scene) => void, plan: readonly Fault[] = []): void => {
  const world = new World({ seed: 12 });
  betweenTripwires(world, () => {
    const cluster = new Cluster(world, { nodes: 2 });
    cluster.startAll();
    cluster.until('the pair is whole', () => cluster.replica(cluster.primary())?.mode === 'SYNC');
    for (const node of cluster.nodeNames) signIn(cluster, node);
    world.runFor(seconds(1));
    body({ world, cluster, faults: new Faults(cluster, { seed: 12, faults: plan }) });
  });
};

const on = (process: string, forMs: number) => ({ id: 1, atMs: 0, forMs, process });
const register = (name: string) => ({ name, password: 'a password', code: null });

describe('disks and ledgers', () => {
  test('a full disk takes nothing new, keeps what it has, and has room again afterwards', () => {
    withCluster(({ world, cluster, faults }) => {
      const { disk } = world.process('node1');
      disk.makeFolder('/node1/x');
      faults.begin({ ...on('node1', 2_000), kind: 'diskFull' });
      const refused = disk.writeFile('/node1/x/new', new Uint8Array(10));
      assert.equal(refused.ok === false && refused.error.code, 'full');
      assert.ok(cluster.ask('node1', 'status', {}).session.startsWith('online'));
      world.runFor(seconds(2.1));
      assert.equal(disk.writeFile('/node1/x/new', new Uint8Array(10)).ok, true);
    });
  });

  test('every third operation on files fails', () => {
    withCluster(({ world, faults }) => {
      faults.begin({ ...on('lonely', 1_000), kind: 'diskError', nth: 3 });
      const codes: string[] = [];
      world.process('lonely').start(({ ports: { disk } }) => {
        for (let i = 0; i < 6; i++) disk.list('/', (result) => codes.push(result.ok ? 'ok' : result.error.code));
      });
      world.runFor(seconds(0.5));
      assert.deepEqual(codes, ['ok', 'ok', 'io', 'ok', 'ok', 'io']);
    });
  });

  test('a slow disk and a slow ledger take that many times longer', () => {
    withCluster(({ world, cluster, faults }) => {
      const took = (): number => {
        const begun = world.now();
        let at = begun;
        const done = (): void => void (at = world.now());
        world.process('lonely').start(({ ports: { disk } }) => disk.list('/', done));
        world.runFor(seconds(0.5));
        world.process('lonely').kill();
        return at - begun;
      };
      const usual = took();
      faults.begin({ ...on('lonely', 1_000), kind: 'diskSlow', factor: 20 });
      assert.equal(took(), 20 * usual);
      const registering = (name: string): number => {
        const begun = world.now();
        cluster.ask('node1', 'register', register(name));
        return world.now() - begun;
      };
      const fast = registering('quick');
      for (const [id, process] of ['tracker', 'backup'].entries())
        faults.begin({ ...on(process, 20_000), id, kind: 'ledgerSlow', factor: 300 });
      assert.ok(registering('slow') > fast + 2 * 300 * 400);
    });
  });

  test('a full ledger reads and does not write', () => {
    withCluster(({ cluster, faults, world }) => {
      const first = cluster.primary();
      for (const [id, process] of ['tracker', 'backup'].entries()) faults.begin({ ...on(process, 4_000), id, kind: 'ledgerFull' });
      cluster.ask('node1', 'search', { words: '', offset: 0, limit: 5 });
      let answer: string | null = null;
      cluster.callLater('node1', 'register', register('nobody'), (result) => (answer = result.ok ? 'ok' : result.error.code));
      world.runFor(seconds(2));
      assert.notEqual(answer, 'ok', `${first} wrote`);
      world.runFor(seconds(20));
      assert.ok(cluster.ask('node1', 'register', register('somebody')));
    });
  });

  test('a replica whose ledger fails halts, again and again until the fault is over; the other one goes on, and nothing is lost', () => {
    withCluster(({ world, cluster, faults }) => {
      const first = cluster.primary();
      const second = first === 'tracker' ? 'backup' : 'tracker';
      cluster.until('the pair is whole', () => cluster.replica(first)?.mode === 'SYNC');
      faults.begin({ ...on(first, 6_000), kind: 'ledgerError', nth: 1 });
      assert.ok(cluster.ask('node1', 'register', register('meanwhile')));
      assert.equal(cluster.replica(second)?.role, 'primary');
      const halts = (): number =>
        world.log.lines().filter(({ process, message }) => process === first && message.startsWith('the replica stops')).length;
      world.runFor(seconds(4));
      assert.ok(halts() >= 2, `${halts()}`);
      cluster.until('it is back, and has everything', () => cluster.replica(second)?.mode === 'SYNC');
      const taken = cluster.call('node1', 'register', register('meanwhile'));
      assert.equal(taken.ok ? 'ok' : taken.error.code, 'name-taken');
      assert.equal(faults.happened, 1);
    });
  });

  test('of what a replica asked of its ledger when it was killed, the first few have happened, and nobody heard of it', () => {
    const rows = new Set<number>();
    for (let seed = 0; seed < 12; seed++) {
      const world = new World({ seed });
      const made = {
        make: (sql: { exec(text: string): void }) => sql.exec('CREATE TABLE t (n)'),
        add: (sql: { exec(text: string): void }) => sql.exec('INSERT INTO t VALUES (1)'),
      };
      let answers = 0;
      const process = world.process('replica');
      process.start((incarnation) => {
        const database = incarnation.database<{ make: { args: object; result: void }; add: { args: object; result: void } }>('x', made);
        database.run('make', {}, () => {
          for (let i = 0; i < 5; i++) database.run('add', {}, () => answers++);
        });
      });
      world.runUntil(() => world.report().events === 2, seconds(1));
      process.kill();
      world.runFor(seconds(1));
      assert.equal(answers, 0);
      rows.add(process.session('x').prepare('SELECT 1 FROM t').all().length);
    }
    assert.ok(rows.has(0) && rows.has(5) && rows.size > 3, [...rows].join(' '));
  });

  test('bytes of a shared file rot: a power cut does not bring the old ones back', () => {
    withCluster(({ world, cluster, faults }) => {
      const path = '/node1/files/lecture.bin';
      const bytes = contentOf('lecture', 100_000);
      faults.begin({ id: 1, atMs: 0, kind: 'bitRot', process: 'node1' });
      assert.equal(faults.happened, 0, 'there is nothing to rot');
      cluster.write('node1', path, bytes);
      faults.begin({ id: 2, atMs: 0, kind: 'bitRot', process: 'node1' });
      world.process('node1').cutPower();
      const now = cluster.file('node1', path) ?? new Uint8Array();
      assert.equal(now.length, bytes.length);
      assert.equal(now.filter((byte, index) => byte !== bytes[index]).length, 1);
    });
  });
});

describe('memory that is lost', () => {
  test('a witness that lost its memory asks the others, and they may not lose theirs meanwhile', () => {
    withCluster(({ world, cluster, faults }) => {
      const before = storedVoter(cluster, 'proxy1');
      assert.ok(before !== null);
      faults.begin({ ...on('proxy1', 1_000), kind: 'forget', what: 'voter' });
      assert.equal(storedVoter(cluster, 'proxy1'), null);
      faults.begin({ ...on('backup', 1_000), id: 2, kind: 'forget', what: 'all' });
      assert.equal(faults.happened, 1);
      world.runFor(seconds(10));
      assert.deepEqual(storedVoter(cluster, 'proxy1')?.accepted, before.accepted);
    });
  });

  test('a replica that lost everything gets it from the other, which may not lose it before', () => {
    withCluster(({ world, cluster, faults }) => {
      const first = cluster.primary();
      const second = first === 'tracker' ? 'backup' : 'tracker';
      faults.begin({ ...on(second, 1_000), kind: 'forget', what: 'all' });
      faults.begin({ ...on(first, 1_000), id: 2, kind: 'forget', what: 'ledger' });
      assert.equal(faults.happened, 1);
      world.runFor(seconds(20));
      assert.equal(cluster.replica(first)?.mode, 'SYNC');
      const log = (name: string) => cluster.query(name, 'SELECT seq, hash FROM log ORDER BY seq');
      assert.ok(log(first).length > 0);
      faults.begin({ ...on(first, 1_000), id: 3, kind: 'forget', what: 'ledger' });
      assert.equal(faults.happened, 2);
      world.runFor(seconds(20));
      assert.equal(cluster.replica(second)?.role, 'primary');
      const again = cluster.call('node1', 'register', register('user of node2'));
      assert.equal(again.ok === false && again.error.code, 'name-taken', 'nothing acknowledged is lost');
    });
  });

  test('the only replica that has everything does not lose it', () => {
    withCluster(({ cluster, faults }) => {
      const first = cluster.primary();
      cluster.kill(first === 'tracker' ? 'backup' : 'tracker');
      cluster.ask('node1', 'register', register('alone'));
      for (const what of ['ledger', 'all', 'voter'] as const) faults.begin({ ...on(first, 1_000), kind: 'forget', what });
      assert.equal(faults.happened, 0);
    });
  });
});

describe('after the chaos', () => {
  test('what is in the core is healed, and everything else stays as it is', () => {
    withCluster(({ world, cluster, faults }) => {
      const core = ['tracker', 'proxy1', 'node1'];
      faults.begin({ ...on('tracker', 500_000), kind: 'kill', afterSteps: 0 });
      faults.begin({ ...on('node2', 1_000), id: 2, kind: 'kill', afterSteps: 0 });
      faults.begin({ id: 3, atMs: 0, forMs: 1_000, kind: 'cut', from: ['proxy1'], to: ['node1', 'backup'], bothWays: true });
      faults.begin({ ...on('node1', 60_000), id: 4, kind: 'pause' });
      assert.deepEqual(faults.heal(core), core);
      faults.begin({ ...on('proxy1', 1_000), id: 5, kind: 'kill', afterSteps: 0 });
      world.runFor(seconds(10));
      assert.deepEqual([cluster.running('tracker'), cluster.running('node2'), cluster.running('proxy1')], [true, false, true]);
      assert.deepEqual(replicasUp(cluster), [true, false]);
      assert.ok(cluster.ask('node1', 'status', {}).session.startsWith('online'));
    });
  });

  test('a core that lacks what only somebody else has takes that one in', () => {
    withCluster(({ cluster, faults }) => {
      const first = cluster.primary();
      const second = first === 'tracker' ? 'backup' : 'tracker';
      faults.begin({ ...on(second, 500_000), kind: 'kill', afterSteps: 0 });
      cluster.ask('node1', 'register', register('alone'));
      faults.begin({ ...on(first, 500_000), id: 2, kind: 'kill', afterSteps: 0 });
      assert.deepEqual(faults.heal([second, 'proxy1']), [second, 'proxy1', first]);
      cluster.until('somebody leads', () => ([first, second] as const).some((name) => cluster.replica(name)?.role === 'primary'));
    });
  });

  test('whoever ends by itself is started again, as a service manager does', () => {
    withCluster(({ world, cluster, faults }) => {
      world.process('backup').databaseFault = () => 'corrupt';
      cluster.ask('node1', 'register', register('trouble'));
      cluster.until('the backup has halted', () => !cluster.running('backup'));
      world.process('backup').databaseFault = () => null;
      cluster.until('it is back', () => cluster.replica('backup')?.role === 'follower');
      assert.equal(faults.happened, 0);
    });
  });
});

test('without one of its faults a plan has the others as they were', () => {
  const killed = { ...on('node2', 300), atMs: 100, kind: 'kill', afterSteps: 0 } as const;
  const torn = { ...on('node1', 300), id: 2, atMs: 500, kind: 'bitRot' } as const;
  const rotten = [[killed, torn], [torn]].map((plan) => {
    let bytes: Uint8Array | null = null;
    withCluster(({ world, cluster, faults }) => {
      cluster.write('node1', '/node1/files/lecture.bin', contentOf('lecture', 100_000));
      faults.schedule(world.now());
      world.runFor(seconds(1));
      bytes = cluster.file('node1', '/node1/files/lecture.bin');
    }, plan);
    return bytes;
  });
  assert.notDeepEqual(rotten[0], contentOf('lecture', 100_000));
  assert.deepEqual(rotten[0], rotten[1]);
});

const replicasUp = (cluster: Cluster): readonly boolean[] =>
  (cluster.status('proxy1') as { proxy: { replicas: readonly { up: boolean }[] } }).proxy.replicas.map(({ up }) => up);
