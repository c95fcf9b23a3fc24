import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { BencodeNode, BencodeValue } from './bencode.ts';
import { Bencoded, decodeBencode, decodeBencodePrefix, encodeBencode, entryOf } from './bencode.ts';

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

type Plain = bigint | Uint8Array | Plain[] | Map<string, Plain>;

const plain = (node: BencodeNode): Plain => {
  if (node.kind === 'integer') return node.value;
  if (node.kind === 'bytes') return new Uint8Array(node.bytes);
  if (node.kind === 'list') return node.items.map(plain);
  return new Map([...node.entries].map(([key, value]) => [key, plain(value)]));
};

const read = (text: string): Plain => {
  const decoded = decodeBencode(latin1(text));
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message);
  return plain(decoded.value);
};

const refused = (text: string): string => {
  const decoded = decodeBencode(latin1(text));
  assert.ok(!decoded.ok, `accepted ${text}`);
  return decoded.error.code;
};

describe('bencode', () => {
  it('reads every kind of value', () => {
    assert.deepEqual(read('i-42e'), -42n);
    assert.deepEqual(read('0:'), latin1(''));
    assert.deepEqual(read('4:sp\xe0m'), latin1('sp\xe0m'));
    assert.deepEqual(read('le'), []);
    assert.deepEqual(
      read('d1:ali1ei2ee1:bdee'),
      new Map<string, Plain>([
        ['a', [1n, 2n]],
        ['b', new Map()],
      ]),
    );
  });

  it('keeps integers beyond 2^53 exact', () => {
    assert.equal(read('i9007199254740993e'), 9_007_199_254_740_993n);
    assert.equal(read('i-18446744073709551615e'), -18_446_744_073_709_551_615n);
  });

  for (const text of [
    'i-0e',
    'i00e',
    'i01e',
    'i-01e',
    'ie',
    'i-e',
    'i+1e',
    'i1.5e',
    'i 1e',
    '01:a',
    '-1:a',
    'i123456789012345678901e',
    'x',
    'e',
    '1;a',
  ]) {
    it(`refuses ${text}`, () => assert.equal(refused(text), 'bencode-invalid'));
  }

  it('refuses keys that are out of order, twice, or no strings', () => {
    assert.equal(refused('d1:bi1e1:ai2ee'), 'bencode-invalid');
    assert.equal(refused('d1:ai1e1:ai2ee'), 'bencode-invalid');
    assert.equal(refused('di1ei2ee'), 'bencode-invalid');
    // By raw bytes a capital comes first, and a high byte after all of ASCII.
    assert.ok(read('d1:Bi1e1:ai2e1:\xc4i3ee'));
  });

  it('takes keys out of order where told so, but never twice', () => {
    assert.ok(decodeBencode(latin1('d1:bi1e1:ai2ee'), { sortedKeys: false }).ok);
    assert.ok(!decodeBencode(latin1('d1:bi1e1:ai2e1:bi3ee'), { sortedKeys: false }).ok);
  });

  it('tells cut-off data from wrong data, and refuses what follows a value', () => {
    for (const text of ['', 'i1', 'i', 'l', 'd', 'd1:a', '5:abc', '12', 'li1e']) assert.equal(refused(text), 'bencode-cut-off');
    assert.equal(refused('i1ei2e'), 'bencode-trailing');
    const prefix = decodeBencodePrefix(latin1('d1:ai1eerest'));
    assert.equal(prefix.kind === 'complete' && prefix.bytesUsed, 8);
  });

  it('has limits on depth, size and the number of values', () => {
    assert.equal(refused('l'.repeat(100_000)), 'bencode-invalid');
    assert.equal(refused('999999999:'), 'bencode-invalid');
    assert.ok(!decodeBencode(latin1('10:0123456789'), { bytesMax: 8 }).ok);
    assert.ok(!decodeBencode(latin1(`l${'i1e'.repeat(20)}e`), { nodesMax: 20 }).ok);
    assert.ok(decodeBencode(latin1(`l${'i1e'.repeat(19)}e`), { nodesMax: 20 }).ok);
  });

  it('says where in the original bytes a value stands', () => {
    const bytes = latin1('d4:infod1:ai1ee1:zlee');
    const decoded = decodeBencode(bytes);
    const info = decoded.ok ? entryOf(decoded.value, 'info') : undefined;
    assert.equal(info && Buffer.from(bytes.subarray(info.start, info.end)).toString(), 'd1:ai1ee');
  });

  it('writes keys in the order of their raw bytes, and leaves out what is undefined', () => {
    const value = { b: 1, a: 'x', B: new Bencoded(latin1('le')), absent: undefined, é: 2n };
    assert.equal(Buffer.from(encodeBencode(value)).toString('latin1'), 'd1:Ble1:a1:x1:bi1e2:\xc3\xa9i2ee');
    // By UTF-16 units the second name would come first.
    const astral = encodeBencode({ '\uff5e': 1, '\u{1f600}': 2 });
    assert.ok(decodeBencode(astral).ok);
  });

  const { value: tree } = fc.letrec<{ value: BencodeValue; list: BencodeValue; dictionary: BencodeValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
      fc.uint8Array({ maxLength: 20 }),
      tie('list'),
      tie('dictionary'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    dictionary: fc
      .array(fc.tuple(fc.string({ unit: 'binary', maxLength: 6 }), tie('value')), { maxLength: 4 })
      .map((entries) => new Map(entries)),
  }));

  it('reads back what it wrote, and writes again the same bytes', () => {
    fc.assert(
      fc.property(tree, (value) => {
        const bytes = encodeBencode(value);
        const decoded = decodeBencode(bytes);
        assert.ok(decoded.ok);
        const again = (node: BencodeNode): BencodeValue => {
          if (node.kind === 'integer') return node.value;
          if (node.kind === 'bytes') return node.bytes;
          if (node.kind === 'list') return node.items.map(again);
          return new Map([...node.entries].map(([key, item]) => [latin1(key), again(item)]));
        };
        assert.deepEqual(encodeBencode(again(decoded.value)), bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws on bytes, and takes nothing but the one canonical form', () => {
    const soup = fc
      .array(fc.constantFrom('d', 'l', 'i', 'e', '1', '0', ':', '-', '2:ab', '1:a', 'i7e', 'de'), { maxLength: 24 })
      .map((parts) => latin1(parts.join('')));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), soup), (bytes) => {
        const decoded = decodeBencode(bytes);
        if (!decoded.ok) return;
        const write = (node: BencodeNode): string => {
          if (node.kind === 'integer') return `i${node.value}e`;
          if (node.kind === 'bytes') return `${node.bytes.length}:${Buffer.from(node.bytes).toString('latin1')}`;
          if (node.kind === 'list') return `l${node.items.map(write).join('')}e`;
          return `d${[...node.entries].map(([key, item]) => `${key.length}:${key}${write(item)}`).join('')}e`;
        };
        assert.equal(write(decoded.value), Buffer.from(bytes).toString('latin1'));
      }),
      { numRuns: 10_000 },
    );
  });
});
