/** Numbers and names for people. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Decimal units, three digits: `1.50 GB`. */
export const formatSize = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
};

export const formatRate = (bytesPerSecond: number): string => `${formatSize(bytesPerSecond)}/s`;

/** `8 s`, `3 min 20 s`, `2 h 05 min`, `4 d 3 h`; a dash for what is not known. */
export const formatDuration = (seconds: number | null): string => {
  if (seconds === null || !Number.isFinite(seconds)) return '-';
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
};

/** Never 100 before all of it is there. */
export const formatPercent = (part: number, whole: number): string =>
  whole === 0 ? '100%' : `${part >= whole ? 100 : Math.min(99, Math.floor((part / whole) * 100))}%`;

/** Enough of an id to tell contents apart, and to give to a command. */
export const shortId = (id: string): string => id.slice(0, 12);

/** Local time to the minute. */
export const formatTime = (ms: number): string => {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
};

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/**
 * Text of others without what could steer the terminal or turn the reading order: control characters, and the marks that
 * change direction, become visible.
 */
export const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, '\ufffd');

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

const widthOf = (character: string): number => (/^(?:\p{M}|\p{Cf})$/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** Columns on a terminal; escape sequences of colours count nothing. */
export const displayWidth = (text: string): number => {
  const bare = text.replaceAll(/\p{Cc}\[[0-9;]*m/gu, '');
  let width = 0;
  for (const character of bare) width += widthOf(character);
  return width;
};

/** Cut to `columns`, with an ellipsis where something was cut. Plain text only. */
export const fit = (text: string, columns: number): string => {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const character of text) {
    if (width + widthOf(character) > columns - 1) break;
    kept += character;
    width += widthOf(character);
  }
  return `${kept}…`;
};

export const padEnd = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
export const padStart = (text: string, columns: number): string => ' '.repeat(Math.max(0, columns - displayWidth(text))) + text;
