import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { clientHost, type IpNetwork, parseNetwork } from './forwarders.ts';

const networks = (...texts: string[]): IpNetwork[] => texts.map((text) => parseNetwork(text)).filter((network) => network !== null);

test('what a stranger says of where it comes from is not believed', () => {
  assert.equal(clientHost('192.0.2.1', '10.9.9.9', []), '192.0.2.1');
  assert.equal(clientHost('192.0.2.1', '10.9.9.9', networks('192.0.2.2')), '192.0.2.1');
});

test('a trusted forwarder is believed in what it added itself, and a chain of them', () => {
  const trusted = networks('10.0.0.0/8', '2001:db8::/32');
  assert.equal(clientHost('10.1.2.3', '198.51.100.7', trusted), '198.51.100.7');
  // The client wrote the first one.
  assert.equal(clientHost('10.1.2.3', '1.1.1.1, 198.51.100.7', trusted), '198.51.100.7');
  assert.equal(clientHost('10.1.2.3', '198.51.100.7, 10.4.5.6', trusted), '198.51.100.7');
  assert.equal(clientHost('2001:db8::5', '[2001:dead::7]', trusted), '2001:dead::7');
  assert.equal(clientHost('10.1.2.3', undefined, trusted), '10.1.2.3');
  assert.equal(clientHost('10.1.2.3', 'unknown', trusted), '10.1.2.3');
  assert.equal(clientHost('11.1.2.3', '198.51.100.7', trusted), '11.1.2.3');
});

test('networks are addresses with at most as many bits as they have', () => {
  for (const good of ['10.0.0.0/8', '10.0.0.1', '::/0', 'fe80::1/128', '0.0.0.0/0']) assert.notEqual(parseNetwork(good), null, good);
  for (const bad of ['10.0.0.0/33', 'lab', '10.0.0/8', '10.0.0.0/8/8', '::/129', '', '10.0.0.0/-1'])
    assert.equal(parseNetwork(bad), null, bad);
});

test('nothing that is sent makes it throw, and whatever comes out is an address that somebody said', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2_000 }), (text) => {
      const host = clientHost('10.1.2.3', text, networks('0.0.0.0/0', '::/0'));
      assert.ok(host === '10.1.2.3' || parseNetwork(host) !== null);
    }),
  );
});
