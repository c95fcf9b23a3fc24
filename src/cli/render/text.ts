/** Sentences and commands laid out for a terminal of any width. */
import { displayWidth, padEnd } from './format.ts';

/** A number and its unit stay together; every other space may end a line. */
const WORDS = / *[^ ]+(?: (?:[kMGTP]?B(?:\/s)?|s|min|h|d)(?![\p{L}\p{N}]))*/gu;

/**
 * Lines of at most `columns`, broken at spaces; those after the first begin with `indent` spaces. A word that is longer
 * than a line stands alone and whole, so that it can be copied. Escape sequences of colours count nothing.
 */
export const wrap = (text: string, columns: number, indent = 0): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const [word] of text.matchAll(WORDS)) {
    if (line.trim() === '' || displayWidth(line) + displayWidth(word) <= columns) line += word;
    else {
      lines.push(line);
      line = ' '.repeat(indent) + word.trimStart();
    }
  }
  return [...lines, line];
};

export interface CommandHint {
  readonly command: string;
  readonly about: string;
}

const MARGIN = '  ';

/**
 * Commands to try and what they do: side by side where all of them fit into `columns`, else the explanation above its
 * command. A command is never broken: it is there to be copied.
 */
export const commandLines = (hints: readonly CommandHint[], columns: number): string[] => {
  const width = Math.max(0, ...hints.map(({ command }) => displayWidth(command)));
  const table = hints.map(({ command, about }) => `${MARGIN}${padEnd(command, width)}${MARGIN}${about}`);
  if (table.every((line) => displayWidth(line) <= columns)) return table;
  return hints.flatMap(({ command, about }) => [...wrap(`${MARGIN}${about}:`, columns, MARGIN.length), `${MARGIN}${MARGIN}${command}`]);
};
