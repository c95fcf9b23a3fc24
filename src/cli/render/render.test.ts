import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Output } from '../output.ts';
import { displayWidth, fit, formatDuration, formatPercent, formatSize, printable } from './format.ts';
import { progressLines, progressText, ProgressView } from './progress.ts';
import { renderTable } from './table.ts';
import { commandLines, wrap } from './text.ts';

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

  const longNames = {
    ...facts,
    label: 'một tên rất dài của một tệp dữ liệu-2026.tar.gz',
    doneBytes: 62_000_000,
    size: 127_000_000,
    sources: [
      { name: 'workstation-of-bob-in-the-second-laboratory', bytes: 39_300_000 },
      { name: 'máy-chủ-của-phòng-thí-nghiệm-数据', bytes: 22_700_000 },
    ],
  };

  it('shows rate, time left and the bytes from each source on one line where there is room', () => {
    const [line, ...more] = progressLines(facts, 160);
    assert.deepEqual(more, []);
    assert.match(line ?? '', /^corpus {2}█+░+ .*30%.*300 B of 1\.00 kB.*50\.0 MB\/s.*14 s left.*from alice 100 B, bob 200 B$/u);
  });

  it('shows all of that on two lines of 80 columns, also with long names', () => {
    for (const [shown, alice, bob] of [
      [{ ...facts, label: '  carol', doneBytes: 62_000_000, size: 127_000_000 }, 'alice 100 B', 'bob 200 B'],
      [longNames, '…? 22.7 MB', 'workstation-of-bob.*… 39.3 MB'],
    ] as const) {
      const lines = progressLines(shown, 79);
      for (const line of lines) assert.ok(displayWidth(line) <= 79, line);
      assert.equal(lines.length, 2);
      assert.match(lines[0] ?? '', /█+░+ {3}48% {2}62\.0 MB of 127 MB {2}50\.0 MB\/s {2}14 s left$/u);
      assert.match(lines[1] ?? '', new RegExp(`^ +from .*${alice}`, 'u'));
      assert.match(lines[1] ?? '', new RegExp(bob, 'u'));
    }
  });

  it('keeps every source in its place while the bytes grow', () => {
    const ahead = { ...facts, sources: [...facts.sources].reverse().map(({ name, bytes }) => ({ name, bytes: bytes * 9 })) };
    assert.match(progressLines(ahead, 160)[0] ?? '', /from alice 900 B, bob 1\.80 kB$/u);
  });

  it('sums up the sources that have no room, and loses none of their bytes', () => {
    const crowd = { ...facts, sources: Array.from({ length: 50 }, (_, n) => ({ name: `node-${n}`, bytes: 1_000 })) };
    const line = progressLines(crowd, 79)[1] ?? '';
    const [, more = '', bytes = ''] = / (\d+) more ([\d.]+) kB$/u.exec(line) ?? [];
    assert.equal(Number(bytes), Number(more), line);
    assert.equal(Number(more) + (line.match(/node-/gu)?.length ?? 0), 50, line);
  });

  it('never exceeds the terminal', () => {
    for (const shown of [facts, longNames, { ...longNames, reason: 'waits for a node that has it: '.repeat(9) }])
      for (let columns = 1; columns < 160; columns++)
        for (const line of [...progressLines(shown, columns), progressText(shown, columns)]) assert.ok(displayWidth(line) <= columns, line);
  });

  it('draws over its line on a terminal, and not when nothing changed', () => {
    const { output, err } = recorded({ tty: true });
    const view = new ProgressView(output);
    view.show({ ...facts, sources: [] });
    view.show({ ...facts, sources: [] });
    view.clear();
    assert.equal(err.length, 2);
    assert.ok(err[0]?.startsWith('\r') && !err[0].includes('\n'));
  });

  it('goes up before it draws over two lines or clears them', () => {
    const { output, err } = recorded({ tty: true });
    const view = new ProgressView(output);
    for (const doneBytes of [62_000_000, 63_000_000]) view.show({ ...longNames, doneBytes });
    view.clear();
    view.show(longNames);
    assert.deepEqual(
      err.map((text) => text.startsWith('\r\u001b[1A')),
      [false, true, true, false],
    );
    assert.equal(err[2], '\r\u001b[1A\u001b[J');
  });

  it('writes a line now and then where there is no terminal, none before the first is due, and nothing with --json', () => {
    let now = 0;
    const { output, err } = recorded({ tty: false });
    const view = new ProgressView(output, () => now);
    for (; now < 10_000; now += 100) view.show({ ...facts, doneBytes: facts.doneBytes + now });
    view.clear();
    assert.equal(err.length, 3);
    assert.ok(err.every((line) => line.endsWith('\n') && !line.includes('\r') && !line.includes('\u001b')));
    const silent = recorded({ tty: true, json: true });
    new ProgressView(silent.output).show(facts);
    assert.deepEqual(silent.err, []);
  });

  it('says the same once a minute and no more often, and at once what is new', () => {
    let now = 0;
    const { output, err } = recorded({ tty: false });
    const view = new ProgressView(output, () => now);
    const waiting = { ...facts, rate: 0, secondsLeft: null, reason: 'Waiting for a peer.' };
    for (; now < 130_000; now += 250) view.show(waiting);
    assert.equal(err.length, 3);
    view.show({ ...waiting, reason: 'Its turn has not come.' });
    assert.match(err.at(-1) ?? '', /turn has not come/u);
  });

  it('writes nothing for what is complete at once, also after something else of the same name', () => {
    let now = 0;
    const { output, err } = recorded({ tty: false });
    const view = new ProgressView(output, () => now);
    for (; now <= 4_000; now += 200) view.show({ ...facts, doneBytes: 200 + now / 10 });
    const lines = err.length;
    assert.equal(lines, 1);
    now += 60_000;
    view.show({ ...facts, doneBytes: 0 });
    assert.equal(err.length, lines);
  });
});

describe('text on a terminal', () => {
  it('is broken at spaces, with an indent, and a number keeps its unit', () => {
    const text = `  ${'\u001b[32m✓\u001b[39m'} Ba node đang chạy: alice, bob và carol; 127 MB at 28.4 MB/s  ${'\u001b[2m4.5 s\u001b[22m'}`;
    const lines = wrap(text, 30, 4);
    for (const line of lines) assert.ok(displayWidth(line) <= 30, line);
    assert.ok(lines.slice(1).every((line) => /^ {4}\S/u.test(line)));
    assert.deepEqual(lines.join(' ').match(/\S+/gu), text.match(/\S+/gu));
    assert.ok(
      lines.every((line) => !/^ *(?:MB|s\b)/u.test(line)),
      lines.join('\n'),
    );
    assert.deepEqual(wrap(text, 200, 4), [text]);
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 8 }),
        (words, columns, indent) => assert.equal(wrap(words, columns, indent).join('').replaceAll(' ', ''), words.replaceAll(' ', '')),
      ),
    );
  });

  it('never breaks a command, and explains it above where both do not fit on a line', () => {
    const hints = [
      { command: 'npx shoal search --config ../a/rather/long/path/.shoal/network/bob.json', about: 'everything that is shared' },
      { command: 'kill -9 12', about: 'another failover' },
    ];
    assert.deepEqual(commandLines(hints, 80), [
      '  everything that is shared:',
      `    ${hints[0]?.command}`,
      '  another failover:',
      '    kill -9 12',
    ]);
    const wide = commandLines(hints, 120);
    assert.equal(wide.length, 2);
    assert.equal(wide[0]?.indexOf('everything'), wide[1]?.indexOf('another'));
  });
});

describe('output', () => {
  it('colours on a terminal alone, and not where NO_COLOR is set', () => {
    assert.equal(recorded({ tty: true }).output.style.red('x'), '\u001b[31mx\u001b[39m');
    assert.equal(recorded({ tty: false }).output.style.red('x'), 'x');
    assert.equal(recorded({ tty: true, env: { NO_COLOR: '1' } }).output.style.red('x'), 'x');
    assert.equal(recorded({ tty: true, env: { TERM: 'dumb' } }).output.style.red('x'), 'x');
  });

  it('breaks a sentence at spaces on a terminal alone', () => {
    const text = 'một '.repeat(30).trim();
    const terminal = recorded({ tty: true });
    terminal.output.sentence(text, 2);
    assert.equal(terminal.out.length, 2);
    assert.match(terminal.out[1] ?? '', /^ {2}một .*\n$/u);
    const pipe = recorded({ tty: false });
    pipe.output.sentence(text, 2);
    assert.deepEqual(pipe.out, [`${text}\n`]);
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
