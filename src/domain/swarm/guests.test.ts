import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Micros, seconds } from '../../ports/clock.ts';
import { clientName } from './client-name.ts';
import { guestId, isGuestId } from './guests.ts';
import { SWARM_LIMITS, SwarmRegistry } from './registry.ts';
import type { GuestFacts } from './types.ts';

const SETTINGS = { announceIntervalSeconds: 30, removeSeconds: 60, announce: { intervalSeconds: 300 } };
const peerIdOf = (word: string): string => Buffer.from(`-TR3000-${word}`.padEnd(20, '.')).toString('hex');

/** Guests by short words, and nodes, at one replica. */
class Town {
  readonly registry: SwarmRegistry;
  now: Micros = seconds(1_000);
  #sequence = 0;

  constructor(limits = SWARM_LIMITS) {
    this.registry = new SwarmRegistry({ ...SETTINGS, limits });
  }

  says(word: string, options: Partial<GuestFacts> = {}) {
    const peerId = peerIdOf(word);
    const said = { account: 'An', host: '10.0.0.1', ...options };
    const facts: GuestFacts = {
      node: guestId({ account: said.account, peerId, host: said.host }),
      peerId,
      passkeyHash: 'aa'.repeat(32),
      name: 'Transmission 3.00',
      proxy: 'p1',
      port: 6_000,
      content: 'c',
      event: 'none',
      leftBytes: 100,
      uploadedBytes: 0,
      want: 50,
      family: 'any',
      heardAt: this.now,
      ...said,
    };
    return this.registry.guests.announce(facts, this.now);
  }

  /** The hosts that it is told. */
  hosts(word: string, options: Partial<GuestFacts> = {}): string[] {
    return this.says(word, options)
      .peers.map(({ host }) => host)
      .toSorted();
  }

  node(node: string, host: string, leftBytes: number) {
    const origin = { proxy: 'p1', host };
    const facts = { node, name: node, account: 'An', incarnation: 'i1', addresses: [{ host, port: 7_000 }] };
    this.registry.enter(facts, origin, this.now);
    const item = { content: 'c', event: 'none' as const, leftBytes, uploadedBytes: 0, downloadedBytes: 0, want: 50 };
    const frame = { kind: 'announce' as const, node, incarnation: 'i1', sequence: ++this.#sequence, items: [item] };
    return this.registry.announce(frame, origin, this.now).items[0];
  }
}

test('guests hear of nodes and of each other, and nodes of guests, whose names they cannot trust', () => {
  const town = new Town();
  town.node('n1', '10.0.0.9', 0);
  town.says('a', { leftBytes: 0, host: '10.0.0.1' });
  assert.deepEqual(
    town.says('b', { host: '10.0.0.2' }).peers.toSorted((x, y) => x.host.localeCompare(y.host)),
    [
      { peerId: peerIdOf('a'), host: '10.0.0.1', port: 6_000, seeder: true },
      { peerId: null, host: '10.0.0.9', port: 7_000, seeder: true },
    ],
  );
  assert.deepEqual(
    town.node('n2', '10.0.0.8', 5)?.peers.toSorted((x, y) => x.host.localeCompare(y.host)),
    [
      { node: '', host: '10.0.0.1', port: 6_000, seeder: true },
      { node: '', host: '10.0.0.2', port: 6_000, seeder: false },
      { node: 'n1', host: '10.0.0.9', port: 7_000, seeder: true },
    ],
  );
  assert.deepEqual(town.registry.swarmOf('c'), { seeders: 2, leechers: 2 });
  assert.deepEqual([town.registry.nodeCount, town.registry.guests.count], [2, 2]);
});

test('a guest counts once, from however many addresses; each list has the family that fits', () => {
  const town = new Town();
  town.says('a', { leftBytes: 0, host: '10.0.0.1' });
  town.says('a', { leftBytes: 0, host: '::ffff:10.0.0.1' });
  town.says('a', { leftBytes: 0, host: '2001:db8::1' });
  assert.deepEqual(town.registry.swarmOf('c'), { seeders: 1, leechers: 0 });
  assert.deepEqual(town.hosts('b', { host: '10.0.0.2', family: 'v4' }), ['10.0.0.1']);
  assert.deepEqual(town.hosts('b', { host: '2001:db8::2', family: 'v6' }), ['2001:db8::1']);
  assert.equal(town.hosts('b').length, 1);
  // One that moves is where it was heard last.
  town.says('a', { leftBytes: 0, host: '10.0.0.77' });
  assert.deepEqual(town.hosts('b', { family: 'v4' }), ['10.0.0.77']);
  // An address of the other family that is not heard any more is forgotten.
  for (let step = 0; step < 3; step++) {
    town.now += seconds(300);
    town.says('a', { leftBytes: 0, host: '10.0.0.77' });
  }
  assert.deepEqual(town.hosts('b', { family: 'v6' }), []);
});

test('a name is no address for a compact list', () => {
  const town = new Town();
  town.registry.enter(
    { node: 'n', name: 'n', account: 'An', incarnation: 'i', addresses: [{ host: 'node.example', port: 7_000 }] },
    { proxy: 'p1', host: 'node.example' },
    town.now,
  );
  const item = { content: 'c', event: 'none' as const, leftBytes: 0, uploadedBytes: 0, downloadedBytes: 0, want: 0 };
  town.registry.announce(
    { kind: 'announce', node: 'n', incarnation: 'i', sequence: 1, items: [item] },
    { proxy: 'p1', host: '' },
    town.now,
  );
  assert.deepEqual(town.hosts('a'), []);
});

test('a late word revives nobody who has stopped; only started brings it back, or enough time', () => {
  const town = new Town();
  town.says('a', { leftBytes: 0, event: 'started' });
  town.now += seconds(1);
  town.says('a', { leftBytes: 0, event: 'stopped', port: 0 });
  assert.deepEqual(town.registry.swarmOf('c'), { seeders: 0, leechers: 0 });
  town.now += seconds(1);
  // From the memory of another proxy, which has not heard the end.
  town.says('a', { leftBytes: 0, heardAt: town.now - seconds(2) });
  town.says('a', { leftBytes: 0 });
  assert.deepEqual(town.hosts('b'), []);
  town.says('a', { leftBytes: 0, event: 'started' });
  assert.deepEqual(town.registry.swarmOf('c'), { seeders: 1, leechers: 1 });
  town.says('a', { leftBytes: 0, event: 'stopped' });
  town.now += seconds(61);
  town.says('a', { leftBytes: 0 });
  assert.equal(town.registry.swarmOf('c').seeders, 1);
});

test('in whatever order the words of a guest come, by whichever proxies, the one said last counts', () => {
  const words = fc.uniqueArray(
    fc.record({
      agoSeconds: fc.integer({ min: 1, max: 500 }),
      left: fc.nat(1),
      event: fc.constantFrom('none', 'started', 'completed', 'paused'),
    }),
    { selector: ({ agoSeconds }) => agoSeconds, minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(words, (said) => {
      const town = new Town();
      for (const { agoSeconds, left, event } of said)
        town.says('a', {
          leftBytes: left,
          event: event as GuestFacts['event'],
          heardAt: town.now - seconds(agoSeconds),
          proxy: `p${left}`,
        });
      const last = said.toSorted((a, b) => a.agoSeconds - b.agoSeconds)[0];
      assert.equal(town.registry.swarmOf('c').seeders, last?.left === 0 ? 1 : 0);
    }),
  );
});

test('what was said earlier and comes later changes nothing', () => {
  const town = new Town();
  town.says('a', { leftBytes: 0, event: 'completed' });
  town.says('a', { leftBytes: 50, heardAt: town.now - seconds(5) });
  assert.deepEqual(town.registry.swarmOf('c'), { seeders: 1, leechers: 0 });
});

test('who says that it has everything and has given nothing gets seeders, too: aria2 says so while it has a magnet link alone', () => {
  const town = new Town();
  town.says('seed', { host: '10.0.0.2', leftBytes: 0, uploadedBytes: 9 });
  assert.deepEqual(town.hosts('magnet', { event: 'started', leftBytes: 0 }), ['10.0.0.2']);
  assert.deepEqual(town.hosts('magnet', { leftBytes: 0, uploadedBytes: 1 }), []);
});

test('a partial seed is no use to who needs nothing, and gets no seeders', () => {
  const town = new Town();
  town.says('whole', { leftBytes: 0, host: '10.0.0.1' });
  town.says('part', { leftBytes: 40, event: 'paused', host: '10.0.0.2' });
  town.says('wants', { leftBytes: 90, host: '10.0.0.3' });
  assert.deepEqual(town.hosts('part', { leftBytes: 40, event: 'paused', host: '10.0.0.2' }), ['10.0.0.3']);
  assert.deepEqual(town.hosts('whole', { leftBytes: 0, host: '10.0.0.1' }), ['10.0.0.3']);
  assert.deepEqual(town.hosts('wants', { leftBytes: 90, host: '10.0.0.3' }), ['10.0.0.1', '10.0.0.2']);
});

test('guests are silent for longer than nodes before they are gone: some clients never announce more often', () => {
  const town = new Town();
  town.says('a', { leftBytes: 0 });
  town.node('n', '10.0.0.9', 0);
  town.now += seconds(310);
  assert.deepEqual(town.registry.sweep(town.now), ['n']);
  assert.deepEqual(town.registry.swarmOf('c'), { seeders: 1, leechers: 0 });
  town.now += seconds(330);
  assert.deepEqual(town.registry.sweep(town.now), []);
  assert.deepEqual([town.registry.swarmCount, town.registry.guests.count], [0, 0]);
});

test('who wants no peers gets none; one without a port is counted, and not handed out', () => {
  const town = new Town();
  town.says('a', { leftBytes: 0, port: 0 });
  assert.deepEqual([town.hosts('b'), town.hosts('b', { want: 0 })], [[], []]);
  assert.equal(town.registry.swarmOf('c').seeders, 1);
});

test('a revoked passkey and a disabled account lose their guests, and no others', () => {
  const town = new Town();
  town.says('a', { leftBytes: 0, passkeyHash: 'bb'.repeat(32) });
  town.says('b', { leftBytes: 0 });
  town.says('c', { leftBytes: 0, account: 'Bo' });
  town.registry.guests.removeOf('bb'.repeat(32));
  assert.equal(town.registry.swarmOf('c').seeders, 2);
  town.registry.removeAccount('An');
  assert.deepEqual([town.registry.swarmOf('c').seeders, town.registry.guests.count], [1, 1]);
});

test('a node can neither be called as guests are nor speak for one', () => {
  const town = new Town();
  town.says('a', { leftBytes: 0 });
  const [guest] = town.registry.guests.present();
  assert.ok(guest !== undefined && isGuestId(guest.node));
  const [node, incarnation] = [guest.node, peerIdOf('a')];
  const origin = { proxy: 'p1', host: '10.0.0.66' };
  assert.equal(town.registry.enter({ node, name: 'x', account: 'Bo', incarnation, addresses: [] }, origin, town.now).ok, false);
  const frame = { kind: 'announce' as const, node, incarnation, sequence: 99, items: [] };
  assert.equal(town.registry.announce(frame, origin, town.now).unknownNode, true);
  assert.equal(town.registry.exit(node, incarnation, town.now), false);
  assert.deepEqual([town.registry.node(node), [...town.registry.nodes()]], [null, []]);
});

test('in an open network nobody takes the place of another by saying its peer id from elsewhere', () => {
  const said = { account: '', peerId: peerIdOf('a') };
  assert.equal(guestId({ ...said, host: '10.0.0.1' }), guestId({ ...said, host: '10.0.0.1' }));
  assert.notEqual(guestId({ ...said, host: '10.0.0.1' }), guestId({ ...said, host: '10.0.0.2' }));
  assert.equal(guestId({ ...said, account: 'An', host: '10.0.0.1' }), guestId({ ...said, account: 'An', host: '10.0.0.2' }));
});

test('another replica is told of guests: it has them as they are, and knows whose passkey they have', () => {
  const [here, there] = [new Town(), new Town()];
  here.says('a', { leftBytes: 0, host: '10.0.0.1' });
  here.says('a', { leftBytes: 0, host: '2001:db8::1' });
  here.says('b', { leftBytes: 7, event: 'paused', passkeyHash: 'bb'.repeat(32) });
  here.now += seconds(200);
  const tell = (): void => {
    const nodes = [...here.registry.everybody()].map(({ node }) => here.registry.tell(node, here.registry.contentsOf(node), here.now));
    there.registry.warm({ nodes: nodes.filter((node) => node !== null), gone: [], dropped: [] }, there.now);
  };
  // The clock of the other one has no relation to this one's; its process may be younger than what it hears.
  there.now = seconds(3);
  tell();
  assert.deepEqual(there.registry.swarmOf('c'), { seeders: 1, leechers: 1 });
  assert.deepEqual(there.hosts('x', { family: 'v6' }), ['2001:db8::1']);
  there.registry.guests.removeOf('bb'.repeat(32));
  assert.equal(there.registry.guests.count, 2);
  here.says('a', { leftBytes: 0, event: 'stopped' });
  there.now += seconds(1);
  tell();
  assert.equal(there.registry.swarmOf('c').seeders, 0);
  // What is told again and again keeps a guest only while it is heard.
  there.now += seconds(700);
  here.now += seconds(700);
  here.registry.sweep(here.now);
  tell();
  there.says('x');
  there.registry.sweep(there.now);
  assert.equal(there.registry.guests.count, 1, 'the one that announced there');
});

test('people see clients, not peer ids: what announces from one place is one of them, until it has left all its swarms', () => {
  const town = new Town();
  town.says('a1', { content: 'c', leftBytes: 0, uploadedBytes: 3 });
  town.says('a2', { content: 'd', leftBytes: 0, uploadedBytes: 4 });
  town.says('a3', { content: 'e', leftBytes: 5 });
  town.says('b', { content: 'c', host: '10.0.0.2' });
  town.says('gone', { content: 'c', host: '10.0.0.3' });
  town.says('gone', { content: 'c', host: '10.0.0.3', event: 'stopped' });
  assert.deepEqual(
    [...town.registry.guests.present()].map(({ addresses, seeds, uploadedBytes }) => [addresses[0]?.host, seeds, uploadedBytes]),
    [
      ['10.0.0.1', ['c', 'd'], 7],
      ['10.0.0.2', [], 0],
    ],
  );
});

test('guests have a limit of their own', () => {
  const town = new Town({ ...SWARM_LIMITS, guestsMax: 1 });
  town.says('a', { leftBytes: 0 });
  assert.deepEqual(town.says('b', { leftBytes: 0 }), { seeders: 0, leechers: 0, peers: [] });
  assert.equal(town.registry.guests.count, 1);
  town.node('n', '10.0.0.9', 0);
  assert.equal(town.registry.nodeCount, 1);
});

test('clients are called as people call them', () => {
  const nameOf = (text: string): string => clientName(Buffer.from(text.padEnd(20, 'x'), 'latin1').toString('hex'));
  assert.equal(nameOf('-TR3000-'), 'Transmission 3.00');
  assert.equal(nameOf('-qB4520-'), 'qBittorrent 4.5.2');
  assert.equal(nameOf('-LT2080-'), 'libtorrent 2.0.8');
  assert.equal(nameOf('A2-1-36-0-'), 'aria2 1.36.0');
  assert.equal(nameOf('\u0001\u0002nonsense'), 'BitTorrent client');
});
