import assert from 'node:assert/strict';
import { it } from 'node:test';
import { announceTiers, announceUrls } from './passkeys.ts';

it('torrents name a proxy by HTTP, one on loopback by UDP after it, where libtorrent takes no other path than /announce', () => {
  const key = 'a'.repeat(32);
  const gates = ['gate.example', '2001:db8::1', '127.0.0.1', '::1', 'localhost'].map((host) => ({
    name: host,
    announce: { host, port: 6969 },
  }));
  const tiers = announceTiers(announceUrls([...gates, { name: 'without', announce: null }], key));
  assert.deepEqual(tiers, [
    [`http://gate.example:6969/${key}/announce`],
    [`http://[2001:db8::1]:6969/${key}/announce`],
    ...['127.0.0.1', '[::1]', 'localhost'].map((host) => ['http', 'udp'].map((scheme) => `${scheme}://${host}:6969/${key}/announce`)),
  ]);
});
