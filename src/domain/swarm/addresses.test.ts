import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addressFor, reachOf } from './addresses.ts';

const at = (addresses: string[], observed: string, proxy = 'p1') =>
  reachOf(
    addresses.map((host) => ({ host, port: 6_000 })),
    observed,
    proxy,
  );
const host = (target: ReturnType<typeof at>, asker: ReturnType<typeof at>): string | null => addressFor(target, asker)?.host ?? null;

test('loopback goes to loopback peers only', () => {
  const onProxysMachine = at(['127.0.0.1'], '127.0.0.1');
  assert.equal(host(onProxysMachine, at(['127.0.0.1'], '127.0.0.1')), '127.0.0.1');
  assert.equal(host(onProxysMachine, at(['10.0.0.2'], '10.0.0.2')), null);
  assert.equal(host(at(['::1'], '::1'), at(['127.0.0.1'], '127.0.0.1')), '::1');
});

test('a node on the proxy machine is reached by loopback from there, by its network address from elsewhere', () => {
  const target = at(['127.0.0.1', '10.0.0.1'], '127.0.0.1');
  assert.equal(host(target, at(['127.0.0.1', '10.0.0.1'], '::ffff:127.0.0.1')), '127.0.0.1');
  assert.equal(host(target, at(['10.0.0.7'], '10.0.0.7')), '10.0.0.1');
  assert.equal(host(target, at(['127.0.0.1', '10.0.0.9'], '127.0.0.1', 'p2')), '10.0.0.1');
});

test('a wildcard stands for what the proxy sees', () => {
  assert.equal(host(at(['0.0.0.0'], '192.168.1.5'), at(['192.168.1.6'], '192.168.1.6')), '192.168.1.5');
  assert.equal(host(at(['::'], '127.0.0.1'), at(['::'], '127.0.0.1')), '127.0.0.1');
  assert.equal(host(at(['::'], '127.0.0.1'), at(['::'], '10.0.0.1')), null);
});

test('behind a translator the own network gets the inner address, others the outer', () => {
  const inside = at(['192.168.1.5'], '203.0.113.9');
  assert.equal(host(inside, at(['192.168.1.6'], '203.0.113.9')), '192.168.1.5');
  const outer = addressFor(at(['192.168.1.5', '203.0.113.9'], '203.0.113.9'), at(['203.0.113.77'], '203.0.113.77'));
  assert.deepEqual(outer, { host: '203.0.113.9', port: 6_000 });
});

test('an asker without IPv6 gets an IPv4 address where there is one', () => {
  const both = at(['2001:db8::1', '198.51.100.1'], '198.51.100.1');
  assert.equal(host(both, at(['203.0.113.1'], '203.0.113.1')), '198.51.100.1');
  assert.equal(host(both, at(['2001:db8::2'], '2001:db8::2')), '2001:db8::1');
});

const near = (a: ReturnType<typeof at>, b: ReturnType<typeof at>): boolean =>
  a.neighbourhoods.some((place) => b.neighbourhoods.includes(place));

test('near is the same /24, the same /64 or the same machine', () => {
  assert.ok(near(at(['10.0.0.1'], '10.0.0.1'), at(['10.0.0.200'], '10.0.0.200')));
  assert.equal(near(at(['10.0.0.1'], '10.0.0.1'), at(['10.0.1.1'], '10.0.1.1')), false);
  assert.ok(near(at(['2001:db8:0:1::5'], '2001:db8:0:1::5'), at(['2001:db8::1:aaaa:0:0:9'], '2001:db8::1:aaaa:0:0:9')));
  assert.equal(near(at(['2001:db8:0:1::5'], '2001:db8:0:1::5'), at(['2001:db8:0:2::5'], '2001:db8:0:2::5')), false);
  assert.ok(near(at([], '127.0.0.1'), at([], '::1')));
  assert.equal(near(at([], '127.0.0.1'), at([], '127.0.0.1', 'p2')), false);
});

test('nonsense is dropped, whatever it is', () => {
  for (const bad of ['256.1.1.1', ':::', 'fe80::1', 'a b', '', '1:2', 'http://x'])
    assert.equal(host(at([bad], '127.0.0.1'), at(['127.0.0.1'], '127.0.0.1')), null, bad);
  assert.equal(addressFor(reachOf([{ host: '10.0.0.1', port: 0 }], '10.0.0.1', 'p1'), at(['10.0.0.2'], '10.0.0.2')), null);
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string(), (hosts, observed) => {
      addressFor(at(hosts, observed), at(hosts, observed));
    }),
  );
});

test('a loopback address never reaches a node that is not on the machine of a proxy', () => {
  const hosts = fc.constantFrom('127.0.0.1', '::1', '10.0.0.1', '10.0.1.1', '2001:db8::1', '0.0.0.0', '127.8.8.8');
  fc.assert(
    fc.property(fc.array(hosts), hosts, fc.array(hosts), fc.constantFrom('10.0.0.9', '2001:db8::9'), (target, seen, asker, observed) => {
      const address = addressFor(at(target, seen), at(asker, observed));
      assert.ok(address === null || !/^127\.|^::1$/u.test(address.host));
    }),
  );
});
