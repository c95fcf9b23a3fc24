import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeChange, encodeChange } from './change.ts';
import { changes } from './changes.test-kit.ts';

test('a change and its tail come back as they went', () => {
  fc.assert(
    fc.property(changes, fc.uint8Array({ maxLength: 64 }), (change, tail) => {
      const decoded = decodeChange(encodeChange(change, tail));
      assert.ok(decoded.ok);
      assert.deepEqual(decoded.value.change, structuredClone(change));
      assert.deepEqual(Buffer.from(decoded.value.tail), Buffer.from(tail));
    }),
  );
});

test('the order in which a change was put together does not show in its bytes', () => {
  const a = encodeChange({ kind: 'account.disable', folded: 'an', disabled: true });
  const b = encodeChange({ disabled: true, folded: 'an', kind: 'account.disable' });
  assert.deepEqual(a, b);
});

test('bytes that are no change are refused, never thrown at', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assert.equal(decodeChange(bytes).ok, false)));
  fc.assert(
    fc.property(changes, fc.nat(), fc.nat(255), (change, at, value) => {
      const bytes = encodeChange(change);
      bytes[at % bytes.length] = value;
      decodeChange(bytes);
    }),
  );
});

test('a change of a newer program is refused with its reason', () => {
  const head = new TextEncoder().encode('{"kind":"account.promote"}');
  const payload = new Uint8Array(4 + head.length);
  payload[3] = head.length;
  payload.set(head, 4);
  const decoded = decodeChange(payload);
  assert.equal(!decoded.ok && decoded.error.code, 'unknown-change');
});
