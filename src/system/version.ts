import { readFileSync } from 'node:fs';

/** Beside `src` in a checkout, two levels up from `dist/src` in an installed package. */
const find = (): string => {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { name?: string; version?: string };
      if (name === 'shoal' && version !== undefined) return version;
    } catch {
      // Not there: the other place.
    }
  }
  return '0.0.0';
};

export const version = find();
