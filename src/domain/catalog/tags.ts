import { fail, ok, type Result } from '../../protocol/result.ts';

const TAGS_MAX = 16;
const TAG_CHARACTERS_MAX = 64;

/** Tags as the catalog keeps them: NFC, trimmed, without repetition. */
export const checkTags = (tags: readonly string[]): Result<readonly string[]> => {
  if (tags.length > TAGS_MAX) return fail('bad-request', `A content may have ${TAGS_MAX} tags`);
  const clean = new Set<string>();
  for (const tag of tags) {
    const text = tag.normalize('NFC').trim();
    if (text === '' || [...text].length > TAG_CHARACTERS_MAX || /[\p{C}\p{Zl}\p{Zp}]/u.test(text))
      return fail('bad-request', `A tag has 1 to ${TAG_CHARACTERS_MAX} characters and no control characters`);
    clean.add(text);
  }
  return ok([...clean]);
};
