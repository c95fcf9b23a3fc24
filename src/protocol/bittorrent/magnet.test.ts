import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { toHex } from '../digest.ts';
import { infoHash } from './ids.ts';
import type { Magnet } from './magnet.ts';
import { printMagnet, readMagnet } from './magnet.ts';
import { valueOf } from './torrent.test-kit.ts';

const v1 = '631a31dd0a46257d5078c0dee4e66e26f73e42ac';
const v2 = 'caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e';

const refusal = (link: string): string => {
  const read = readMagnet(link);
  return read.ok ? 'accepted' : read.error.message;
};

describe('magnet links', () => {
  it('reads the hybrid link of BEP 52', () => {
    const magnet = valueOf(readMagnet(`magnet:?xt=urn:btih:${v1}&xt=urn:btmh:1220${v2}&dn=bittorrent-v1-v2-hybrid-test`));
    assert.deepEqual([magnet.v1 && toHex(magnet.v1), magnet.v2 && toHex(magnet.v2), magnet.name], [v1, v2, 'bittorrent-v1-v2-hybrid-test']);
  });

  it('reads base32, numbered parameters, escapes, peers and a selection of files', () => {
    const base32 = 'MMNDDXIKIYSX2UDYYDPOJZTOE33T4QVM';
    const magnet = valueOf(
      readMagnet(
        `MAGNET:?xt.1=URN:BTIH:${base32}&dn=Ti%E1%BA%BFng+Vi%E1%BB%87t&xl=12&tr.1=http%3A%2F%2Ft%2Fannounce&tr.2=udp://u:1&x.pe=[::1]:6881&x.pe=h.example:1&x.pe=bad&so=0,2,4-6&foo=bar`,
      ),
    );
    assert.equal(magnet.v1 && toHex(magnet.v1), v1);
    assert.equal(magnet.name, 'Tiếng Việt');
    assert.equal(magnet.size, 12);
    assert.deepEqual(magnet.trackers, ['http://t/announce', 'udp://u:1']);
    assert.deepEqual(magnet.peers, [
      { host: '::1', port: 6881 },
      { host: 'h.example', port: 1 },
    ]);
    assert.deepEqual(magnet.files, [
      { first: 0, last: 0 },
      { first: 2, last: 2 },
      { first: 4, last: 6 },
    ]);
  });

  it('says what is wrong', () => {
    assert.match(refusal('http://x'), /magnet:\?/u);
    assert.match(refusal('magnet:?dn=x'), /no info-hash/u);
    assert.match(refusal('magnet:?xt=urn:btih:1234'), /invalid/u);
    assert.match(refusal(`magnet:?xt=urn:btih:${'1'.repeat(32)}`), /invalid/u);
    assert.match(refusal(`magnet:?xt=urn:btmh:1114${v1}`), /invalid/u);
    assert.match(refusal(`magnet:?xt=urn:btih:${v1}&xt=urn:btih:${'0'.repeat(40)}`), /two torrents/u);
    assert.match(refusal(`magnet:?xt=urn:btih:${v1}&dn=%E1`), /percent/u);
    assert.match(refusal(`magnet:?xt=urn:btih:${v1}&so=5-3`), /selection/u);
    assert.match(refusal(`magnet:?xt=urn:btih:${v1}&dn=${'x'.repeat(20_000)}`), /longer/u);
  });

  const hash = (length: number): fc.Arbitrary<Magnet['v1']> => fc.uint8Array({ minLength: length, maxLength: length }).map(infoHash);
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
  const port = fc.integer({ min: 1, max: 65_535 });
  const range = fc.tuple(fc.nat({ max: 1000 }), fc.nat({ max: 1000 })).map(([first, more]) => ({ first, last: first + more }));
  const magnets = fc.record(
    {
      v1: hash(20),
      v2: fc.option(hash(32)),
      name: fc.option(text),
      size: fc.option(fc.integer({ min: 1, max: 2 ** 50 })),
      trackers: fc.uniqueArray(text, { maxLength: 4 }),
      webSeeds: fc.uniqueArray(fc.webUrl({ validSchemes: ['http', 'https'] }), { maxLength: 3 }),
      peers: fc.array(fc.record({ host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), port }, { noNullPrototype: true }), { maxLength: 4 }),
      files: fc.array(range, { maxLength: 4 }),
    },
    { noNullPrototype: true },
  );

  it('reads back what it printed', () => {
    fc.assert(
      fc.property(magnets, (magnet) => assert.deepEqual(valueOf(readMagnet(printMagnet(magnet))), magnet)),
      { numRuns: 500 },
    );
  });

  it('never throws on text', () => {
    const parts = fc.constantFrom(
      'magnet:?',
      'xt=',
      'urn:btih:',
      'urn:btmh:1220',
      v1,
      v2,
      '&',
      '=',
      '%',
      '%zz',
      'so=',
      '1-',
      'x.pe=[',
      'dn=',
      '.1',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string({ maxLength: 4 })), { maxLength: 10 }), (all) => void readMagnet(all.join(''))),
      { numRuns: 5000 },
    );
  });
});
