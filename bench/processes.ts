/** What a benchmark needs to know of other processes and of its own figures. */
import { readFileSync } from 'node:fs';

/** Of Linux's clock for process times; fixed for all architectures that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds, user and system, that a process (all its threads) has used since it began. Linux only. */
export const cpuSecondsOf = (pid: number): number => {
  // The name, in parentheses, may hold anything; what follows it is split by spaces. Fields 14 and 15 of proc(5).
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

/** Greatest resident memory of a process so far, in MiB. Linux only. */
export const peakMemoryOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** `median (least–greatest)`. */
export const summary = (values: readonly number[], digits: number): string => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
  const show = (value: number | undefined): string => (value ?? Number.NaN).toFixed(digits);
  return `${show(median)} (${show(sorted[0])}–${show(sorted.at(-1))})`;
};

/** A table of text in columns, the first one to the left and the others to the right. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ');
  return rows.map(line).join('\n');
};
