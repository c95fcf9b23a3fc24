import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RollingFile } from './rolling-file.ts';

test('a file of lines goes on where it was, begins anew at its limit, and keeps so many older ones', (context) => {
  const home = mkdtempSync(join(tmpdir(), 'shoal-rolling-'));
  context.after(() => rmSync(home, { recursive: true }));
  const folder = join(home, 'who');
  const open = (): RollingFile => new RollingFile({ folder, name: 'who', link: join(home, 'who.log'), bytesMax: 100, olderMax: 2 });
  const first = open();
  first.write(`${'a'.repeat(59)}\n`);
  first.close();
  first.write('after the end');
  const again = open();
  again.write('b\n');
  assert.equal(readFileSync(join(home, 'who.log'), 'utf8'), `${'a'.repeat(59)}\nb\n`);
  for (const letter of 'cdefg') again.write(`${letter.repeat(99)}\n`);
  assert.deepEqual(readdirSync(folder).toSorted(), ['who.4.log', 'who.5.log', 'who.6.log']);
  assert.equal(readFileSync(join(home, 'who.log'), 'utf8'), `${'g'.repeat(99)}\n`);
  again.close();
});
