import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { checkName, checkNewPassword, foldName, normalPassword } from './names.ts';

const foldedOf = (name: string): string => {
  const checked = checkName(name);
  assert.ok(checked.ok, name);
  return checked.value.folded;
};

test('another case, Unicode form or width of a name is the same name', () => {
  const same = ['Nguyễn Đức', 'NGUYỄN ĐỨC', 'nguyễn đức', 'Nguyễn Đức'.normalize('NFD'), 'Ｎguyễn Đức'];
  assert.equal(new Set(same.map(foldedOf)).size, 1);
  assert.equal(foldedOf('Straße'), foldedOf('STRASSE'));
  assert.equal(foldedOf('ΣΊΣΥΦΟΣ'), foldedOf('Σίσυφος'));
  assert.notEqual(foldedOf('Hà'), foldedOf('Ha'));
});

test('folding twice is folding once', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (text) => assert.equal(foldName(foldName(text)), foldName(text))));
});

test('a name is shown as it was given, composed', () => {
  const checked = checkName('Bình'.normalize('NFD'));
  assert.equal(checked.ok && checked.value.name, 'Bình'.normalize('NFC'));
});

test('names that cannot be seen, told apart or typed are refused', () => {
  const bad = [
    '',
    ' ',
    ' an',
    'an ',
    'a  n',
    'a\u0000n',
    'a\nn',
    'a\u200bn',
    'a\u202en',
    'a\u00adn',
    'a\u3164n',
    '\u2800',
    'a\u00a0n',
    '\u0301n',
    '...',
    '\ud800',
    'a\ufe0fn',
  ];
  for (const name of bad) assert.equal(checkName(name).ok, false, JSON.stringify(name));
});

test('a name has at most 64 characters, however many units they take', () => {
  assert.ok(checkName('a'.repeat(64)).ok);
  assert.equal(checkName('a'.repeat(65)).ok, false);
  assert.ok(checkName('𝔞'.repeat(64)).ok);
  assert.equal(checkName('\ufdfa'.repeat(10)).ok, false);
  assert.equal(checkName('a'.repeat(10_000_000)).ok, false);
});

test('whatever is accepted is clean, and accepted again as it is shown', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (raw) => {
      const checked = checkName(raw);
      if (!checked.ok) return;
      assert.match(checked.value.name, /^\S(?:.*\S)?$/u);
      assert.deepEqual(checkName(checked.value.name), checked);
    }),
  );
});

test('passwords have 8 to 1,024 bytes and one Unicode form', () => {
  assert.equal(checkNewPassword('short').ok, false);
  assert.equal(checkNewPassword('1234567').ok, false);
  assert.ok(checkNewPassword('12345678').ok);
  // Characters, not bytes.
  assert.equal(checkNewPassword('mật mã').ok, false);
  assert.ok(checkNewPassword('mật mã ấy'.normalize('NFD')).ok);
  assert.ok(checkNewPassword('x'.repeat(1_024)).ok);
  assert.equal(checkNewPassword('x'.repeat(1_025)).ok, false);
  assert.equal(checkNewPassword('ệ'.repeat(400)).ok, false);
  assert.equal(normalPassword('mật khẩu'.normalize('NFD')), normalPassword('mật khẩu'.normalize('NFC')));
});
