import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, seconds } from '../../ports/clock.ts';
import { Routes } from './routes.ts';

const clock: Clock & { at: number } = { at: 0, now: () => clock.at, wallNow: () => 0, setTimer: () => 0, clearTimer: () => {} };

const says = (primary: string | null, waitsFor: string | null) =>
  ({ kind: 'route', epoch: 1, primary, reader: 'backup', waitsFor, spreadMs: 0 }) as const;
const waits = says(null, 'main');

/** Of these routes: whether it is stranded where it is, and everywhere. */
const standing = ({ strandedHere, stranded }: Routes): readonly boolean[] => [strandedHere, stranded];

test('a node is stranded where every proxy says so or does not answer, not where only its own does', () => {
  const routes = new Routes(clock, 3);
  assert.deepEqual(standing(routes), [false, false]);
  routes.said(0, waits);
  assert.deepEqual(standing(routes), [true, false]);
  routes.unreached(1);
  routes.linked();
  assert.deepEqual(standing(routes), [false, false]);
  routes.said(2, waits);
  assert.deepEqual(standing(routes), [false, true]);
});

test('with one proxy what it says counts at once', () => {
  const routes = new Routes(clock, 1);
  routes.said(0, waits);
  assert.deepEqual(standing(routes), [false, true]);
});

test('a primary, or the hope of one, ends it; and after a while the others may see more', () => {
  const routes = new Routes(clock, 2);
  const everywhere = (): void => [0, 1].forEach((proxy) => routes.said(proxy, waits));
  everywhere();
  routes.said(1, says(null, null));
  assert.deepEqual([...standing(routes), routes.withoutPrimary], [false, false, true]);
  everywhere();
  routes.said(1, says('main', null));
  assert.deepEqual([...standing(routes), routes.withoutPrimary], [false, false, false]);
  routes.said(1, waits);
  assert.deepEqual(standing(routes), [true, false]);
  everywhere();
  clock.at += seconds(61);
  routes.said(1, waits);
  assert.deepEqual(standing(routes), [true, false]);
});
