import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis, seconds } from '../../src/ports/clock.ts';
import type { Ports } from '../../src/ports/ports.ts';
import { datagramsContract } from '../../src/transports/datagram.contract.ts';
import type { DatagramSocket } from '../../src/transports/datagram.ts';
import { simulatedHarness } from './harness.contract.ts';
import { World } from './index.ts';

datagramsContract('simulated', () => {
  const harness = simulatedHarness();
  return { ...harness, datagrams: harness.incarnation.ports.datagrams };
});

const PORT = 6_969;

/** Answers every packet with its text. */
const echo = ({ datagrams }: Ports): void => {
  const socket: DatagramSocket = datagrams.bind(
    { host: '0.0.0.0', port: PORT },
    { bound() {}, message: (from, bytes) => void socket.send(from, bytes.slice()), failed: ({ message }) => assert.fail(message) },
  );
};

/** Sends a packet every 10 ms; answers the numbers that came back. */
const ask = ({ datagrams, clock }: Ports, host: string): number[] => {
  const back: number[] = [];
  let count = 0;
  const socket: DatagramSocket = datagrams.bind(
    { host: '0.0.0.0', port: 0 },
    {
      bound: () => again(),
      message: (_from, bytes) => back.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)),
      failed: ({ message }) => assert.fail(message),
    },
  );
  const again = (): void => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, count++);
    socket.send({ host, port: PORT }, bytes);
    if (count < 200) clock.setTimer(millis(10), again);
  };
  return back;
};

const run = (lossShare: number, disturb: (world: World) => void = () => {}): { readonly back: number[]; readonly trace: string } => {
  const world = new World({ seed: 'datagrams', network: { link: { latencyMs: 5, jitterMs: 40, lossShare } } });
  const server = world.process('server');
  server.start(({ ports }) => echo(ports));
  let back: number[] = [];
  world.process('client').start(({ ports }) => (back = ask(ports, server.host)));
  disturb(world);
  world.run({ until: seconds(10) });
  return { back, trace: world.report().traceHash };
};

test('datagrams of a world arrive late, out of order, not at all, and the same again for the same seed', () => {
  const calm = run(0);
  assert.equal(calm.back.length, 200);
  assert.notDeepEqual(
    calm.back,
    calm.back.toSorted((a, b) => a - b),
    'jitter changes their order',
  );
  const lossy = run(0.2);
  assert.ok(lossy.back.length > 90 && lossy.back.length < 160, `${lossy.back.length} of 200 came back`);
  assert.deepEqual(run(0.2), lossy);
  assert.notEqual(lossy.trace, calm.trace);
});

test('a stopped process answers when it goes on; one that is killed does not, and its next incarnation does', () => {
  const paused = run(0, (world) => {
    world.at(seconds(0.5), () => {
      const goOn = world.process('server').stop();
      world.at(seconds(1), goOn);
    });
  });
  assert.equal(paused.back.length, 200);
  const killed = run(0, (world) => {
    world.at(seconds(0.5), () => world.process('server').kill());
    world.at(seconds(1), () => world.process('server').start(({ ports }) => echo(ports)));
  });
  assert.ok(killed.back.length > 130 && killed.back.length < 170, `${killed.back.length} came back`);
  assert.ok(killed.back.includes(199) && killed.back.includes(10) && !killed.back.includes(75));
});
