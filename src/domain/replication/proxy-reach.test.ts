import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outreachedSince, reachOf } from './proxy-reach.ts';

test('the reach is a bit for each proxy of the network that has a link; others do not count', () => {
  const proxies = ['p1', 'p2', 'p3'];
  assert.equal(reachOf(proxies, new Set()), 0);
  assert.equal(reachOf(proxies, new Set(['p3', 'p1', 'backup'])), 0b101);
  const many = Array.from({ length: 20 }, (_, i) => `p${i}`);
  assert.equal(reachOf(many, new Set(many)), 0xffff);
});

test('a primary is outreached while another one in sync has all of its proxies and more', () => {
  assert.equal(outreachedSince(null, 0, [0b1], 70), 70);
  assert.equal(outreachedSince(70, 0, [0b10], 90), 70);
  assert.equal(outreachedSince(70, 0b10, [0b1, 0b110], 90), 70, 'one of several');
  assert.equal(outreachedSince(70, 0b1, [0b1], 90), null);
  assert.equal(outreachedSince(70, 0b11, [0b1], 90), null);
  assert.equal(outreachedSince(70, 0b1, [0b110], 90), null, 'somebody would lose the primary');
  assert.equal(outreachedSince(70, 0, [0], 90), null, 'nobody is reached: no use in handing over');
  assert.equal(outreachedSince(70, 0, [], 90), null, 'alone');
});
