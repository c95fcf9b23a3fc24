import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginTrust, confirmed, mayAct, stoodStill, ticked } from './stall.ts';

const OPTIONS = { every: 150, stall: 500 };

test('a tick that is a little late says nothing; one that is overdue by more than the limit says that nothing ran', () => {
  const trust = beginTrust(1_000);
  assert.equal(stoodStill(trust, 1_650, OPTIONS), false);
  assert.ok(mayAct(trust, 1_650, OPTIONS));
  assert.ok(mayAct(ticked(trust, 1_650, OPTIONS), 1_650, OPTIONS));
  assert.ok(stoodStill(trust, 1_651, OPTIONS));
});

test('what comes before the overdue tick finds a primary that may not act, and so does what comes after it', () => {
  const trust = beginTrust(0);
  assert.equal(mayAct(trust, 3_000, OPTIONS), false);
  const found = ticked(trust, 3_000, OPTIONS);
  assert.equal(mayAct(found, 3_000, OPTIONS), false);
  assert.equal(mayAct(ticked(found, 3_150, OPTIONS), 3_150, OPTIONS), false, 'the next tick in time does not help by itself');
});

test('a majority confirms it, itself counted, each voter once; who stands still meanwhile begins anew', () => {
  const found = ticked(beginTrust(0), 3_000, OPTIONS);
  assert.ok(mayAct(confirmed(found, 'backup', 3), 3_000, OPTIONS) === false);
  const once = confirmed(found, 'w1', 3);
  assert.equal(mayAct(confirmed(once, 'w1', 3), 3_000, OPTIONS), false);
  const trusted = confirmed(once, 'w2', 3);
  assert.ok(mayAct(trusted, 3_100, OPTIONS));
  assert.equal(mayAct(trusted, 4_000, OPTIONS), false);
  assert.deepEqual(ticked(once, 4_000, OPTIONS).confirmedBy, []);
  assert.equal(confirmed(trusted, 'w3', 3), trusted, 'late answers change nothing');
});
