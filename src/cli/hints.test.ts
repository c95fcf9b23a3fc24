import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { asTyped, commandLine, programName, quoted } from './hints.ts';

const plain = { env: {}, configFile: null };
const configured = { env: {}, configFile: 'my lab/node.json' };

describe('hints', () => {
  it('name the program as it was started', () => {
    const installed = { source: false, as: 'shoal' };
    assert.equal(programName({}, installed), 'shoal');
    assert.equal(programName({ npm_command: 'exec' }, installed), 'npx shoal');
    assert.equal(programName({}, { source: true, as: 'shoal.js' }), 'npx shoal', 'a checkout');
    assert.equal(programName({ npm_command: 'run-script' }, { source: true, as: 'bootstrap.js' }), 'npx shoal');
    assert.equal(programName({}, { source: true, as: 'shoal' }), 'shoal', 'a checkout that is linked');
  });

  it('keep what was typed: words that need quotes, words that look like options, --config', () => {
    assert.equal(commandLine(plain, 'search', ['dữ', 'liệu'], ['--page', '2']), 'npx shoal search dữ liệu --page 2');
    assert.equal(commandLine(plain, 'login', ['Nguyễn Văn A']), "npx shoal login 'Nguyễn Văn A'");
    assert.equal(commandLine(configured, 'ls'), "npx shoal ls --config 'my lab/node.json'");
    assert.equal(commandLine(configured, 'search', ['-x']), "npx shoal search --config 'my lab/node.json' -- -x");
    assert.ok(!commandLine(plain, 'login', ['a\u001b[2J']).includes('\u001b'));
  });

  it('are one word to a shell, whatever the word is', { skip: process.platform === 'win32' }, () => {
    const words = fc.sample(
      fc.string({ unit: fc.constantFrom('a', 'ế', ' ', "'", '"', '$', '`', '\\', '*', '~', '!', '#'), minLength: 1 }),
      40,
    );
    const { stdout } = spawnSync('sh', ['-c', `printf '%s\\n' ${words.map((word) => quoted(word, false)).join(' ')}`], {
      encoding: 'utf8',
    });
    assert.deepEqual(stdout.split('\n').slice(0, -1), words);
  });

  it('in the messages of a node are what this user would type', () => {
    assert.equal(
      asTyped(configured, 'Nobody is signed in at this node; sign in with: shoal login NAME'),
      "Nobody is signed in at this node; sign in with: npx shoal login NAME --config 'my lab/node.json'",
    );
    assert.equal(asTyped(plain, '"shoal resume" fetches it again', '4f1c09aa7d3e'), '"npx shoal resume 4f1c09aa7d3e" fetches it again');
    assert.equal(asTyped(plain, 'This is a fault of shoal 0.1.0'), 'This is a fault of shoal 0.1.0');
  });
});
