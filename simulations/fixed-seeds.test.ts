import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generatePlan } from './plan/generate.ts';
import { parsePlan } from './plan/schema.ts';
import { runPlan } from './run/runner.ts';
import { wordsOf } from './run/subject.ts';

/** Chosen for what they do: short logs, three witnesses, many faults, every kind of fault in at least one of them. */
const FIXED_SEEDS = [3, 9, 14, 21, 38, 57, 1034, 1087];

for (const seed of FIXED_SEEDS) {
  test(`seed ${seed}: nothing breaks`, () => {
    const { failure, operations, succeeded } = runPlan(generatePlan(seed));
    assert.equal(failure === null ? '' : wordsOf(failure), '');
    assert.ok(succeeded > operations / 5, `${succeeded} of ${operations} operations succeed`);
  });
}

const failures = new URL('failures/', import.meta.url);

for (const file of readdirSync(failures).filter((name) => name.endsWith('.json'))) {
  test(`what once failed does not fail any more: ${file}`, () => {
    const plan = parsePlan(readFileSync(new URL(file, failures), 'utf8'), file);
    assert.ok(plan.ok, plan.ok ? '' : plan.error.message);
    const { failure } = runPlan(plan.value);
    assert.equal(failure === null ? '' : wordsOf(failure), '');
  });
}
