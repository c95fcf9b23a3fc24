import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encodeFrame, FrameDecoder } from './framing.ts';
import type { Frame } from './framing.ts';

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const plain = (frames: readonly Frame[]): { kind: number; body: string }[] =>
  frames.map(({ kind, body }) => ({ kind, body: Buffer.from(body).toString('hex') }));

const anyFrame = fc.record({
  kind: fc.integer({ min: 0, max: 255 }),
  parts: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }),
});

test('any cut of the stream gives the same frames', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (frames, cuts) => {
      const stream = joined(frames.flatMap(({ kind, parts }) => encodeFrame(kind, parts)));
      const decoder = new FrameDecoder(1_000);
      const found: Frame[] = [];
      for (let at = 0, i = 0; at < stream.length; i++) {
        const cut = cuts[i % cuts.length] as number;
        // Lent bytes: what the decoder kept of them would be wrong after this.
        const lent = stream.slice(at, at + cut);
        const { frames: some, violation } = decoder.push(lent);
        lent.fill(0xdb);
        assert.equal(violation, null);
        found.push(...some);
        at += cut;
      }
      assert.deepEqual(plain(found), plain(frames.map(({ kind, parts }) => ({ kind, body: joined(parts) }))));
      assert.equal(decoder.pendingBytes, 0);
    }),
  );
});

test('bytes of any kind never throw, and what is held stays under the limit', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
      const decoder = new FrameDecoder(300);
      for (const chunk of chunks) {
        decoder.push(chunk);
        assert.ok(decoder.pendingBytes <= 304);
      }
    }),
  );
});

test('a frame at the limit passes and one byte more is a violation, told before its body comes', () => {
  const decoder = new FrameDecoder(101);
  assert.equal(decoder.push(joined(encodeFrame(7, [new Uint8Array(100)]))).frames.length, 1);
  const { frames, violation } = decoder.push(joined(encodeFrame(7, [new Uint8Array(101)])).subarray(0, 4));
  assert.equal(frames.length, 0);
  assert.match(violation ?? '', /102 bytes is over the limit of 101/);
});

test('after a violation nothing more is decoded, and frames before it are not lost', () => {
  const decoder = new FrameDecoder(50);
  const good = joined(encodeFrame(1, [Buffer.from('good')]));
  const first = decoder.push(joined([good, new Uint8Array([0, 0, 0, 0]), good]));
  assert.deepEqual(plain(first.frames), [{ kind: 1, body: Buffer.from('good').toString('hex') }]);
  assert.match(first.violation ?? '', /length zero/);
  assert.deepEqual(decoder.push(good).frames, []);
});

test('large parts are not copied', () => {
  const large = new Uint8Array(100_000);
  const pieces = encodeFrame(9, [large]);
  assert.equal(pieces[1], large);
  const decoder = new FrameDecoder(200_000);
  assert.equal(decoder.push(joined(pieces)).frames[0]?.body.length, 100_000);
});

test('a length without its body costs no memory, and a body in tiny pieces no quadratic time', () => {
  const decoder = new FrameDecoder(0xffff_ffff);
  decoder.push(new Uint8Array([0x7f, 0xff, 0xff, 0xff, 1]));
  assert.equal(decoder.pendingBytes, 5);
  const patient = new FrameDecoder(8 * 1_048_576 + 1);
  patient.push(new Uint8Array([0, 0x80, 0, 1, 1]));
  const piece = new Uint8Array(64);
  for (let i = 1; i < (8 * 1_048_576) / 64; i++) assert.equal(patient.push(piece).frames.length, 0);
  assert.equal(patient.push(piece).frames[0]?.body.length, 8 * 1_048_576);
});
