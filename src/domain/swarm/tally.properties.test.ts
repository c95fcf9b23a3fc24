/** Whatever clients and primaries do, nothing counts twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Micros, seconds } from '../../ports/clock.ts';
import { LATE_SECONDS, Network, PATHS, ROWS } from './tally.test-kit.ts';
import type { TallyFacts } from './tally.ts';

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
