import assert from 'node:assert/strict';
import { it } from 'node:test';
import { moduleUrl } from './source-url.ts';

it('names a module beside another, in the sources and in what is built from them', () => {
  assert.equal(moduleUrl('./worker', 'file:///app/src/system/a.ts').href, 'file:///app/src/system/worker.ts');
  assert.equal(moduleUrl('../domain/x', 'file:///app/dist/src/system/a.js').href, 'file:///app/dist/src/domain/x.js');
});
