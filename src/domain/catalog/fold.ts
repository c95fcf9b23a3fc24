/** Letters that NFKD leaves whole though readers type them without their stroke or as two. */
const LETTERS: Readonly<Record<string, string>> = {
  đ: 'd',
  ð: 'd',
  ø: 'o',
  ł: 'l',
  ħ: 'h',
  ŧ: 't',
  ı: 'i',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
};
const LETTERS_PATTERN = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'gu');

/** Words of one query, and characters of one word; the rest is not looked at. */
const QUERY_WORDS_MAX = 16;
const WORD_CHARACTERS_MAX = 64;
/** Characters of a content's folded text. */
const TEXT_CHARACTERS_MAX = 4_096;

/**
 * What search compares: compatibility forms taken apart (NFKD), marks stripped, đ and its like made plain, lower case.
 * "Hà Nội", "HA NOI" and "hà nội" in either Unicode form fold to the same.
 */
export const foldText = (text: string): string =>
  text
    .toLowerCase()
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}+/gu, '')
    .replaceAll(LETTERS_PATTERN, (letter) => LETTERS[letter] ?? letter);

const wordsOf = (text: string): string[] => foldText(text).match(/[\p{L}\p{N}]+/gu) ?? [];

/** The words of a query, folded: runs of letters and digits, so that no search syntax is left in them. */
export const foldWords = (query: string): string[] =>
  wordsOf(query.slice(0, TEXT_CHARACTERS_MAX))
    .slice(0, QUERY_WORDS_MAX)
    .map((word) => [...word].slice(0, WORD_CHARACTERS_MAX).join(''));

/** The text under which a content is found: the words of its name and of its tags. */
export const foldContent = (name: string, tags: readonly string[]): string =>
  [name, ...tags].flatMap(wordsOf).join(' ').slice(0, TEXT_CHARACTERS_MAX);
