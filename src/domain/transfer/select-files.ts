/** Which files of a torrent a user means. */

const GLOB_CHARACTERS_MAX = 1_024;

/** `*` is anything within a name, `**` also across folders, `?` one character; everything else is itself. */
const globPattern = (glob: string): RegExp => {
  let source = '';
  for (let at = 0; at < glob.length; at++) {
    const rest = glob.slice(at);
    if (rest.startsWith('**/')) {
      source += '(?:.*/)?';
      at += 2;
    } else if (rest.startsWith('**')) {
      source += '.*';
      at += 1;
    } else if (glob[at] === '*') source += '[^/]*';
    else if (glob[at] === '?') source += '[^/]';
    else source += (glob[at] as string).replace(/[\\^$.*+?()[\]{}|]/u, '\\$&');
  }
  return new RegExp(`^${source}$`, 'iu');
};

/**
 * Which of the paths (names from the torrent's own down) any of the globs means: matched against the whole path, the path
 * below the torrent's name, and the file's own name. No globs: all. Null where a glob matches nothing.
 */
export const selectFiles = (
  paths: readonly (readonly string[])[],
  globs: readonly string[],
): readonly boolean[] | { readonly unmatched: string } => {
  if (globs.length === 0) return paths.map(() => true);
  const selected = paths.map(() => false);
  for (const glob of globs) {
    const pattern = globPattern(glob.slice(0, GLOB_CHARACTERS_MAX).normalize('NFC'));
    let matched = false;
    for (const [n, path] of paths.entries()) {
      const names = [path.join('/'), path.slice(1).join('/'), path.at(-1) ?? ''];
      if (!names.some((name) => pattern.test(name.normalize('NFC')))) continue;
      selected[n] = true;
      matched = true;
    }
    if (!matched) return { unmatched: glob };
  }
  return selected;
};
