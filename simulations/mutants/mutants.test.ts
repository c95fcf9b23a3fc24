import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { test } from 'node:test';
import { edited, editsOf, StaleMutant } from './mutant.ts';
import { mutants } from './mutants.ts';

const sourceOf = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

test('every pattern occurs once in the program as it is, and what comes of it is a program again', () => {
  const stale: string[] = [];
  for (const mutant of mutants) {
    const sources = new Map<string, string>();
    try {
      for (const edit of editsOf(mutant)) sources.set(edit.file, edited(sources.get(edit.file) ?? sourceOf(edit.file), edit, mutant.name));
    } catch (error) {
      stale.push(error instanceof Error ? error.message : String(error));
      continue;
    }
    for (const [file, source] of sources) {
      assert.notEqual(source, sourceOf(file), `${mutant.name} changes ${file}`);
      assert.doesNotThrow(() => stripTypeScriptTypes(source), `${mutant.name} in ${file}`);
    }
  }
  assert.deepEqual(stale, []);
});

test('there are at least forty, each with a name of its own, and every rule is broken', () => {
  assert.ok(mutants.length >= 40, `${mutants.length} mutants`);
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  const broken = new Set(mutants.map(({ rule }) => rule));
  for (let rule = 1; rule <= 12; rule++) assert.ok(broken.has(`R${rule}`), `R${rule}`);
});

test('a pattern that is gone, or that is there twice, is an error', () => {
  const edit = { file: 'a.ts', find: 'x', replace: 'y' };
  assert.equal(edited('a x b', edit, 'm'), 'a y b');
  assert.throws(() => edited('a b', edit, 'm'), StaleMutant);
  assert.throws(() => edited('x x', edit, 'm'), StaleMutant);
  assert.throws(() => edited('xx', { ...edit, find: 'x' }, 'm'), StaleMutant);
});
