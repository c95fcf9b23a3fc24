import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemHarness } from '../../system/harness.contract.ts';
import { datagramsContract } from '../datagram.contract.ts';
import type { Address } from '../transport.ts';
import { createUdpDatagrams, type UdpDatagrams } from './udp.ts';

datagramsContract('UDP', () => {
  let datagrams: UdpDatagrams | null = null;
  const harness = systemHarness(() => datagrams?.shutdown());
  datagrams = createUdpDatagrams(harness.reactor);
  return { ...harness, datagrams };
});

test(
  'UDP: a socket drops what its queue has no room for, and takes packets again once the system has them',
  { timeout: 20_000 },
  async () => {
    const harness = systemHarness();
    const datagrams = createUdpDatagrams(harness.reactor, { queueBytesMax: 100 });
    let at: Address | null = null;
    const texts: string[] = [];
    let socket = null as ReturnType<UdpDatagrams['bind']> | null;
    harness.inStep(() => {
      socket = datagrams.bind(
        { host: '127.0.0.1', port: 0 },
        {
          bound: (address) => (at = address),
          message: (_from, bytes) => texts.push(Buffer.from(bytes).toString()),
          failed: ({ message }) => assert.fail(message),
        },
      );
    });
    await harness.until(() => at !== null);
    const send = (text: string): boolean => socket?.send(at as unknown as Address, new Uint8Array(Buffer.from(text))) ?? false;
    harness.inStep(() => {
      assert.deepEqual([send('a'.repeat(60)), send('b'.repeat(60)), send('c'.repeat(40))], [true, false, true]);
    });
    await harness.until(() => texts.length === 2);
    harness.inStep(() => assert.equal(send('d'.repeat(100)), true));
    await harness.until(() => texts.length === 3);
    assert.deepEqual(
      texts.map((text) => text[0]),
      ['a', 'c', 'd'],
    );
    datagrams.shutdown();
  },
);
