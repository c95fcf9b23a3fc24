import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Micros, seconds } from '../../ports/clock.ts';
import { contentOf, ownPut, TestLedger } from '../ledger/ledger.test-kit.ts';
import type { TalliedContent } from '../ledger/types.ts';
import { Tally, type TallyFacts, tallySource } from './tally.ts';

const CONTENT = contentOf('Hà Nội').id;
const ROWS = 2;
const PATHS = ['v1 over IPv4', 'v2 over IPv4', 'v1 over IPv6'] as const;
/** A packet is late by less than this. */
const LATE_SECONDS = 119;

/** A primary's tally over a ledger that outlives it, and the time. */
class Network {
  readonly ledger = new TestLedger();
  tally = new Tally();
  now: Micros = seconds(1_000);

  constructor() {
    for (const name of ['An', 'Bình'])
      this.ledger.change({ kind: 'account.create', name, folded: name.toLowerCase(), passwordHash: 'phc', admin: false, inviteHash: null });
    this.ledger.change(ownPut('Hà Nội', 'An', 'n1'), { tail: new Uint8Array(1) });
  }

  pass(time: number): void {
    this.now += seconds(time);
  }

  get wallMs(): number {
    return 1_000_000 + this.now / 1_000;
  }

  say(facts: Partial<TallyFacts> & Pick<TallyFacts, 'uploadedBytes'>): void {
    this.tally.add(
      {
        account: 'An',
        content: CONTENT,
        source: 'client',
        path: PATHS[0],
        sequence: null,
        event: 'none',
        replay: false,
        leftBytes: 100,
        downloadedBytes: 0,
        ...facts,
      },
      this.now,
    );
  }

  /** Writes everything there is; returns how many changes that took. */
  flush(): number {
    for (let changes = 0; ; changes++) {
      const rows = this.tally.take(ROWS, this.now, this.wallMs);
      if (rows.length === 0) return changes;
      this.ledger.applied({ kind: 'tally', rows }, this.wallMs);
    }
  }

  /** Another primary, which has heard nothing; it may have read what the ledger knows. */
  failover(loaded: boolean): void {
    this.tally = new Tally();
    if (loaded) this.load();
  }

  load(): void {
    this.tally.load(this.ledger.run('tallySessions', { after: null, limit: 100 }), this.now, this.wallMs);
  }

  counted(folded = 'an'): Pick<TalliedContent, 'uploadedBytes' | 'downloadedBytes' | 'completed'> {
    const { uploadedBytes, downloadedBytes, completed } = this.ledger.run('tallies', { folded, offset: 0, limit: 10 });
    return { uploadedBytes, downloadedBytes, completed };
  }
}

test('a hybrid announced by both of its info-hashes and over two addresses counts once', () => {
  const network = new Network();
  for (const path of PATHS) network.say({ path, event: 'started', uploadedBytes: 0 });
  for (const path of PATHS) network.say({ path, uploadedBytes: 500, downloadedBytes: 100 });
  assert.equal(network.flush(), 1);
  for (const path of PATHS) network.say({ path, event: 'completed', leftBytes: 0, uploadedBytes: 700, downloadedBytes: 200 });
  network.flush();
  assert.deepEqual(network.counted(), { uploadedBytes: 700, downloadedBytes: 200, completed: 1 });
  assert.equal(network.flush(), 0, 'nothing new is nothing to write');
});

test('a client that begins to count anew is counted on, by whichever way it says so first', () => {
  const network = new Network();
  for (const path of PATHS) network.say({ path, uploadedBytes: 500 });
  network.pass(600);
  for (const path of PATHS) network.say({ path, event: 'started', uploadedBytes: 0 });
  network.pass(600);
  network.say({ uploadedBytes: 40 });
  network.pass(600);
  network.say({ event: 'started', uploadedBytes: 2 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 542);
  network.pass(600);
  network.say({ uploadedBytes: 10 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 550);
});

test('a counter that goes back without a start is an old packet', () => {
  const network = new Network();
  for (const uploadedBytes of [500, 300, 500, 510]) network.say({ uploadedBytes });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 510);
});

test('packets that are late do not count: the first start again, the start by another way, the run that is over', () => {
  const network = new Network();
  const counts = (uploadedBytes: number, why: string): void => {
    network.flush();
    assert.equal(network.counted().uploadedBytes, uploadedBytes, why);
  };
  network.say({ uploadedBytes: 10 });
  network.pass(60);
  network.say({ uploadedBytes: 50 });
  network.say({ event: 'started', uploadedBytes: 0 });
  network.say({ uploadedBytes: 60 });
  counts(60, 'the first start came twice');
  network.say({ path: PATHS[1], uploadedBytes: 60 });
  network.pass(600);
  network.say({ path: PATHS[0], event: 'started', uploadedBytes: 70 });
  network.pass(30);
  network.say({ path: PATHS[1], event: 'started', uploadedBytes: 65 });
  network.say({ path: PATHS[1], uploadedBytes: 80 });
  counts(80, 'it was resumed, and the start by the second way came late');
  network.pass(600);
  network.say({ event: 'started', uploadedBytes: 0 });
  network.say({ path: PATHS[1], event: 'stopped', uploadedBytes: 90 });
  network.pass(600);
  network.say({ uploadedBytes: 20 });
  counts(100, 'the end of the first run came after the start of the second');
});

test('a node numbers its announces: one that goes back with a higher number is a new run, one with a lower number is late', () => {
  const network = new Network();
  const node = { source: tallySource('node', 'n1', 'i1'), path: '' };
  network.say({ ...node, sequence: 7, uploadedBytes: 500 });
  network.say({ ...node, sequence: 6, uploadedBytes: 900 });
  network.say({ ...node, sequence: 8, uploadedBytes: 20 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 520);
});

test('a node that another account signs in at goes on counting: each has what was transferred under it, nobody both', () => {
  for (const failover of [false, true]) {
    const network = new Network();
    const node = { source: tallySource('node', 'n1', 'i1'), path: '' };
    network.say({ ...node, sequence: 1, uploadedBytes: 100 });
    network.say({ ...node, account: 'Bình', sequence: 2, uploadedBytes: 130 });
    network.flush();
    if (failover) network.failover(true);
    network.say({ ...node, account: 'Bình', sequence: 3, uploadedBytes: 150 });
    network.say({ ...node, account: 'An', sequence: 4, uploadedBytes: 155 });
    network.flush();
    assert.deepEqual([network.counted('an').uploadedBytes, network.counted('bình').uploadedBytes], [105, 50]);
  }
});

test('a run that began while another primary led is not begun again with each announce (found by the simulator)', () => {
  const network = new Network();
  const node = { source: tallySource('node', 'n1', 'i1'), path: '' };
  network.say({ ...node, sequence: 1, uploadedBytes: 500 });
  network.flush();
  network.failover(true);
  for (const sequence of [5, 6, 7]) {
    network.say({ ...node, sequence, uploadedBytes: 0, downloadedBytes: 400 });
    network.flush();
  }
  assert.deepEqual(network.counted(), { uploadedBytes: 500, downloadedBytes: 400, completed: 0 });
  network.say({ ...node, sequence: 8, uploadedBytes: 30, downloadedBytes: 0 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 530);
});

test('somebody who announces another’s peer id takes nothing from them', () => {
  const network = new Network();
  network.say({ account: 'Bình', uploadedBytes: 1_000_000 });
  network.say({ uploadedBytes: 500 });
  network.flush();
  assert.deepEqual(network.counted().uploadedBytes, 500);
});

test('what a primary had not written is counted by the next one, and what it had written is not counted again', () => {
  const network = new Network();
  network.say({ uploadedBytes: 500 });
  network.flush();
  network.say({ uploadedBytes: 800 });
  network.failover(true);
  network.say({ uploadedBytes: 500, replay: true });
  assert.equal(network.tally.pending, 0, 'what the ledger knows is not written again');
  network.say({ uploadedBytes: 900 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 900);
});

test('sessions of long ago are forgotten, those that are there are not, whatever they say', () => {
  const network = new Network();
  network.say({ source: 'gone', uploadedBytes: 5 });
  network.say({ source: 'here', uploadedBytes: 7 });
  for (let day = 0; day < 40; day++) {
    network.flush();
    network.pass(86_400);
    network.say({ source: 'here', uploadedBytes: 7 });
  }
  network.say({ source: 'new', uploadedBytes: 1 });
  network.flush();
  const known = network.ledger.run('tallySessions', { after: null, limit: 10 }).map(({ source }) => source);
  assert.deepEqual(known, ['here', 'new']);
  assert.equal(network.counted().uploadedBytes, 13);
});

test('a liar’s counters stay numbers', () => {
  const network = new Network();
  for (const source of ['a', 'b', 'c'])
    for (const uploadedBytes of [Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, Number.NaN, -5]) network.say({ source, uploadedBytes });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 2 ** 52);
});

interface Client {
  readonly account: string;
  source: string;
  /** Of a node: its announces are numbered. */
  sequence: number | null;
  run: number;
  up: number;
  down: number;
  /** Of each run, what was announced. */
  readonly announced: Map<number, { up: number; down: number }>;
}

interface Packet {
  readonly client: Client;
  readonly run: number;
  readonly at: Micros;
  readonly facts: Partial<TallyFacts> & Pick<TallyFacts, 'uploadedBytes'>;
}

type Step =
  | { readonly do: 'transfer'; readonly who: number; readonly up: number; readonly down: number }
  | { readonly do: 'announce'; readonly who: number; readonly path: number; readonly started: boolean }
  | { readonly do: 'late'; readonly which: number }
  | { readonly do: 'restart'; readonly who: number; readonly persistent: boolean }
  | { readonly do: 'pass'; readonly time: number }
  | { readonly do: 'flush' }
  | { readonly do: 'failover'; readonly flush: 'before' | 'lost' | 'late'; readonly loaded: 'at once' | 'later' | 'never' };

const who = fc.nat(3);
const steps = {
  transfer: fc.record({ do: fc.constant('transfer' as const), who, up: fc.nat(100), down: fc.nat(100) }),
  announce: fc.record({ do: fc.constant('announce' as const), who, path: fc.nat(2), started: fc.boolean() }),
  late: fc.record({ do: fc.constant('late' as const), which: fc.nat() }),
  restart: fc.record({ do: fc.constant('restart' as const), who, persistent: fc.boolean() }),
  pass: fc.record({ do: fc.constant('pass' as const), time: fc.constantFrom(1, 30, 100, 300, 1_800) }),
  flush: fc.record({ do: fc.constant('flush' as const) }),
  failover: fc.record({
    do: fc.constant('failover' as const),
    flush: fc.constantFrom('before' as const, 'lost' as const, 'late' as const),
    loaded: fc.constantFrom('at once' as const, 'later' as const, 'never' as const),
  }),
};

/** Clients of several ways, some with restarts; packets that come again late; primaries that come and go. */
class Story {
  readonly network = new Network();
  readonly clients: Client[];
  #packets: Packet[] = [];
  #loads = false;

  constructor() {
    this.clients = ['An', 'An', 'Bình', 'Bình'].map((account, n) => ({
      account,
      source: `c${n}`,
      sequence: n % 2 === 1 ? 0 : null,
      run: 0,
      up: 0,
      down: 0,
      announced: new Map(),
    }));
  }

  play(list: readonly Step[]): void {
    for (const step of list) {
      this.#play(step);
      for (const folded of ['an', 'bình']) {
        const { uploadedBytes, downloadedBytes } = this.network.counted(folded);
        const truth = this.truth(folded);
        assert.ok(uploadedBytes <= truth.up && downloadedBytes <= truth.down, `${folded}: counted more than was said, after ${step.do}`);
      }
    }
  }

  /** Every client says where it is, and that is written. */
  end(): void {
    for (const client of this.clients) this.#announce(client, PATHS[0], 'none');
    this.network.flush();
  }

  truth(folded: string): { up: number; down: number } {
    let [up, down] = [0, 0];
    for (const client of this.clients)
      if (client.account.toLowerCase() === folded)
        for (const said of client.announced.values()) [up, down] = [up + said.up, down + said.down];
    return { up, down };
  }

  #play(step: Step): void {
    const { network } = this;
    const client = 'who' in step ? (this.clients[step.who] as Client) : null;
    switch (step.do) {
      case 'transfer':
        if (client !== null) Object.assign(client, { up: client.up + step.up, down: client.down + step.down });
        return;
      case 'announce':
        return this.#announce(client as Client, PATHS[step.path] as string, step.started ? 'started' : 'none');
      case 'late': {
        const fresh = this.#packets.filter(({ at }) => network.now - at < seconds(LATE_SECONDS));
        const packet = fresh[step.which % Math.max(1, fresh.length)];
        if (packet !== undefined) network.say(packet.facts);
        return;
      }
      case 'restart':
        return this.#restart(client as Client, step.persistent);
      case 'pass':
        return network.pass(step.time);
      case 'flush':
        network.flush();
        if (this.#loads) network.load();
        this.#loads = false;
        return;
      case 'failover':
        return this.#failover(step);
    }
  }

  #announce(client: Client, path: string, event: TallyFacts['event']): void {
    const { account, source, run, up, down, announced } = client;
    announced.set(run, { up, down });
    if (client.sequence !== null) client.sequence++;
    const facts = { account, source, sequence: client.sequence, path, event, uploadedBytes: up, downloadedBytes: down };
    this.#packets.push({ client, run, at: this.network.now, facts });
    this.network.say(facts);
  }

  #restart(client: Client, persistent: boolean): void {
    Object.assign(client, { run: client.run + 1, up: 0, down: 0 });
    if (!persistent) client.source = `${client.source}'`;
    this.#announce(client, PATHS[0], 'started');
  }

  #failover({ flush, loaded }: Extract<Step, { do: 'failover' }>): void {
    const { network } = this;
    if (flush === 'before') network.flush();
    const rows = network.tally.take(ROWS, network.now, network.wallMs);
    // Of runs that are over no packet arrives after the primary that knew of the restart is gone.
    this.#packets = this.#packets.filter(({ client, run }) => run === client.run);
    network.failover(loaded === 'at once');
    this.#loads = loaded === 'later';
    // What the old primary had under way may turn out to be in the log.
    if (flush === 'late') network.ledger.applied({ kind: 'tally', rows }, network.wallMs);
    for (const client of this.clients) {
      const last = this.#packets.findLast((packet) => packet.client === client);
      if (last !== undefined) network.say({ ...last.facts, replay: true });
    }
  }
}

test('nothing counts twice: restarts, several ways, late packets, lost and doubtful changes, primaries that come and go', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(...Object.values(steps)), { maxLength: 60 }), (list) => {
      const story = new Story();
      story.play(list);
      story.end();
    }),
    { numRuns: 300 },
  );
});

test('without restarts everything that was said is counted in the end, whatever was lost on the way', () => {
  const { restart: _, ...without } = steps;
  fc.assert(
    fc.property(fc.array(fc.oneof(...Object.values(without)), { maxLength: 60 }), (list) => {
      const story = new Story();
      story.play(list);
      story.end();
      for (const folded of ['an', 'bình']) {
        const { uploadedBytes, downloadedBytes } = story.network.counted(folded);
        assert.deepEqual({ up: uploadedBytes, down: downloadedBytes }, story.truth(folded));
      }
    }),
    { numRuns: 150 },
  );
});

test('while one primary leads, everything that clients with a new peer id for each run say is counted', () => {
  const { failover: _, restart: __, ...without } = steps;
  const restart = fc.record({ do: fc.constant('restart' as const), who, persistent: fc.constant(false) });
  fc.assert(
    fc.property(fc.array(fc.oneof(restart, ...Object.values(without)), { maxLength: 60 }), (list) => {
      const story = new Story();
      story.play(list);
      story.end();
      for (const folded of ['an', 'bình']) {
        const { uploadedBytes, downloadedBytes } = story.network.counted(folded);
        assert.deepEqual({ up: uploadedBytes, down: downloadedBytes }, story.truth(folded));
      }
    }),
    { numRuns: 150 },
  );
});
