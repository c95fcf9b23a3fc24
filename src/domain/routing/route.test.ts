import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusFrame } from '../../protocol/control/messages.ts';
import { isWrite, lateAnswer } from './operations.ts';
import { RequestBudget } from './request-budget.ts';
import { chooseFollower, choosePrimary, chooseWaitedFor, epochOf, type ReplicaView } from './route.ts';

const view = (
  name: string,
  role: StatusFrame['role'],
  epoch: number,
  more: Partial<ReplicaView> & { applied?: number; primary?: string | null; waitsFor?: string } = {},
): ReplicaView => ({
  name,
  up: more.up ?? true,
  heardAt: 0,
  status: {
    kind: 'status',
    name,
    role,
    epoch,
    primary: more.primary ?? null,
    mode: 'NONE',
    appliedSeq: more.applied ?? 0,
    waitsFor: more.waitsFor ?? null,
  },
});

test('the primary of the highest epoch is asked', () => {
  const views = [view('main', 'primary', 3), view('backup', 'primary', 4)];
  assert.deepEqual(choosePrimary(views, 0), { name: 'backup', epoch: 4 });
});

test('a primary below the highest epoch seen is never asked again (R12)', () => {
  assert.equal(choosePrimary([view('main', 'primary', 3)], 4), null);
  assert.deepEqual(choosePrimary([view('main', 'primary', 4)], 4), { name: 'main', epoch: 4 });
});

test('a primary whose link is down is not asked', () => {
  assert.equal(choosePrimary([view('main', 'primary', 3, { up: false })], 0), null);
});

test('soft reads go to the follower that knows most, and never to one that cannot answer', () => {
  const views = [view('a', 'follower', 1, { applied: 5 }), view('b', 'fenced', 1, { applied: 9 }), view('c', 'halted', 1, { applied: 99 })];
  assert.equal(chooseFollower(views), 'b');
  assert.equal(chooseFollower(views, 'b'), 'a');
  assert.equal(chooseFollower([view('c', 'booting', 1)]), null);
});

test('a replica is waited for while it is away and the other says that it may not lead', () => {
  const stuck = view('backup', 'follower', 5, { waitsFor: 'main' });
  assert.equal(chooseWaitedFor([view('main', 'follower', 1, { up: false }), stuck]), 'main');
  assert.equal(chooseWaitedFor([view('main', 'booting', 1), stuck]), null);
  assert.equal(chooseWaitedFor([view('main', 'follower', 1, { up: false }), { ...stuck, up: false }]), null);
});

test("a candidate's epoch fences nobody before it has won", () => {
  assert.equal(epochOf(view('b', 'candidate', 9).status as StatusFrame), 0);
  assert.equal(epochOf(view('b', 'follower', 9, { primary: 'main' }).status as StatusFrame), 9);
});

test('only a write that may have been done is indeterminate', () => {
  assert.equal(lateAnswer('register', true).code, 'indeterminate');
  assert.equal(lateAnswer('register', false).code, 'unavailable');
  assert.equal(lateAnswer('need', true).code, 'unavailable');
  assert.doesNotMatch(lateAnswer('need', true).message, /changed/u);
  assert.ok(isWrite('own') && !isWrite('nodes'));
});

test('a budget lets a burst pass, then the rate, and says how long to wait', () => {
  const budget = new RequestBudget(10, 5, 0);
  for (let i = 0; i < 5; i++) assert.equal(budget.take(0, 1), 0);
  assert.equal(budget.take(0, 1), 100);
  assert.ok(budget.take(50_000, 1) > 0);
  assert.equal(budget.take(101_000, 1), 0);
});
