/** Commands in messages, as this user can paste them: the way the program was started, quotes, and the `--config` that was typed. */
import { basename } from 'node:path';
import type { Context } from './command.ts';
import { printable } from './render/format.ts';

type Typed = Pick<Context, 'env' | 'configFile'>;

interface Started {
  /** From the source: a checkout. */
  readonly source: boolean;
  /** The name of the file that was started. */
  readonly as: string;
}

const started = (): Started => ({ source: import.meta.url.endsWith('.ts'), as: basename(process.argv[1] ?? '') });

/** How this user starts the program: whoever uses npx, or a checkout that is not linked, has no `shoal` on the path. */
export const programName = (env: Context['env'], { source, as } = started()): string =>
  env['npm_command'] === 'exec' || (source && as !== 'shoal') ? 'npx shoal' : 'shoal';

/** A word as a shell takes it for one. What could steer the terminal is made visible, and is no longer the same word. */
export const quoted = (word: string, windows = process.platform === 'win32'): string => {
  const text = printable(word);
  if (/^[\p{L}\p{N}\p{M}@%+=:,./_…-]+$/u.test(text)) return text;
  if (windows) return /^[\w\\:.~-]+$/u.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
};

/** A command line; `words` are what was or would be typed. Options come before words that look like one. */
export const commandLine = (
  { env, configFile }: Typed,
  command: string,
  words: readonly string[] = [],
  options: readonly string[] = [],
): string => {
  const flags = [...options, ...(configFile === null ? [] : ['--config', configFile])];
  const typed = words.some((word) => word.startsWith('-')) ? [...flags, '--', ...words] : [...words, ...flags];
  return [programName(env), command, ...typed.map((word) => quoted(word))].join(' ');
};

/** What messages of a node speak of: it does not know how its user starts the program. */
const MENTIONED =
  /\bshoal (login|ls|move|node|pause|recheck|register|remove|resume|search|share|status|unshare)\b((?: (?:[A-Z]{2,}|[0-9a-f]{12,64})\b)*)/gu;
const OF_A_TRANSFER = new Set(['pause', 'recheck', 'resume', 'unshare']);

/** A message of a node with its commands as this user types them; `id` is the content it speaks of. */
export const asTyped = (context: Typed, message: string, id: string | null = null): string =>
  message.replaceAll(MENTIONED, (_all, command: string, rest: string) => {
    const words = rest.split(' ').filter(Boolean);
    const named = words.length === 0 && id !== null && OF_A_TRANSFER.has(command) ? [id] : words;
    return commandLine(context, command, named);
  });
