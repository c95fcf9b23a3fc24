import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration, parseRate } from './quantities.ts';

test('rates are read as people write them', () => {
  const rates = { '5M': 5e6, '500k': 5e5, '1.5 MB/s': 1.5e6, '2MiB/s': 2_097_152, '7': 7, '0': 0, none: 0, Unlimited: 0, '10Kb': 1e4 };
  for (const [text, rate] of Object.entries(rates)) assert.equal(parseRate(text), rate, text);
  for (const text of ['', 'fast', '-5', '5 T', '1e9G', '200G', '5i']) assert.equal(parseRate(text), null, text);
});

test('times are read as people write them; a number alone is hours', () => {
  const times = { '3d': 259_200, '1h30m': 5_400, '90s': 90, '2': 7_200, '1.5h': 5_400, '1w 1d': 691_200 };
  for (const [text, seconds] of Object.entries(times)) assert.equal(parseDuration(text), seconds, text);
  for (const text of ['', 'd', '3 years', '-1h', 'h3']) assert.equal(parseDuration(text), null, text);
});
