import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeSeedAnswer, type SeedVerdict, SKIP_BYTES_MAX, webSeedBackOff } from './web-seed-answer.ts';

const ASKED = { from: 1_000, length: 500, fileBytes: 9_000 };
const judge = (status: number, fields: Readonly<Record<string, string>> = {}, asked = ASKED): SeedVerdict =>
  judgeSeedAnswer(status, new Map(Object.entries(fields)), asked);

test('exactly the range that was asked for is taken', () => {
  const range = 'bytes 1000-1499/9000';
  assert.deepEqual(judge(206, { 'content-range': range, 'content-length': '500' }), { kind: 'take', skipBytes: 0 });
  assert.deepEqual(judge(206, { 'content-range': 'bytes 1000-1499/*' }), { kind: 'take', skipBytes: 0 });
  assert.deepEqual(judge(206, { 'content-range': range, 'content-encoding': 'identity' }), { kind: 'take', skipBytes: 0 });
});

test('other ranges, lengths and codings are refused', () => {
  for (const fields of [
    {},
    { 'content-range': 'bytes 0-499/9000' },
    { 'content-range': 'bytes 1000-1498/9000' },
    { 'content-range': 'bytes 1000-1999/9000' },
    { 'content-range': 'items 1000-1499/9000' },
    { 'content-range': 'bytes 1000-1499/9000', 'content-length': '499' },
    { 'content-range': 'bytes 1000-1499/9000', 'content-encoding': 'gzip' },
    { 'content-type': 'multipart/byteranges; boundary=x' },
  ])
    assert.equal(judge(206, fields).kind, 'failed', JSON.stringify(fields));
});

test('a file of another length is another file', () => {
  assert.equal(judge(206, { 'content-range': 'bytes 1000-1499/9001' }).kind, 'lacks');
  assert.equal(judge(200, { 'content-length': '8999' }).kind, 'lacks');
  assert.equal(judge(416).kind, 'lacks');
});

test('of a whole file what comes before is thrown away, unless that is too much', () => {
  assert.deepEqual(judge(200, { 'content-length': '9000' }), { kind: 'take', skipBytes: 1_000 });
  assert.deepEqual(judge(200), { kind: 'take', skipBytes: 1_000 });
  assert.equal(judge(200, {}, { ...ASKED, from: SKIP_BYTES_MAX + 1, fileBytes: 1e9 }).kind, 'lacks');
  assert.equal(judge(200, { 'content-encoding': 'gzip' }).kind, 'failed');
});

test('what a status means: elsewhere, not here, later, broken', () => {
  for (const status of [301, 302, 303, 307, 308]) assert.equal(judge(status).kind, 'redirect');
  for (const status of [401, 403, 404, 410]) assert.equal(judge(status).kind, 'lacks');
  for (const status of [500, 502, 201, 204, 304, 400]) assert.equal(judge(status).kind, 'failed');
  const seconds = (told: string): unknown => {
    const verdict = judge(503, { 'retry-after': told });
    return verdict.kind === 'later' ? verdict.seconds : verdict.kind;
  };
  assert.equal(seconds('120'), 120);
  assert.equal(seconds('0'), 1);
  assert.equal(seconds('999999999'), 3_600);
  assert.equal(seconds('Sun, 06 Nov 1994 08:49:37 GMT'), null);
  assert.equal(judge(429).kind, 'later');
});

test('who fails is left alone longer and longer, for ten minutes at most', () => {
  assert.deepEqual([1, 2, 3, 4].map(webSeedBackOff), [5, 10, 20, 40]);
  assert.equal(webSeedBackOff(8), 600);
  assert.equal(webSeedBackOff(1e9), 600);
});
