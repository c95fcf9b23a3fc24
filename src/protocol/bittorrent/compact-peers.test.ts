import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { toHex } from '../digest.ts';
import { bytesOfIp, compactPeers, ipOfBytes, readCompactPeers } from './compact-peers.ts';

const hexOf = (host: string): string | null => {
  const bytes = bytesOfIp(host);
  return bytes && toHex(bytes);
};

describe('addresses as bytes', () => {
  it('reads and writes IPv4 and IPv6 as RFC 5952 has them', () => {
    assert.equal(hexOf('10.0.0.255'), '0a0000ff');
    assert.equal(hexOf('2001:DB8::1'), '20010db8000000000000000000000001');
    for (const host of ['::', '::1', '2001:db8::', '2001:db8:0:1:1:1:1:1', '1:0:0:2::3', 'fe80::1', '127.0.0.1']) {
      assert.equal(ipOfBytes(bytesOfIp(host) ?? new Uint8Array()), host);
    }
  });

  it('takes IPv4 that is mapped into IPv6 for IPv4', () => {
    assert.equal(hexOf('::ffff:1.2.3.4'), '01020304');
    assert.equal(ipOfBytes(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4)), '1.2.3.4');
  });

  it('refuses what is no address', () => {
    for (const host of [
      '',
      'a.example',
      '1.2.3',
      '256.1.1.1',
      '1.2.3.4.5',
      ':::',
      '1::2::3',
      '1:2:3',
      '12345::',
      'fe80::1%eth0',
      '::1.2.3',
      '1.2.3.4::',
    ]) {
      assert.equal(bytesOfIp(host), null, host);
    }
    assert.equal(ipOfBytes(new Uint8Array(5)), null);
  });

  it('gives every address back', () => {
    const ip = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));
    fc.assert(
      fc.property(ip, (bytes) => {
        const host = ipOfBytes(bytes) as string;
        assert.equal(ipOfBytes(bytesOfIp(host) as Uint8Array), host);
        if (!toHex(bytes).startsWith('00000000000000000000ffff')) assert.deepEqual([...(bytesOfIp(host) ?? [])], [...bytes]);
      }),
    );
    fc.assert(fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.ipV4()), (text) => [undefined, 4, 16].includes(bytesOfIp(text)?.length)));
  });
});

describe('compact peers', () => {
  it('parts peers by family, and leaves names out', () => {
    const { v4, v6 } = compactPeers([
      { host: '1.2.3.4', port: 0x1ae1 },
      { host: 'a.example', port: 1 },
      { host: '::1', port: 65_535 },
    ]);
    assert.equal(toHex(v4), '010203041ae1');
    assert.equal(toHex(v6), '00000000000000000000000000000001ffff');
  });

  it('reads what it wrote, up to a limit, without peers at port 0 and without a cut-off one', () => {
    const peers = [
      { host: '1.2.3.4', port: 6881 },
      { host: '4.3.2.1', port: 0 },
      { host: '5.6.7.8', port: 1 },
    ];
    const { v4 } = compactPeers(peers);
    assert.deepEqual(readCompactPeers(v4, 'v4', 10), [peers[0], peers[2]]);
    assert.deepEqual(readCompactPeers(v4, 'v4', 1), [peers[0]]);
    assert.deepEqual(readCompactPeers(v4.subarray(0, 17), 'v4', 10), [peers[0]]);
    const six = [{ host: '2001:db8::5', port: 6881 }];
    assert.deepEqual(readCompactPeers(compactPeers(six).v6, 'v6', 10), six);
  });
});
