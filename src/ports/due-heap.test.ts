import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type Due, DueHeap } from './due-heap.ts';

describe('due heap', () => {
  it('gives by time, equal times in the order of adding, and never what was removed', () => {
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), at: fc.nat(20) }) },
      fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('take' as const) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const heap = new DueHeap();
        const all: Due[] = [];
        /** The same, kept sorted in the plainest way. */
        let model: Due[] = [];
        for (const each of commands) {
          if (each.kind === 'add') {
            const due = heap.add(each.at, () => {});
            all.push(due);
            model = [...model, due].toSorted((a, b) => a.at - b.at || a.seq - b.seq);
          } else if (each.kind === 'remove' && all.length > 0) {
            const due = all[each.which % all.length] as Due;
            heap.remove(due);
            model = model.filter((other) => other !== due);
          } else if (each.kind === 'take') {
            assert.equal(heap.take(), model.shift());
          }
          assert.equal(heap.size, model.length);
          assert.equal(heap.first(), model[0]);
        }
        while (model.length > 0) assert.equal(heap.take(), model.shift());
        assert.equal(heap.take(), undefined);
      }),
    );
  });
});
