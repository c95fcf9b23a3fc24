import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Diagram, drawDiagram, type Row } from './draw.ts';

const frame = { link: 'replica', kind: 'append', epoch: 3 } as const;
const rows: readonly Row[] = [
  { n: 10, at: 1_000, process: 'tracker', is: 'sent', to: 'backup', ...frame, text: 'entry 4@3' },
  { n: 11, at: 1_000, process: 'tracker', is: 'sent', to: 'backup', ...frame, text: 'entry 5@3' },
  { n: 12, at: 2_000, process: 'backup', is: 'received', from: 'tracker', ...frame, text: 'entry 5@3', sent: 11 },
  { n: 13, at: 2_500, process: 'tracker', is: 'sent', to: 'proxy1', link: 'proxy', kind: 'heartbeat', epoch: 3, text: '<round 7>' },
  { n: 14, at: 3_000, process: 'backup', is: 'process', text: 'killed' },
  { n: 15, at: 3_000, process: 'tracker', is: 'transition', kind: 'replica', text: 'primary.sync → primary.degrading  (degrade.proposed)' },
  { n: 16, at: 3_000, process: '', is: 'violation', text: 'I3: entry 5 is gone' },
];
const diagram: Diagram = {
  processes: ['proxy1', 'tracker', 'backup'],
  rows,
  lost: [10],
  faults: [{ id: 1, text: 'cut tracker -> backup', processes: ['tracker', 'backup'], fromAt: 1_500, toAt: 2_600 }],
  operations: {},
  originAt: 0,
};
const all = { hiddenProcesses: [], hiddenKinds: [], room: 600 };
const rowOf = (body: string, n: number): string => body.split('<g class="event"').find((part) => part.includes(`data-n="${n}"`)) ?? '';

test('every event has a row; arrows end where a frame arrived, others with a cross or on their way', () => {
  const { body, rows: shown, head, height } = drawDiagram(diagram, all);
  assert.deepEqual(
    shown,
    rows.map(({ n }) => n),
  );
  assert.ok(height >= rows.length * 20);
  for (const name of diagram.processes) assert.ok(head.includes(`>${name}<`));
  assert.match(rowOf(body, 10), /class="lost".*class="cross"/u);
  assert.match(rowOf(body, 11), /class="arrived" marker-end/u);
  assert.match(rowOf(body, 13), /class="waiting".*class="open"/u);
  assert.match(rowOf(body, 15), /class="transition".*primary\.degrading/u);
  assert.match(rowOf(body, 16), /class="violation".*I3: entry 5 is gone/u);
  assert.ok(rowOf(body, 13).includes('&lt;round 7>'), 'text is escaped');
});

test('a killed process has a dotted line from there on, and a fault is a span in the columns of those it concerns', () => {
  const { body } = drawDiagram(diagram, all);
  assert.equal(body.match(/class="life down"/gu)?.length, 1);
  assert.equal(body.match(/<g class="fault">/gu)?.length, 2);
});

test('without a process or a kind of frame, its rows go and the others move up', () => {
  const withoutProxy = drawDiagram(diagram, { ...all, hiddenProcesses: ['proxy1'] });
  assert.deepEqual(withoutProxy.rows, [10, 11, 12, 14, 15, 16]);
  assert.ok(withoutProxy.width < drawDiagram(diagram, all).width);
  const withoutAppends = drawDiagram(diagram, { ...all, hiddenKinds: ['append', 'transition'] });
  assert.deepEqual(withoutAppends.rows, [13, 14, 16]);
});

test('a frame whose sending is not shown has the end of its arrow', () => {
  const late = { ...diagram, rows: rows.filter(({ n }) => n >= 12) };
  const { body } = drawDiagram(late, all);
  assert.match(rowOf(body, 12), /class="arrived" marker-end.*append e3 entry 5@3/u);
});

test('the function can be carried to a browser as text', () => {
  // oxlint-disable-next-line no-implied-eval -- what the page does with it
  const carried = new Function(`return (${drawDiagram.toString()})`)() as typeof drawDiagram;
  assert.deepEqual(carried(diagram, all), drawDiagram(diagram, all));
});
