import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reactor } from '../../bus/reactor.ts';
import type { Harness } from '../../ports/harness.contract.ts';
import { createRandom } from '../../ports/counter-random.ts';
import { datagramsContract } from '../datagram.contract.ts';
import type { Datagrams, DatagramSocket } from '../datagram.ts';
import type { MemoryDatagrams } from './datagrams.ts';
import type { Gate } from './gate.ts';
import { MemoryNetwork, type MemoryNetworkOptions } from './network.ts';
import { VirtualScheduler } from './virtual-scheduler.test-kit.ts';

datagramsContract('memory', () => {
  const scheduler = new VirtualScheduler();
  const network = new MemoryNetwork({ scheduler, random: createRandom('datagrams') });
  network.addHost('10.0.0.1');
  const reactor = new Reactor(() => scheduler.now());
  const harness: Harness & { readonly datagrams: Datagrams } = {
    reactor,
    datagrams: network.datagrams('10.0.0.1', reactor),
    inStep: (body) => reactor.step({ port: 'process', id: 0, kind: 'test' }, body),
    until: async (happened) => {
      while (!happened()) assert.ok(scheduler.next(), 'it never happens');
    },
    faultOf: () => assert.fail('not asked for'),
    close: async () => scheduler.runUntilIdle(),
  };
  return harness;
});

const PORT = 6_969;

/** Two hosts, a process each; `got` is what b was told and when (milliseconds). */
const pair = (options: Partial<MemoryNetworkOptions> = {}, gate?: Gate) => {
  const scheduler = new VirtualScheduler();
  const network = new MemoryNetwork({ scheduler, random: createRandom('pair'), link: { latencyMs: 10, jitterMs: 0 }, ...options });
  network.addHost('10.0.0.1');
  network.addHost('2001:db8::2', { names: ['10.0.0.2', 'b.example'] });
  const got: { readonly text: string; readonly ms: number; readonly from: string }[] = [];
  const reactors = { a: new Reactor(() => scheduler.now()), b: new Reactor(() => scheduler.now()) };
  const a = network.datagrams('10.0.0.1', reactors.a);
  const b = network.datagrams('2001:db8::2', reactors.b, gate);
  const bind = (who: 'a' | 'b', datagrams: MemoryDatagrams, keep: (text: string, from: string) => void): DatagramSocket => {
    let socket = null as DatagramSocket | null;
    reactors[who].step({ port: 'process', id: 0, kind: 'test' }, () => {
      socket = datagrams.bind(
        { host: '0.0.0.0', port: PORT },
        {
          bound() {},
          message: (from, bytes) => keep(Buffer.from(bytes).toString(), from.host),
          failed: ({ message }) => assert.fail(message),
        },
      );
    });
    return socket as DatagramSocket;
  };
  const socket = bind('a', a, () => {});
  bind('b', b, (text, from) => got.push({ text, from, ms: scheduler.now() / 1_000 }));
  scheduler.runUntilIdle();
  const send = (text: string): void => {
    assert.ok(socket.send({ host: '10.0.0.2', port: PORT }, new Uint8Array(Buffer.from(text))));
  };
  return { scheduler, network, got, send, a, b, reactors };
};

test('a datagram travels for the latency of its link, and carries the address of its host', () => {
  const { scheduler, got, send } = pair();
  const begun = scheduler.now() / 1_000;
  send('hello');
  scheduler.runUntilIdle();
  assert.deepEqual(got, [{ text: 'hello', from: '10.0.0.1', ms: begun + 10 }]);
});

test('jitter changes the order of datagrams', () => {
  const { scheduler, got, send } = pair({ link: { latencyMs: 1, jitterMs: 50 } });
  const sent = Array.from({ length: 20 }, (_, place) => String(place));
  for (const text of sent) send(text);
  scheduler.runUntilIdle();
  const texts = got.map(({ text }) => text);
  assert.notDeepEqual(texts, sent);
  assert.deepEqual(
    texts.toSorted((x, y) => Number(x) - Number(y)),
    sent,
  );
});

test('the share of losses of a link is lost, and nothing of a link without', () => {
  const { scheduler, network, got, send } = pair({ link: { latencyMs: 1, jitterMs: 0, lossShare: 0.3 } });
  for (let count = 0; count < 1_000; count++) send('x');
  scheduler.runUntilIdle();
  assert.ok(got.length > 620 && got.length < 780, `${got.length} of 1,000 came`);
  network.setLink('10.0.0.1', '2001:db8::2', { latencyMs: 1, jitterMs: 0 });
  const before = got.length;
  for (let count = 0; count < 100; count++) send('y');
  scheduler.runUntilIdle();
  assert.equal(got.length - before, 100);
});

test('a partition swallows datagrams, also those on their way', () => {
  const { scheduler, network, got, send } = pair();
  send('on its way');
  const heal = network.partition(['10.0.0.1'], ['2001:db8::2']);
  send('into it');
  scheduler.runUntilIdle();
  heal();
  send('after it');
  scheduler.runUntilIdle();
  assert.deepEqual(
    got.map(({ text }) => text),
    ['after it'],
  );
});

test('a process that is stopped gets what came, as far as a buffer holds it, when it goes on', () => {
  const waiting: (() => void)[] = [];
  let stopped = false;
  const gate: Gate = {
    get open() {
      return !stopped;
    },
    pass: (run) => (stopped ? waiting.push(run) : run()),
  };
  const { scheduler, got, send } = pair({}, gate);
  stopped = true;
  for (let count = 0; count < 300; count++) send(String(count));
  scheduler.runUntilIdle();
  assert.equal(got.length, 0);
  stopped = false;
  for (const run of waiting.splice(0)) run();
  assert.deepEqual([got.length, got[255]?.text], [256, '255']);
  send('more');
  scheduler.runUntilIdle();
  assert.equal(got.at(-1)?.text, 'more');
});

test('a process that has crashed hears nothing, and its port is free for the next', () => {
  const { scheduler, network, got, send, b, reactors } = pair();
  send('to the dead');
  b.crash();
  scheduler.runUntilIdle();
  assert.equal(got.length, 0);
  let heard = '';
  reactors.b.step({ port: 'process', id: 0, kind: 'test' }, () => {
    network
      .datagrams('2001:db8::2', reactors.b)
      .bind(
        { host: '0.0.0.0', port: PORT },
        { bound() {}, message: (_from, bytes) => (heard = Buffer.from(bytes).toString()), failed: ({ message }) => assert.fail(message) },
      );
  });
  scheduler.runUntilIdle();
  send('to the next');
  scheduler.runUntilIdle();
  assert.equal(heard, 'to the next');
});

test('lent bytes are worth nothing after the call', () => {
  const { scheduler, network, send, reactors } = pair();
  let kept: Uint8Array | null = null;
  network.addHost('10.0.0.3');
  reactors.b.step({ port: 'process', id: 0, kind: 'test' }, () => {
    network
      .datagrams('10.0.0.3', reactors.b)
      .bind(
        { host: '10.0.0.3', port: PORT },
        { bound() {}, message: (_from, bytes) => (kept = bytes), failed: ({ message }) => assert.fail(message) },
      );
  });
  scheduler.runUntilIdle();
  send('elsewhere');
  const bytes = new Uint8Array(Buffer.from('secret'));
  const { a } = { a: network.datagrams('10.0.0.1', reactors.a) };
  let own = null as DatagramSocket | null;
  reactors.a.step({ port: 'process', id: 0, kind: 'test' }, () => {
    own = a.bind({ host: '0.0.0.0', port: 0 }, { bound() {}, message() {}, failed: ({ message }) => assert.fail(message) });
  });
  scheduler.runUntilIdle();
  own?.send({ host: '10.0.0.3', port: PORT }, bytes);
  scheduler.runUntilIdle();
  assert.ok(kept !== null && Buffer.from(kept).toString() !== 'secret');
  assert.equal(Buffer.from(bytes).toString(), 'secret', 'the poison is in a copy');
});
