import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../bench/failover.ts', import.meta.url));

test('npm run bench:failover, interrupted: what was measured so far is printed and written', { timeout: 150_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'));
  try {
    const out = join(folder, 'samples.json');
    const child = spawn(process.execPath, [script, '--kills', '50', '--by', 'handover', '--seed', '7', '--out', out]);
    const printed: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => printed.push(line));
    // One line for each hand-over.
    createInterface({ input: child.stderr }).once('line', () => void child.kill('SIGINT'));
    const status = await new Promise((resolve) => void child.on('close', resolve));
    assert.equal(status, 130, printed.join('\n'));
    assert.match(printed.join('\n'), /p50.*p99[\s\S]*Interrupted after [1-9]\d* of 50\./u);
    const record = JSON.parse(readFileSync(out, 'utf8')) as { interrupted: boolean; samples: unknown[]; problems: unknown[] };
    assert.equal(record.interrupted, true);
    assert.ok(record.samples.length >= 1);
    assert.deepEqual(record.problems, []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
