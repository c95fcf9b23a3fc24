/**
 * The sequence diagram as SVG: processes as columns, time downwards, a row for each event. The function takes all it
 * needs as arguments and from within, because the page carries its source: the browser draws anew what a filter leaves.
 */
import type { RecordedEvent } from './recorder.ts';

export interface DrawnFault {
  readonly id: number;
  readonly text: string;
  /** In whose columns it is drawn. */
  readonly processes: readonly string[];
  /** Virtual microseconds. */
  readonly fromAt: number;
  readonly toAt: number;
}

/** A row that is no event of a process: what broke. */
export interface ViolationRow {
  readonly n: number;
  readonly at: number;
  readonly is: 'violation';
  readonly process: '';
  readonly text: string;
}

export type Row = RecordedEvent | ViolationRow;

export interface Diagram {
  readonly processes: readonly string[];
  readonly rows: readonly Row[];
  readonly lost: readonly number[];
  readonly faults: readonly DrawnFault[];
  /** What operations of users are, by number. */
  readonly operations: Readonly<Record<string, string>>;
  /** Virtual microseconds at which a plan's time begins. */
  readonly originAt: number;
}

export interface Shown {
  readonly hiddenProcesses: readonly string[];
  /** Kinds of frames; and `transition`, `disk`, `log`, `operation`. */
  readonly hiddenKinds: readonly string[];
  /** Pixels to fill, if the columns can be narrow or wide enough for that. */
  readonly room: number;
}

export interface Drawing {
  /** The names of the columns, for a bar that stays in sight. */
  readonly head: string;
  readonly body: string;
  readonly width: number;
  readonly height: number;
  /** The numbers of the events that have a row, from the top. */
  readonly rows: readonly number[];
  readonly rowHeight: number;
  /** The middle of each process's column. */
  readonly columns: Readonly<Record<string, number>>;
}

export const drawDiagram = (diagram: Diagram, shown: Shown): Drawing => {
  const [gutter, rowHeight, character] = [84, 22, 6.1];
  const hiddenKinds = new Set(shown.hiddenKinds);
  const hiddenProcesses = new Set(shown.hiddenProcesses);
  const processes = diagram.processes.filter((name) => !hiddenProcesses.has(name));
  const column = Math.min(230, Math.max(104, (shown.room - gutter) / Math.max(1, processes.length)));
  const places = new Map(processes.map((name, index) => [name, gutter + (index + 0.5) * column]));
  const lost = new Set(diagram.lost);
  const width = gutter + Math.max(1, processes.length) * column;

  const filterOf = (row: Row): string => {
    if (row.is === 'sent' || row.is === 'received') return row.kind;
    return row.is === 'called' || row.is === 'answered' ? 'operation' : row.is;
  };
  const otherEnd = (row: Row): string | null => (row.is === 'sent' ? row.to : row.is === 'received' ? row.from : null);
  const visible = (row: Row): boolean => {
    if (row.is === 'violation') return true;
    const other = otherEnd(row);
    return places.has(row.process) && (other === null || places.has(other)) && !hiddenKinds.has(filterOf(row));
  };
  const rows = diagram.rows.filter(visible);
  const height = (rows.length + 1) * rowHeight;
  const tops = new Map(rows.map((row, index) => [row.n, (index + 0.75) * rowHeight]));
  const arrivals = new Map<number, Row>();
  for (const row of rows) if (row.is === 'received' && row.sent !== null && tops.has(row.sent)) arrivals.set(row.sent, row);

  const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  const fitted = (text: string, pixels: number): string => {
    const characters = Math.max(1, Math.floor(pixels / character));
    return escape(text.length > characters ? `${text.slice(0, characters - 1)}…` : text);
  };
  const place = (process: string): number => places.get(process) ?? 0;
  const top = (row: Row): number => tops.get(row.n) ?? 0;
  const line = (x1: number, y1: number, x2: number, y2: number, more: string): string =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${more}/>`;
  const words = (x: number, y: number, kind: string, anchor: string, text: string): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" class="${kind}" text-anchor="${anchor}">${text}</text>`;
  /** Where in the diagram a moment is: between the rows around it, as far as time has gone from one to the other. */
  const heightOf = (at: number): number => {
    const after = rows.findIndex((row) => row.at > at);
    if (after === 0) return 0;
    if (after < 0) return height;
    const [before, next] = [rows[after - 1] as Row, rows[after] as Row];
    return top(before) + ((at - before.at) / (next.at - before.at)) * rowHeight;
  };

  const lifeline = (process: string): string => {
    const changes = diagram.rows.filter((row) => row.is === 'process' && row.process === process);
    const x = place(process);
    let up = changes[0] === undefined || !changes[0].text.startsWith('starts');
    let from = 0;
    const drawn: string[] = [];
    for (const change of [...changes, null]) {
      const to = change === null ? height : (tops.get(change.n) ?? heightOf(change.at));
      if (to > from) drawn.push(line(x, from, x, to, `class="life ${up ? 'up' : 'down'}"`));
      from = to;
      if (change !== null) up = change.text.startsWith('starts');
    }
    return drawn.join('');
  };

  const faults = (): string => {
    const lanes = new Map<string, { readonly to: number }[]>();
    const drawn: string[] = [];
    for (const fault of diagram.faults) {
      const from = heightOf(fault.fromAt);
      const to = Math.max(heightOf(fault.toAt), from + 3);
      if (rows.length === 0 || to <= 0 || from >= height) continue;
      for (const process of fault.processes.filter((name) => places.has(name))) {
        const others = lanes.get(process) ?? [];
        const lane = others.filter((other) => other.to > from).length;
        lanes.set(process, [...others, { to }]);
        const x = place(process) - column / 2 + 3 + lane * 7;
        const box = `x="${x.toFixed(1)}" y="${from.toFixed(1)}" width="${Math.max(8, column - 6 - lane * 14)}" height="${(to - from).toFixed(1)}"`;
        const label = words(x + 4, Math.max(from, 0) + 10, 'fault-name', 'start', fitted(fault.text, column - 16 - lane * 14));
        drawn.push(`<g class="fault"><title>${escape(fault.text)}</title><rect ${box} rx="3"/>${to - from > 12 ? label : ''}</g>`);
      }
    }
    return drawn.join('');
  };

  const arrow = (row: Extract<Row, { is: 'sent' }>): string => {
    const [x1, y1] = [place(row.process), top(row)];
    const direction = place(row.to) > x1 ? 1 : -1;
    const arrival = arrivals.get(row.n);
    const gone = lost.has(row.n);
    const share = arrival === undefined ? 0.6 : 1;
    const x2 = x1 + (place(row.to) - x1) * share - (arrival === undefined ? 0 : direction * 2);
    const y2 = arrival === undefined ? y1 + rowHeight * 0.4 : top(arrival);
    const end =
      arrival === undefined
        ? gone
          ? line(x2 - 4, y2 - 4, x2 + 4, y2 + 4, 'class="cross"') + line(x2 - 4, y2 + 4, x2 + 4, y2 - 4, 'class="cross"')
          : `<circle cx="${x2.toFixed(1)}" cy="${y2.toFixed(1)}" r="3" class="open"/>`
        : '';
    const state = arrival === undefined ? (gone ? 'lost' : 'waiting') : 'arrived';
    const head = arrival === undefined ? '' : ' marker-end="url(#head)"';
    const text = `${row.kind}${row.epoch === null ? '' : ` e${row.epoch}`} ${row.text}`;
    // The row is this event's alone: its words may go on beyond the arrow.
    const room =
      direction > 0 ? Math.min(width - x1, place(row.to) - x1 + column) - 14 : Math.min(x1 - gutter, x1 - place(row.to) + column) - 14;
    const label = words(x1 + direction * 6, y1 - 3, 'frame-name', direction > 0 ? 'start' : 'end', fitted(text, room));
    return line(x1, y1, x2, y2, `class="${state}"${head}`) + end + label;
  };

  /** An arrow whose beginning is not shown. */
  const arrivalOnly = (row: Extract<Row, { is: 'received' }>): string => {
    const [x, y] = [place(row.process), top(row)];
    if (row.sent !== null && tops.has(row.sent)) return `<circle cx="${x}" cy="${y.toFixed(1)}" r="2.5" class="dot"/>`;
    const direction = place(row.from) > x ? 1 : -1;
    const text = `${row.kind}${row.epoch === null ? '' : ` e${row.epoch}`} ${row.text}`;
    const label = words(x + direction * 8, y - 3, 'frame-name', direction > 0 ? 'start' : 'end', fitted(text, column - 20));
    return line(x + direction * 40, y, x + direction * 2, y, 'class="arrived" marker-end="url(#head)"') + label;
  };

  const box = (row: Row, kind: string, text: string): string => {
    const [x, y, wide] = [place(row.process), top(row), Math.min(column - 8, text.length * character + 12)];
    const outline = `x="${(x - wide / 2).toFixed(1)}" y="${(y - 8).toFixed(1)}" width="${wide.toFixed(1)}" height="16" rx="4"`;
    return `<rect ${outline} class="${kind}"/>${words(x, y + 4, 'box-name', 'middle', fitted(text, wide - 8))}`;
  };

  const event = (row: Row): string => {
    switch (row.is) {
      case 'sent':
        return arrow(row);
      case 'received':
        return arrivalOnly(row);
      case 'transition':
        return box(row, 'transition', row.text.split('  (')[0]?.split(' → ')[1] ?? row.text);
      case 'called':
        return box(row, 'called', diagram.operations[row.kind] ?? row.kind);
      case 'answered':
        return box(row, row.text === 'ok' ? 'answered' : 'refused', row.text);
      case 'process':
        return box(row, row.text.startsWith('starts') ? 'starts' : 'stops', row.text);
      case 'violation':
        return `<rect x="0" y="${(top(row) - 10).toFixed(1)}" width="${width}" height="20" class="violation"/>${words(gutter, top(row) + 4, 'violation-name', 'start', fitted(row.text, width - gutter - 8))}`;
      default: {
        // The rest of the row is free. In the last column that is on the left.
        const last = place(row.process) + column > width;
        const x = place(row.process) + (last ? -6 : 6);
        return words(x, top(row) + 4, row.is, last ? 'end' : 'start', fitted(row.text, last ? x - gutter : width - x));
      }
    }
  };

  const time = (at: number): string => `${((at - diagram.originAt) / 1_000_000).toFixed(4)} s`;
  const drawnRows = rows.map((row, index) => {
    const label = index === 0 || rows[index - 1]?.at !== row.at ? words(gutter - 8, top(row) + 4, 'time', 'end', time(row.at)) : '';
    const title = `<title>${escape(row.text)}</title>`;
    return `<g class="event" data-n="${row.n}">${title}<rect x="0" y="${index * rowHeight}" width="${width}" height="${rowHeight}" class="hit"/>${label}${event(row)}</g>`;
  });
  const head = processes.map((name) => words(place(name), 18, 'process-name', 'middle', escape(name))).join('');
  return {
    head,
    body: `${processes.map(lifeline).join('')}${faults()}${drawnRows.join('')}`,
    width,
    height,
    rows: rows.map(({ n }) => n),
    rowHeight,
    columns: Object.fromEntries(places),
  };
};
