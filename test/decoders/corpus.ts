/** Inputs that were of interest once, by decoder: `corpus.json`, hexadecimal digits. */
import { readFileSync } from 'node:fs';

const corpus = JSON.parse(readFileSync(new URL('corpus.json', import.meta.url), 'utf8')) as Readonly<Record<string, readonly string[]>>;

export const corpusOf = (decoder: string): Uint8Array[] => (corpus[decoder] ?? []).map((digits) => Buffer.from(digits, 'hex'));
