import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Micros, seconds } from '../src/ports/clock.ts';
import type { AnnounceFrame } from '../src/protocol/control/messages.ts';
import { Cluster } from './cluster.ts';
import { contentOf, signIn } from './scenarios/scenario.ts';
import type { Observer } from './world/observer.ts';
import { betweenTripwires, World } from './world/index.ts';

const NODES = 8;
const CONTENTS = 3;
/** Every node is in every swarm. */
const ENTRIES = NODES * CONTENTS;
const ENOUGH = 0.95 * ENTRIES;

interface SwarmStatus {
  readonly phase: 'cold' | 'warming' | 'warm';
  readonly nodes: number;
  readonly peers: number;
}

const swarmOf = (cluster: Cluster, replica: 'tracker' | 'backup'): SwarmStatus =>
  (cluster.status(replica) as { swarm: SwarmStatus } | null)?.swarm ?? { phase: 'cold', nodes: 0, peers: 0 };

const inSync = (cluster: Cluster): void => cluster.until('the pair is whole', () => cluster.replica('tracker')?.mode === 'SYNC');

/** A network of nodes that all have everything. The tracker leads. */
const busyNetwork = (seed: number, observer: Observer, story: (cluster: Cluster, ids: readonly string[]) => void): void => {
  const world = new World({ seed });
  world.observe(observer);
  betweenTripwires(world, () => {
    const cluster = new Cluster(world, { nodes: NODES });
    const [first, ...others] = cluster.nodeNames as [string, ...string[]];
    const paths = Array.from({ length: CONTENTS }, (_, index) => `/${first}/files/part ${index}.bin`);
    for (const path of paths) cluster.write(first, path, contentOf(path, 40_000));
    cluster.startAll();
    for (const node of cluster.nodeNames) signIn(cluster, node);
    const ids = paths.map((path) => cluster.share(first, path));
    for (const node of others) for (const id of ids) cluster.ask(node, 'get', { what: id, to: null, files: [], sequential: false });
    for (const node of others) for (const id of ids) cluster.untilComplete(node, id);
    assert.equal(cluster.primary(), 'tracker');
    cluster.until('the tracker knows all', () => swarmOf(cluster, 'tracker').peers === ENTRIES);
    inSync(cluster);
    story(cluster, ids);
  });
};

/** The tracker dies; virtual seconds from the promotion of the backup until it knows the swarms again. */
const failover = (cluster: Cluster): number => {
  cluster.kill('tracker');
  cluster.until('the backup leads', () => cluster.replica('backup')?.role === 'primary');
  const promotedAt = cluster.world.now();
  cluster.until('the backup knows the swarms', () => swarmOf(cluster, 'backup').peers >= ENOUGH);
  return (cluster.world.now() - promotedAt) / seconds(1);
};

/** Frames by kind that a process was sent. */
class Ear implements Observer {
  readonly heard = new Map<string, number>();
  readonly #process: string;

  constructor(process: string) {
    this.#process = process;
  }

  received(process: string, _from: string, _link: string, { kind }: { readonly kind: string }): void {
    if (process === this.#process) this.heard.set(kind, this.count(kind) + 1);
  }

  count(kind: string): number {
    return this.heard.get(kind) ?? 0;
  }
}

test('counting what was transferred does not part a pair: while the backup is away it waits, so that the backup could still lead', () => {
  busyNetwork(34, {}, (cluster) => {
    const counted = (): number => Number(cluster.query('tracker', 'SELECT count(*) AS rows FROM tallies')[0]?.['rows'] ?? 0);
    assert.equal(counted(), 0, 'nothing yet: all was transferred just now');
    cluster.kill('backup');
    cluster.world.runFor(seconds(90));
    assert.equal(cluster.replica('tracker')?.mode, 'SYNC');
    assert.equal(counted(), 0);
    cluster.start('backup');
    cluster.until('it is counted', () => counted() > 0);
    assert.equal(cluster.replica('tracker')?.mode, 'SYNC');
  });
});

test('with deltas only: a backup is warm at the moment of its promotion, before anybody has announced to it', () => {
  const ear = new Ear('backup');
  busyNetwork(31, ear, (cluster, [id = '']) => {
    cluster.world.runFor(seconds(3));
    assert.ok(failover(cluster) < 0.001);
    assert.deepEqual([ear.count('announce'), ear.count('request')], [0, 0]);
    assert.ok(ear.count('swarmDelta') > 0);
    assert.equal(swarmOf(cluster, 'backup').phase, 'warming');
    // What it was told is what it serves.
    cluster.poll('search counts the seeders', () => {
      const { hits } = cluster.ask('node1', 'search', { words: '', offset: 0, limit: 50 });
      return hits.find((hit) => hit.id === id)?.seeders === NODES;
    });
  });
});

test('with the replay of the proxy only: nodes that say nothing are known again within seconds', () => {
  const ear = new Ear('backup');
  busyNetwork(32, ear, (cluster) => {
    // A backup that is new knows nothing; it was never told, for the tracker is gone when it begins.
    cluster.kill('backup');
    cluster.world.runFor(seconds(1));
    const told = ear.count('swarmDelta');
    const goOn = cluster.nodeNames.map((node) => cluster.world.process(node).stop());
    cluster.kill('tracker');
    cluster.start('backup');
    cluster.until('the backup leads', () => cluster.replica('backup')?.role === 'primary');
    const promotedAt = cluster.world.now();
    cluster.until('the backup knows the swarms', () => swarmOf(cluster, 'backup').peers >= ENOUGH);
    assert.ok(cluster.world.now() - promotedAt < seconds(5), 'far below the 30 s');
    assert.equal(ear.count('swarmDelta'), told);
    for (const go of goOn) go();
  });
});

test('with both, after a minute of rest: transfers never notice, nodes are not removed for what the backup did not hear', () => {
  const ear = new Ear('backup');
  busyNetwork(33, ear, (cluster, [id = '']) => {
    cluster.world.runFor(seconds(70));
    assert.ok(failover(cluster) < 30);
    for (let at = 0; at < 70; at++) {
      cluster.world.runFor(seconds(1));
      const { nodes, peers } = swarmOf(cluster, 'backup');
      assert.deepEqual([nodes, peers], [NODES, ENTRIES], `${at} s after the failover`);
    }
    assert.equal(swarmOf(cluster, 'backup').phase, 'warm');
    for (const node of cluster.nodeNames) assert.equal(cluster.transfer(node, id).state, 'seeding');
  });
});

test('a backup that begins late is told everything, and an announce never enters the log', () => {
  let announces = 0;
  const observer: Observer = {
    received(process, _from, _link, { kind }) {
      if (process === 'tracker' && kind === 'announce') announces += 1;
    },
  };
  busyNetwork(34, observer, (cluster) => {
    cluster.kill('backup');
    cluster.world.runFor(seconds(1));
    cluster.start('backup');
    cluster.until('the backup is told everything', () => swarmOf(cluster, 'backup').peers === ENTRIES);
    // Then the downloads are counted, and nothing more is transferred.
    cluster.world.runFor(seconds(90));
    const before = cluster.replica('tracker')?.lastSeq;
    const announcesBefore = announces;
    cluster.world.runFor(seconds(120));
    assert.ok(announces - announcesBefore > 2 * NODES, 'nodes went on announcing');
    assert.equal(cluster.replica('tracker')?.lastSeq, before);
    const { nodes, peers } = swarmOf(cluster, 'backup');
    assert.deepEqual([nodes, peers], [NODES, ENTRIES], 'and it was not forgotten');
  });
});

test('I13: announces are answered at once, whether the other replica is there, reads nothing, or is dead', () => {
  const askedAt = new Map<string, Micros>();
  let times: Micros[] = [];
  let now = (): Micros => 0;
  const named = (frame: object): string => `${(frame as AnnounceFrame).node} ${(frame as AnnounceFrame).sequence}`;
  const observer: Observer = {
    received(process, _from, _link, frame) {
      if (process === 'tracker' && frame.kind === 'announce') askedAt.set(named(frame), now());
    },
    sent(process, _to, _link, frame) {
      const asked = process === 'tracker' && frame.kind === 'announced' ? askedAt.get(named(frame)) : undefined;
      if (asked !== undefined) times.push(now() - asked);
    },
  };
  busyNetwork(35, observer, (cluster) => {
    now = () => cluster.world.now();
    const slowest = (): Micros => {
      times = [];
      cluster.world.runFor(seconds(40));
      assert.ok(times.length >= NODES);
      return Math.max(...times);
    };
    const usual = slowest();
    cluster.world.process('backup').stop();
    const withoutReader = slowest();
    cluster.kill('backup');
    assert.deepEqual([withoutReader, slowest()], [usual, usual]);
  });
});
