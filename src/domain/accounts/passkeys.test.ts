import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ANNOUNCE_URLS_MAX } from '../../protocol/control/limits.ts';
import { announceTiers, announceUrls, givenTiers } from './passkeys.ts';

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

it('announce URLs that are given make a tier for each proxy, with UDP beside HTTP on loopback; what is none is refused', () => {
  const path = `${'b'.repeat(32)}/announce`;
  const given = [
    `http://gate.example:6969/${path}`,
    `http://127.0.0.1:7/${path}`,
    ` udp://gate.example:6969/${path}`,
    `https://gate.example/${path}`,
  ];
  assert.deepEqual(givenTiers([...given, given[0] as string]), {
    ok: true,
    value: [
      [`http://gate.example:6969/${path}`, `udp://gate.example:6969/${path}`],
      [`http://127.0.0.1:7/${path}`, `udp://127.0.0.1:7/${path}`],
      [`https://gate.example/${path}`],
    ],
  });
  assert.deepEqual(givenTiers([]), { ok: true, value: [] });
  for (const bad of [
    '',
    'laptop',
    'ws://a/announce',
    'http://a/scrape',
    'http://a/announce?x=/announce',
    'http://a/key',
    'udp://a/k/announce',
  ]) {
    const refused = givenTiers([bad]);
    assert.equal(!refused.ok && refused.error.code, 'bad-request', bad);
  }
  assert.equal(givenTiers(Array.from({ length: ANNOUNCE_URLS_MAX + 1 }, (_, n) => `http://a${n}/announce`)).ok, false);
});
