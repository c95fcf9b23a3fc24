import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ddmin } from './ddmin.ts';

const upTo = (length: number): number[] => Array.from({ length }, (_, index) => index);

test('a list is reduced to just the items that must be together', () => {
  const needed = [3, 41, 42, 97];
  let asked = 0;
  const left = ddmin(upTo(100), (part) => {
    asked++;
    return needed.every((item) => part.includes(item));
  });
  assert.deepEqual(left, needed);
  assert.ok(asked < 200, `${asked} questions for 4 of 100 items`);
});

test('one culprit among 1,024 is found in about twenty questions', () => {
  let asked = 0;
  const left = ddmin(upTo(1_024), (part) => {
    asked++;
    return part.includes(700);
  });
  assert.deepEqual(left, [700]);
  assert.ok(asked <= 25, `${asked} questions`);
});

test('what fails without any item is reduced to nothing; an empty list is not asked about', () => {
  assert.deepEqual(
    ddmin(upTo(8), () => true),
    [],
  );
  assert.deepEqual(
    ddmin([], () => assert.fail('asked about nothing')),
    [],
  );
});

test('any failure comes out 1-minimal, in order, and failing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.array(fc.nat(59), { maxLength: 5 }), { minLength: 1, maxLength: 4 }),
      (length, sets) => {
        // Fails where all of one of the sets is there: not monotonic sets of their own, but any of them will do.
        const items = upTo(Math.max(length, ...sets.flat().map((item) => item + 1)));
        const fails = (part: readonly number[]): boolean => sets.some((set) => set.every((item) => part.includes(item)));
        const left = ddmin(items, fails);
        assert.ok(fails(left));
        assert.deepEqual(
          left,
          [...left].sort((a, b) => a - b),
        );
        for (const item of left) assert.ok(!fails(left.filter((other) => other !== item)), `${item} could still go`);
      },
    ),
    { numRuns: 300 },
  );
});

test('where the runs are spent, what was reached by then is the answer', () => {
  let runs = 6;
  const left = ddmin(upTo(64), (part) => runs-- > 0 && part.includes(5));
  assert.ok(left.includes(5));
  assert.ok(left.length < 64);
});
