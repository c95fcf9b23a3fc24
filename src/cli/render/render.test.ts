import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Output } from '../output.ts';
import { displayWidth, fit, formatDuration, formatPercent, formatSize, printable } from './format.ts';
import { progressLine, ProgressView } from './progress.ts';
import { renderTable } from './table.ts';

const plain = (text: string): string => text;

/** An output that remembers, on a terminal or not. */
const recorded = (options: {
  tty: boolean;
  json?: boolean;
  env?: Record<string, string>;
}): { output: Output; out: string[]; err: string[] } => {
  const out: string[] = [];
  const err: string[] = [];
  const sink = (into: string[]): { write(text: string): void; isTTY: boolean; columns: number } => ({
    write: (text) => void into.push(text),
    isTTY: options.tty,
    columns: 80,
  });
  return { output: new Output({ out: sink(out), err: sink(err), json: options.json === true, env: options.env ?? {} }), out, err };
};

describe('formats', () => {
  it('writes sizes with three digits and never "1000 kB"', () => {
    const cases: [number, string][] = [
      [0, '0 B'],
      [999, '999 B'],
      [1_000, '1.00 kB'],
      [999_499, '999 kB'],
      [999_600, '1.00 MB'],
      [126_595_440, '127 MB'],
      [1_073_741_824, '1.07 GB'],
    ];
    for (const [bytes, text] of cases) assert.equal(formatSize(bytes), text);
  });

  it('writes durations as people say them', () => {
    for (const [seconds, text] of [
      [0.4, '0 s'],
      [59.6, '1 min 00 s'],
      [3_725, '1 h 02 min'],
      [90_000, '1 d 1 h'],
      [null, '-'],
      [Number.POSITIVE_INFINITY, '-'],
    ] as const) {
      assert.equal(formatDuration(seconds), text);
    }
  });

  it('says 100% only when all of it is there', () => {
    assert.equal(formatPercent(999_999, 1_000_000), '99%');
    assert.equal(formatPercent(1_000_000, 1_000_000), '100%');
    assert.equal(formatPercent(0, 0), '100%');
  });

  it('lets no name of a stranger steer the terminal', () => {
    const evil = 'a\u001b[2Jb\u009b31mc\u202egnp.exe\r\n';
    assert.match(printable(evil), /^[^\p{Cc}\u202e]*$/u);
    const [, row] = renderTable([{ title: 'NAME', of: (name: string) => name }], [evil], 80, plain);
    assert.ok(!(row ?? '').includes('\u001b'));
  });

  it('measures columns, not characters', () => {
    assert.equal(displayWidth('dữ liệu'), 7);
    assert.equal(displayWidth('dữ liệu'.normalize('NFD')), 7);
    assert.equal(displayWidth('数据'), 4);
    assert.equal(displayWidth('\u001b[31mred\u001b[39m'), 3);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, columns) =>
        assert.ok(displayWidth(fit(text, columns)) <= columns),
      ),
    );
  });
});

describe('tables', () => {
  const columns = [
    { title: 'ID', of: (row: { id: string }) => row.id },
    { title: 'NAME', of: (row: { name: string }) => row.name, shrinksTo: 8 },
    { title: 'SIZE', of: (row: { size: string }) => row.size, right: true },
  ];
  const rows = [
    { id: 'aaaa', name: 'một cái tên rất dài mà không vừa với màn hình', size: '1.00 GB' },
    { id: 'b', name: '数据', size: '9 B' },
  ];

  it('fits the terminal by cutting what may be cut', () => {
    const lines = renderTable(columns, rows, 40, plain);
    for (const line of lines) assert.ok(displayWidth(line) <= 40, line);
    assert.match(lines[1] ?? '', /^aaaa {2}một.*… {2}1\.00 GB$/u);
  });

  it('lines columns up, numbers to the right', () => {
    const lines = renderTable(columns, rows, 200, plain);
    assert.equal(new Set(lines.map(displayWidth)).size, 1);
    assert.match(lines[2] ?? '', /^b {5}数据 .* 9 B$/u);
  });
});

describe('progress', () => {
  const facts = {
    label: 'corpus',
    doneBytes: 300,
    size: 1000,
    rate: 50_000_000,
    secondsLeft: 14,
    sources: [
      { name: 'alice', bytes: 100 },
      { name: 'bob', bytes: 200 },
      { name: 'idle', bytes: 0 },
    ],
    reason: null,
  };

  it('shows rate, time left and the bytes from each source', () => {
    const line = progressLine(facts, 160, true);
    assert.match(line, /█+░+ .*30%.*300 B of 1\.00 kB.*50\.0 MB\/s.*14 s left.*from bob 200 B, alice 100 B$/u);
  });

  it('never exceeds the terminal', () => {
    for (let columns = 1; columns < 160; columns++) assert.ok(displayWidth(progressLine(facts, columns, true)) <= columns);
  });

  it('draws over its line on a terminal, and not when nothing changed', () => {
    const { output, err } = recorded({ tty: true });
    const view = new ProgressView(output);
    view.show(facts);
    view.show(facts);
    view.clear();
    assert.equal(err.length, 2);
    assert.ok(err[0]?.startsWith('\r') && !err[0].includes('\n'));
  });

  it('writes a line now and then where there is no terminal, and nothing with --json', () => {
    let now = 0;
    const { output, err } = recorded({ tty: false });
    const view = new ProgressView(output, () => now);
    for (; now < 10_000; now += 100) view.show(facts);
    view.clear();
    assert.equal(err.length, 4);
    assert.ok(err.every((line) => line.endsWith('\n') && !line.includes('\r') && !line.includes('\u001b')));
    const silent = recorded({ tty: true, json: true });
    new ProgressView(silent.output).show(facts);
    assert.deepEqual(silent.err, []);
  });
});

describe('output', () => {
  it('colours on a terminal alone, and not where NO_COLOR is set', () => {
    assert.equal(recorded({ tty: true }).output.style.red('x'), '\u001b[31mx\u001b[39m');
    assert.equal(recorded({ tty: false }).output.style.red('x'), 'x');
    assert.equal(recorded({ tty: true, env: { NO_COLOR: '1' } }).output.style.red('x'), 'x');
    assert.equal(recorded({ tty: true, env: { TERM: 'dumb' } }).output.style.red('x'), 'x');
  });

  it('writes either for people or for programs', () => {
    const people = recorded({ tty: false });
    people.output.line('text');
    people.output.value({ a: 1 });
    assert.deepEqual(people.out, ['text\n']);
    const programs = recorded({ tty: false, json: true });
    programs.output.line('text');
    programs.output.note('hint');
    programs.output.value({ a: 1 });
    programs.output.error({ code: 'busy', message: 'Later.' });
    assert.deepEqual([programs.out, programs.err], [['{"a":1}\n'], ['{"error":{"code":"busy","message":"Later."}}\n']]);
  });
});
