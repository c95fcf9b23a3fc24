/** The doors on the real network, met by raw sockets as any program has them. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';
import { proxySchema } from '../../config/schema.ts';
import { createRandom } from '../../ports/counter-random.ts';
import { silentLog } from '../../ports/log.ts';
import type { GuestAnnounceFrame } from '../../protocol/control/messages.ts';
import { createClock } from '../../system/clock.ts';
import { systemHarness } from '../../system/harness.contract.ts';
import { createTcpTransport } from '../../transports/tcp/tcp.ts';
import { createUdpDatagrams } from '../../transports/udp/udp.ts';
import { Doors } from './doors.ts';
import { answerOf, INFO_HASH, PASSKEY, queryOf } from './gate.test-kit.ts';
import { Gate } from './gate.ts';

const hasV6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
const hosts = hasV6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];

/** Opens both doors on all of IPv6 and IPv4; their port, and what they asked for. */
const openDoors = async (context: TestContext): Promise<{ readonly port: number; readonly asked: GuestAnnounceFrame[] }> => {
  const harness = systemHarness();
  const clock = createClock(harness.reactor);
  const [transport, datagrams] = [createTcpTransport(harness.reactor), createUdpDatagrams(harness.reactor)];
  const asked: GuestAnnounceFrame[] = [];
  const { limits } = proxySchema.shape.announce.parse({});
  const gate: Gate = new Gate({
    clock,
    random: createRandom('gate'),
    log: silentLog,
    settings: { passkeys: 'required', intervalSeconds: 300 },
    limits,
    ways: {
      serving: () => 'main 1',
      send: (frame) => {
        if (frame.kind === 'guestAnnounce') asked.push(frame);
        clock.setTimer(0, () => gate.frame({ kind: 'guestAnnounced', nonce: frame.nonce, outcome: answerOf() }));
        return true;
      },
    },
  });
  const doors = new Doors(
    { listen: { host: hasV6 ? '::' : '0.0.0.0', port: 0 }, http: true, udp: true },
    {
      clock,
      transport,
      datagrams,
      gate,
      limits,
      trustedForwarders: [],
      network: 'lab',
      open: false,
      secret: new Uint8Array(32),
    },
  );
  let failure: string | null = null;
  harness.inStep(() =>
    doors.open((opened) => {
      failure = opened.ok ? null : opened.error.message;
    }),
  );
  context.after(() => {
    harness.inStep(() => {
      gate.stop();
      doors.close();
    });
    transport.shutdown();
    datagrams.shutdown();
    clock.close();
  });
  await harness.until(() => doors.address !== null || failure !== null);
  assert.equal(failure, null);
  return { port: Number(doors.address?.split(':').at(-1)), asked };
};

/** What comes back over a socket until the other side closes it. */
const overTcp = (port: number, host: string, request: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ port, host }, () => void socket.write(request, 'latin1'));
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });

const overUdp = (port: number, host: string): { ask(packet: Buffer): Promise<Buffer>; close(): void } => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return {
    ask: (packet) =>
      new Promise((resolve, reject) => {
        socket.once('message', resolve);
        socket.once('error', reject);
        socket.send(packet, port, host);
      }),
    close: () => void socket.close(),
  };
};

test('by HTTP, over IPv4 and IPv6: two requests in one packet, the second closes', { timeout: 30_000 }, async (context) => {
  const { port, asked } = await openDoors(context);
  for (const host of hosts) {
    const request = (last: boolean): string =>
      `GET /${PASSKEY}/announce?${queryOf()} HTTP/1.1\r\nHost: gate\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;
    const text = await overTcp(port, host, request(false) + request(true));
    const responses = text.split(/(?=HTTP\/1\.1 )/u);
    assert.equal(responses.length, 2);
    for (const response of responses) assert.match(response, /^HTTP\/1\.1 200 OK\r\n[^]*8:completei2e/u);
    assert.equal(asked.at(-1)?.host, host);
  }
  assert.match(await overTcp(port, '127.0.0.1', 'GET / HTTP/1.0\r\n\r\n'), /announce gate of the Shoal network "lab"/u);
});

test('by UDP, over IPv4 and IPv6: the packets of BEP 15 and 41, byte by byte', { timeout: 30_000 }, async (context) => {
  const { port, asked } = await openDoors(context);
  for (const host of hosts) {
    const { ask, close } = overUdp(port, host);
    const connected = await ask(Buffer.from('00000417271019800000000011223344', 'hex'));
    assert.equal(connected.subarray(0, 8).toString('hex'), '0000000011223344');
    const path = Buffer.from(`/${PASSKEY}/announce`, 'latin1');
    const packet = Buffer.concat([
      connected.subarray(8, 16),
      Buffer.from('0000000155667788', 'hex'),
      Buffer.from(INFO_HASH, 'hex'),
      Buffer.from('-TR3000-abcdefghijkl'),
      // Downloaded, left, uploaded, event started, no address, a key, the default number of peers, a port.
      Buffer.from('000000000000000a000000000000001400000000000000050000000200000000deadbeefffffffff1ae1', 'hex'),
      // Nothing, the path in two pieces, the end.
      Buffer.from([1, 2, 10]),
      path.subarray(0, 10),
      Buffer.from([2, path.length - 10]),
      path.subarray(10),
      Buffer.from([0]),
    ]);
    const announced = await ask(packet);
    const peer = host === '::1' ? '20010db80000000000000000000000071b59' : '0a0000071b58';
    assert.equal(announced.toString('hex'), `00000001556677880000012c0000000100000002${peer}`);
    const { host: seen, event, leftBytes, downloadedBytes, uploadedBytes, key, want, port: own } = asked.at(-1) as GuestAnnounceFrame;
    assert.deepEqual(
      [seen, event, leftBytes, downloadedBytes, uploadedBytes, key, want, own],
      [host, 'started', 20, 10, 5, 'deadbeef', 50, 6_881],
    );
    close();
  }
});
