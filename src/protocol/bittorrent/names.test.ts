import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { cleanName, diskNameBytesMax, originalName } from './names.ts';
import { bytesOfText, textOfBytes } from './text.ts';

const anyName = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map(textOfBytes),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc
    .array(fc.constantFrom('%', '%2F', '%-', '%~', '.', ' ', '/', '\\', 'con', '4', 'A', 'ế', 'e\u0302\u0301', '\0', ':', '\udc80'), {
      maxLength: 8,
    })
    .map((parts) => parts.join('')),
);

describe('names for the disk', () => {
  it('leaves good names alone, in the Unicode form they have', () => {
    for (const name of [
      'a',
      'Báo cáo quý 1.pdf',
      'e\u0302\u0301.txt',
      '.hidden',
      '100%.txt',
      'x'.repeat(255),
      'console',
      'com10',
      '...a',
      '日本語 (1).tar.gz',
    ]) {
      assert.equal(cleanName(name), name);
    }
  });

  it('escapes what a file system or a screen would trip over', () => {
    const cases: [string, string][] = [
      ['', '%-'],
      ['.', '%2E'],
      ['..', '%2E%2E'],
      ['a/b\\c', 'a%2Fb%5Cc'],
      ['a\0b\n', 'a%00b%0A'],
      ['what?*<>|":', 'what%3F%2A%3C%3E%7C%22%3A'],
      ['CON', '%43ON'],
      ['nul.tar.gz', '%6Eul.tar.gz'],
      ['end. ', 'end%2E%20'],
      ['%2F', '%252F'],
      ['gpj\u202eexe', 'gpj%E2%80%AEexe'],
      ['\udcff', '%FF'],
    ];
    for (const [name, clean] of cases) assert.equal(cleanName(name), clean);
  });

  it('gives every name back, but those it had to cut', () => {
    fc.assert(
      fc.property(anyName, (name) => assert.equal(originalName(cleanName(name)), name)),
      { numRuns: 10_000 },
    );
  });

  it('always gives a name that every file system takes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyName,
          fc.string({ unit: 'binary', maxLength: 400 }),
          anyName.map((name) => name.repeat(20)),
        ),
        (name) => {
          const clean = cleanName(name);
          assert.ok(clean.length > 0 && Buffer.byteLength(clean) <= diskNameBytesMax && clean.isWellFormed());
          assert.doesNotMatch(clean, /[/\\\p{Cc}<>:"|?*]|[. ]$/u);
          assert.doesNotMatch(clean, /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/iu);
          assert.equal(cleanName(name), clean);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('cuts long names so that they stay apart, and keeps their extension', () => {
    const [a, b] = [`${'đ'.repeat(200)}1.jpeg`, `${'đ'.repeat(200)}2.jpeg`].map(cleanName) as [string, string];
    assert.notEqual(a, b);
    assert.ok(a.startsWith('đđđđ') && a.endsWith('.jpeg') && Buffer.byteLength(a) <= 255);
    assert.equal(originalName(a), null);
  });

  it('keeps raw bytes and text one to one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => assert.deepEqual(bytesOfText(textOfBytes(bytes)), bytes)),
      { numRuns: 5000 },
    );
  });
});
