import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeJoinCode, encodeJoinCode, type JoinCode } from './join-code.ts';

const example: JoinCode = {
  networkId: '00112233445566778899aabbccddeeff',
  networkKey: '5a'.repeat(32),
  name: 'Phòng thí nghiệm',
  proxies: [
    { name: 'proxy', address: '192.168.1.5:7411' },
    { name: 'proxy-2', address: '[fe80::1]:7411' },
  ],
};

const hex = (bytes: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'));

describe('join code', () => {
  it('brings back what went in', () => {
    const codes = fc.record(
      {
        networkId: hex(16),
        networkKey: hex(32),
        name: fc.string({ unit: 'grapheme', maxLength: 20 }).filter((s) => Buffer.byteLength(s) < 256 && s.isWellFormed()),
        proxies: fc.array(
          fc.record(
            {
              name: fc.stringMatching(/^[a-z]{1,20}$/u),
              address: fc.nat(65_535).map((port) => `proxy.lab:${port}`),
              announce: fc.nat(65_535).map((port) => `proxy.lab:${port}`),
            },
            { noNullPrototype: true, requiredKeys: ['name', 'address'] },
          ),
          { minLength: 1, maxLength: 16 },
        ),
      },
      { noNullPrototype: true },
    );
    fc.assert(fc.property(codes, (code) => assert.deepEqual(decodeJoinCode(encodeJoinCode(code)), { ok: true, value: code })));
  });

  it('survives case, line breaks, hyphens and look-alikes', () => {
    const text = encodeJoinCode(example);
    assert.match(text, /^shoal[0-9a-z]+$/u);
    const rest = text.slice(5).toUpperCase().replaceAll('0', 'O').replaceAll('1', 'I');
    const mangled = `Shoal-${rest.match(/.{1,30}/gu)?.join('\n  ')}\n`;
    assert.deepEqual(decodeJoinCode(mangled), { ok: true, value: example });
  });

  it('refuses every single mistyped character and every cut, and says so', () => {
    const text = encodeJoinCode(example);
    for (let at = 5; at < text.length; at++) {
      const wrong = `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
      const decoded = decodeJoinCode(wrong);
      assert.ok(!decoded.ok && decoded.error.code === 'code-invalid', `at ${at}`);
      assert.ok(!decodeJoinCode(text.slice(0, at)).ok, `cut at ${at}`);
    }
  });

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(decodeJoinCode(text).ok, false)));
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdefghjkmnpqrstvwxyz') }), (text) =>
        assert.equal(decodeJoinCode(`shoal${text}`).ok, false),
      ),
    );
    assert.ok(!decodeJoinCode('x'.repeat(1_000_000)).ok);
  });
});
