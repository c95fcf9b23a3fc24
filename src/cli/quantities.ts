/** Numbers with units as people type them. */

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, ki: 1024, mi: 1024 ** 2, gi: 1024 ** 3 };
const RATE_MAX = 100_000_000_000;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `5M`, `500k`, `1.5 MB/s`, `2MiB`; `none` or 0 for no limit. Bytes a second; null where it is none. */
export const parseRate = (text: string): number | null => {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === 'none' || trimmed === 'unlimited') return 0;
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?i?)b?(?:\/s)?$/u.exec(trimmed);
  const unit = SIZE_UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined) return null;
  const rate = Math.round(Number(match[1]) * unit);
  return rate <= RATE_MAX ? rate : null;
};

/** `3d`, `12h`, `1h30m`, `90s`; a number alone is hours. Seconds; null where it is none. */
export const parseDuration = (text: string): number | null => {
  const trimmed = text.trim().toLowerCase().replaceAll(' ', '');
  if (/^\d+(?:\.\d+)?$/u.test(trimmed)) return Number(trimmed) * 3600;
  if (!/^(?:\d+(?:\.\d+)?[smhdw])+$/u.test(trimmed)) return null;
  let seconds = 0;
  for (const [, number, unit = ''] of trimmed.matchAll(/(\d+(?:\.\d+)?)([smhdw])/gu)) seconds += Number(number) * (SECONDS[unit] ?? 0);
  return seconds;
};
