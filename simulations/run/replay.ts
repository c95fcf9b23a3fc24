/** What pages and failures say of where they come from. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** The commit of the source, abbreviated; `+` behind it where the work tree has changes, `unknown` where there is no repository. */
export const commitOfSource = (): string => {
  try {
    return git('rev-parse', '--short=10', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
};

/** The command that runs a generated plan again. */
export const replayOfSeed = (seed: number): string => `npm run simulate -- random --seed ${seed}`;
/** The command that runs a plan's file again. */
export const replayOfFile = (file: string): string => `npm run simulate -- ${file}`;
