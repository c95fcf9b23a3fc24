import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { foldContent, foldText, foldWords } from './fold.ts';

test('Vietnamese folds to what people type without marks', () => {
  assert.equal(foldText('Đường Nguyễn Huệ, Thành phố Hồ Chí Minh'), 'duong nguyen hue, thanh pho ho chi minh');
  assert.equal(foldText('ĐẮK LẮK'), 'dak lak');
});

test('both Unicode forms, both cases and compatibility letters fold alike', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
      assert.equal(foldText(text.normalize('NFD')), foldText(text.normalize('NFC')));
      assert.equal(foldText(foldText(text)), foldText(text));
    }),
  );
  assert.equal(foldText('Ｈà ﬁne'), 'ha fine');
});

test('a query becomes plain words, at most 16', () => {
  assert.deepEqual(foldWords('  "Hà-Nội*" OR (ubuntu_24.04) '), ['ha', 'noi', 'or', 'ubuntu', '24', '04']);
  assert.deepEqual(foldWords('*** --- ""'), []);
  assert.equal(foldWords('a '.repeat(1_000)).length, 16);
});

test('every word of a name or tag finds it by any beginning', () => {
  fc.assert(
    fc.property(fc.constantFrom('Ảnh Đà Lạt', 'data_set-v2', 'Ký ức'), fc.constantFrom('Tết', 'du lịch'), (name, tag) => {
      const text = foldContent(name, [tag]).split(' ');
      for (const word of foldWords(`${name} ${tag}`)) assert.ok(text.includes(word));
    }),
  );
});
