import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { copyOf } from './copy.ts';

test('a copy is equal to plain data, as deep as it is', () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.bigInt(), fc.constant(null), fc.constant(undefined), fc.uint8Array());
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('tree')), fc.dictionary(fc.string(), tie('tree'))),
  }));
  fc.assert(fc.property(tree, (value) => assert.deepEqual(copyOf(value), structuredClone(value))));
});

test('a key named __proto__ is a key', () => {
  const value = JSON.parse('{"__proto__":{"a":1}}') as object;
  assert.deepEqual(Object.entries(copyOf(value)), [['__proto__', { a: 1 }]]);
});

test('nothing of the original is in the copy', () => {
  const bytes = Buffer.from([1, 2, 3]);
  const original = { list: [{ bytes }], when: new Map([[1, bytes]]) };
  const copy = copyOf(original);
  bytes[0] = 9;
  original.list.push({ bytes });
  assert.deepEqual(copy.list, [{ bytes: new Uint8Array([1, 2, 3]) }]);
  assert.equal(copy.when.get(1)?.[0], 1);
  assert.throws(() => copyOf({ run: () => {} }), /cannot be copied/u);
});
