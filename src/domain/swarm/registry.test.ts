import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { seconds } from '../../ports/clock.ts';
import type { AnnounceItem, WireAddress } from '../../protocol/control/messages.ts';
import { SWARM_LIMITS, SwarmRegistry } from './registry.ts';

const settings = { announceIntervalSeconds: 30, removeSeconds: 60 };
const item = (content: string, options: Partial<AnnounceItem> = {}): AnnounceItem => ({
  content,
  event: 'none',
  leftBytes: 100,
  uploadedBytes: 0,
  downloadedBytes: 0,
  want: 50,
  ...options,
});

/** Nodes by short words, each on a host that its proxy sees. */
class Town {
  readonly registry: SwarmRegistry;
  readonly #hosts = new Map<string, { host: string; proxy: string }>();
  readonly #sequences = new Map<string, number>();
  now = 0;

  constructor(limits = SWARM_LIMITS) {
    this.registry = new SwarmRegistry({ ...settings, limits });
  }

  enter(
    node: string,
    host: string,
    options: { addresses?: WireAddress[]; account?: string; incarnation?: string; proxy?: string } = {},
  ): string {
    const { addresses = [{ host, port: 6_000 }], account = 'An', incarnation = 'i1', proxy = 'p1' } = options;
    this.#hosts.set(node, { host, proxy });
    const result = this.registry.enter({ node, name: node, account, incarnation, addresses }, { proxy, host }, this.now);
    return result.ok ? 'ok' : result.error.code;
  }

  announce(node: string, what: AnnounceItem, sequence = (this.#sequences.get(node) ?? 0) + 1, incarnation = 'i1') {
    this.#sequences.set(node, Math.max(sequence, this.#sequences.get(node) ?? 0));
    const { host = '', proxy = 'p1' } = this.#hosts.get(node) ?? {};
    return this.registry.announce({ kind: 'announce', node, incarnation, sequence, items: [what] }, { proxy, host }, this.now);
  }

  peersOf(node: string, what: AnnounceItem): string[] {
    return (this.announce(node, what).items[0]?.peers ?? []).map((peer) => peer.node);
  }
}

test('a leecher hears of seeders and leechers, a seeder of leechers, nobody of itself', () => {
  const town = new Town();
  for (const node of ['s1', 's2', 'l1', 'l2']) {
    town.enter(node, '10.0.0.1');
    town.announce(node, item('c', { leftBytes: node.startsWith('s') ? 0 : 5 }));
  }
  assert.deepEqual(town.peersOf('l1', item('c', { leftBytes: 5 })).toSorted(), ['l2', 's1', 's2']);
  assert.deepEqual(town.peersOf('s1', item('c', { leftBytes: 0 })).toSorted(), ['l1', 'l2']);
  assert.deepEqual(town.announce('l1', item('c', { leftBytes: 5, want: 0 })).items[0], {
    content: 'c',
    seeders: 2,
    leechers: 2,
    peers: [],
  });
});

test('a late announce does not revive a peer that stopped', () => {
  const town = new Town();
  for (const node of ['a', 'b']) town.enter(node, '10.0.0.1');
  town.announce('a', item('c', { leftBytes: 0 }), 5);
  town.announce('a', item('c', { event: 'stopped', leftBytes: 0 }), 7);
  town.announce('a', item('c', { leftBytes: 0 }), 6);
  assert.deepEqual(town.peersOf('b', item('c')), []);
  assert.equal(town.registry.seedersOf('c'), 0);
});

test('in whatever order announces arrive, the one with the highest sequence counts', () => {
  const events = fc.constantFrom('started', 'stopped', 'completed', 'none') as fc.Arbitrary<AnnounceItem['event']>;
  const announces = fc.uniqueArray(fc.record({ sequence: fc.integer({ min: 1, max: 50 }), event: events, leftBytes: fc.nat(1) }), {
    selector: ({ sequence }) => sequence,
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(announces, (list) => {
      const town = new Town();
      town.enter('a', '10.0.0.1');
      for (const { sequence, event, leftBytes } of list) town.announce('a', item('c', { event, leftBytes }), sequence);
      const last = list.toSorted((a, b) => b.sequence - a.sequence)[0];
      assert.equal(town.registry.seedersOf('c'), last !== undefined && last.event !== 'stopped' && last.leftBytes === 0 ? 1 : 0);
    }),
  );
});

test('another incarnation replaces a node, and the old one can neither announce nor say goodbye', () => {
  const town = new Town();
  town.enter('a', '10.0.0.1');
  town.announce('a', item('c', { leftBytes: 0 }));
  town.enter('a', '10.0.0.1', { incarnation: 'i2' });
  assert.equal(town.registry.seedersOf('c'), 0);
  assert.equal(town.announce('a', item('c', { leftBytes: 0 }), 9, 'i1').unknownNode, true);
  assert.equal(town.registry.exit('a', 'i1', 0), false);
  assert.equal(town.registry.alive('a', 'i1', 0, { proxy: 'p1', host: '' }, 0), false);
  assert.equal(town.announce('a', item('c', { leftBytes: 0 }), 1, 'i2').unknownNode, false);
});

test('who comes back after a goodbye is in the swarms that it announces from then on, and in no other', () => {
  const town = new Town();
  for (const node of ['a', 'b']) town.enter(node, '10.0.0.1');
  town.announce('a', item('c', { leftBytes: 0 }), 4);
  town.registry.exit('a', 'i1', 0);
  // A proxy tells what it has of before.
  town.enter('a', '10.0.0.1');
  town.announce('a', item('c', { leftBytes: 0 }), 4);
  assert.deepEqual(town.peersOf('b', item('c')), []);
  town.announce('a', item('c', { leftBytes: 0 }), 5);
  assert.deepEqual(town.peersOf('b', item('c')), ['a']);
  // Another incarnation counts anew.
  town.registry.exit('a', 'i1', 0);
  town.enter('a', '10.0.0.1', { incarnation: 'i2' });
  town.announce('a', item('c', { leftBytes: 0 }), 1, 'i2');
  assert.deepEqual(town.peersOf('b', item('c')), ['a']);
});

test('what a node announced under one account is not said of another', () => {
  const town = new Town();
  town.enter('a', '10.0.0.1', { account: 'An' });
  town.announce('a', item('c', { leftBytes: 0 }), 4);
  town.enter('a', '10.0.0.1', { account: 'Bo' });
  town.announce('a', item('c', { leftBytes: 0 }), 4);
  assert.equal(town.registry.seedersOf('c'), 0);
  town.announce('a', item('c', { leftBytes: 0 }), 5);
  assert.equal(town.registry.seedersOf('c'), 1);
});

test('entering again keeps what the node announced', () => {
  const town = new Town();
  town.enter('a', '10.0.0.1');
  town.announce('a', item('c', { leftBytes: 0, uploadedBytes: 10 }));
  town.enter('a', '10.0.0.2');
  assert.equal(town.registry.seedersOf('c'), 1);
  assert.equal(town.registry.node('a')?.uploadedBytes, 10);
});

test('an announce that does not tell the host leaves a node where it is; one that does moves it', () => {
  const town = new Town();
  for (const node of ['a', 'b']) town.enter(node, '127.0.0.1', { addresses: [{ host: '127.0.0.1', port: 6_000 }] });
  const say = (node: string, host: string, sequence: number) =>
    town.registry.announce({ kind: 'announce', node, incarnation: 'i1', sequence, items: [item('c')] }, { proxy: 'p1', host }, 0).items[0]
      ?.peers.length;
  assert.deepEqual([say('a', '', 1), say('b', '', 1)], [0, 1]);
  assert.equal(say('b', '10.0.0.1', 2), 0);
});

test('a node id belongs to the account that entered with it, until it is silent', () => {
  const town = new Town();
  town.enter('a', '10.0.0.1', { account: 'An' });
  assert.equal(town.enter('a', '10.0.0.1', { account: 'Eve', incarnation: 'i2' }), 'forbidden');
  assert.equal(town.enter('a', '10.0.0.1', { account: 'Binh', incarnation: 'i1' }), 'ok');
  town.now = seconds(61);
  assert.equal(town.enter('a', '10.0.0.1', { account: 'Eve', incarnation: 'i2' }), 'ok');
});

test('silent nodes and silent peers are removed', () => {
  const town = new Town();
  for (const node of ['a', 'b']) {
    town.enter(node, '10.0.0.1');
    town.announce(node, item('c', { leftBytes: 0 }));
  }
  town.now = seconds(59);
  town.registry.alive('b', 'i1', 7, { proxy: 'p1', host: '10.0.0.1' }, town.now);
  town.now = seconds(61);
  assert.deepEqual(town.registry.sweep(town.now), ['a']);
  assert.equal(town.registry.node('b')?.uploadedBytes, 7);
  town.now = seconds(64);
  town.registry.sweep(town.now);
  assert.equal(town.registry.seedersOf('c'), 0);
  assert.equal(town.registry.swarmCount, 0);
});

test('peers of the same subnet come first, then those handed out less', () => {
  const town = new Town();
  for (let n = 0; n < 20; n++) {
    town.enter(`far${n}`, `10.1.${n}.1`);
    town.announce(`far${n}`, item('c', { leftBytes: 0, want: 0 }));
  }
  town.enter('near', '10.2.0.1');
  town.announce('near', item('c', { leftBytes: 0, want: 0 }));
  town.enter('asker', '10.2.0.9');
  const handed = new Map<string, number>();
  for (let n = 0; n < 10; n++) {
    const peers = town.peersOf('asker', item('c', { want: 5 }));
    assert.equal(peers[0], 'near');
    for (const peer of peers.slice(1)) handed.set(peer, (handed.get(peer) ?? 0) + 1);
  }
  assert.equal(handed.size, 20);
  assert.deepEqual([...new Set(handed.values())], [2]);
});

test('of peers that are as near, those that uploaded less of late come first; a long past upload counts no more', () => {
  const town = new Town();
  const MIB = 1_048_576;
  const ask = (): string[] => town.peersOf('asker', item('c', { want: 5 })).toSorted();
  const idle = ['idle0', 'idle1', 'idle2', 'idle3', 'idle4'];
  const busy = idle.map((_, n) => `busy${n}`);
  for (const [n, node] of [...busy, ...idle].entries()) {
    town.enter(node, `10.1.${n}.1`);
    // What was uploaded before it entered, long ago perhaps, is no load.
    town.announce(node, item('c', { leftBytes: 0, want: 0, uploadedBytes: 1_000 * MIB }));
  }
  town.enter('asker', '10.9.0.1');
  for (const node of busy) town.announce(node, item('c', { leftBytes: 0, want: 0, uploadedBytes: 1_100 * MIB }));
  for (let n = 0; n < 3; n++) assert.deepEqual(ask(), idle);
  town.now = seconds(30);
  for (const node of idle) {
    town.announce(node, item('c', { leftBytes: 0, want: 0, uploadedBytes: 1_000 * MIB }));
    town.registry.alive(node, 'i1', 1_000 * MIB, { proxy: 'p1', host: '' }, town.now);
    town.registry.alive(node, 'i1', 2_000 * MIB, { proxy: 'p1', host: '' }, town.now);
  }
  for (const node of busy) town.announce(node, item('c', { leftBytes: 0, want: 0, uploadedBytes: 1_100 * MIB }));
  assert.deepEqual(ask(), busy, 'whoever uploads in other swarms is loaded too');
  town.now = seconds(3_000);
  for (const node of [...busy, ...idle]) town.announce(node, item('c', { leftBytes: 0, want: 0, uploadedBytes: 1_100 * MIB }));
  assert.deepEqual([...ask(), ...ask()].toSorted(), [...busy, ...idle]);
});

test('a near peer comes first even when it is loaded, and a loaded seeder beside idle leechers is not left out', () => {
  const town = new Town();
  const host = (node: string): string => (node === 'seeder' ? '10.2.0.1' : `10.3.${node.slice(1)}.1`);
  for (const node of ['seeder', 'l1', 'l2', 'l3', 'l4']) {
    const leftBytes = node === 'seeder' ? 0 : 5;
    town.enter(node, host(node));
    for (const uploadedBytes of [0, leftBytes === 0 ? 1e9 : 0]) town.announce(node, item('c', { leftBytes, want: 0, uploadedBytes }));
  }
  town.enter('near', '10.2.0.9');
  assert.equal(town.peersOf('near', item('c', { want: 2 }))[0], 'seeder');
  town.enter('far', '10.7.0.1');
  assert.ok(town.peersOf('far', item('c', { want: 2 })).includes('seeder'));
});

test('a leecher hears of seeders and leechers in turn, however many there are of one kind', () => {
  const town = new Town();
  for (let n = 0; n < 600; n++) {
    town.enter(`s${n}`, `10.1.${n % 200}.1`);
    town.announce(`s${n}`, item('c', { leftBytes: 0, want: 0 }));
  }
  for (let n = 0; n < 3; n++) {
    town.enter(`l${n}`, `10.3.${n}.1`);
    town.announce(`l${n}`, item('c', { want: 0 }));
  }
  assert.deepEqual(town.peersOf('s0', item('c', { leftBytes: 0 })).toSorted(), ['l0', 'l1', 'l2']);
  assert.equal(town.peersOf('l0', item('c', { want: 10 })).filter((node) => node.startsWith('l')).length, 2);
});

test('upload is added up over contents and survives a counter that begins anew', () => {
  const town = new Town();
  town.enter('a', '10.0.0.1');
  town.announce('a', item('c', { uploadedBytes: 100 }));
  town.announce('a', item('d', { uploadedBytes: 50 }));
  town.announce('a', item('c', { uploadedBytes: 120 }));
  town.announce('a', item('c', { uploadedBytes: 10 }));
  assert.equal(town.registry.node('a')?.uploadedBytes, 180);
});

test('every table has a limit', () => {
  const limits = { nodesMax: 2, guestsMax: 2, swarmsMax: 2, peersPerSwarmMax: 1, swarmsPerNodeMax: 2, itemsPerAnnounceMax: 2, wantMax: 1 };
  const town = new Town(limits);
  assert.deepEqual([town.enter('a', '10.0.0.1'), town.enter('b', '10.0.0.1'), town.enter('x', '10.0.0.1')], ['ok', 'ok', 'busy']);
  for (const content of ['c', 'd', 'e']) town.announce('a', item(content, { leftBytes: 0 }));
  assert.equal(town.registry.swarmCount, 2);
  town.announce('b', item('c', { leftBytes: 0 }));
  assert.equal(town.registry.seedersOf('c'), 1);
  const frame = {
    kind: 'announce',
    node: 'a',
    incarnation: 'i1',
    sequence: 99,
    items: ['c', 'd', 'e'].map((content) => item(content)),
  } as const;
  assert.equal(town.registry.announce(frame, { proxy: 'p1', host: '10.0.0.1' }, 0).items.length, 2);
});

test('an account that is disabled loses its nodes, a content that is none its swarm', () => {
  const town = new Town();
  town.enter('a', '10.0.0.1', { account: 'Eve' });
  town.announce('a', item('c', { leftBytes: 0 }));
  town.registry.removeAccount('Eve');
  assert.deepEqual([town.registry.nodeCount, town.registry.swarmCount], [0, 0]);
  town.enter('b', '10.0.0.1');
  town.announce('b', item('c', { leftBytes: 0 }));
  town.registry.dropSwarm('c');
  assert.equal(town.registry.hasSwarm('c'), false);
  town.announce('b', item('c', { leftBytes: 0 }));
  assert.equal(town.registry.seedersOf('c'), 1);
});
