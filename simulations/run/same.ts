/** Whether a subject runs the same way in another process, and where the two part if it does not. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Job } from './child.ts';
import type { Subject, SubjectRun } from './subject.ts';
import type { Watched } from './trace.ts';

/** Steps between two hashes of a run that are kept for a comparison. */
export const CHECKPOINT_EVERY = 1_024;

type Seen = Pick<SubjectRun, 'traceHash' | 'events' | 'watched'>;

/** `where`: what the two did at the step at which they part, as lines of a trace; null where a repetition did not part again. */
export type Sameness =
  | { readonly same: true }
  | { readonly same: false; readonly betweenSteps: readonly [number, number]; readonly where: readonly [string, string] | null };

const child = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'child.ts' : 'child.js', import.meta.url));

/** Runs it in another process. @throws where that fails */
const elsewhere = (job: Job): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const other = spawn(process.execPath, [child], { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    other.stdout.on('data', (chunk: Buffer) => void chunks.push(chunk));
    other.on('error', reject);
    other.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Seen);
      else reject(new Error(`The other process ended with status ${code}`));
    });
    other.stdin.on('error', () => {});
    other.stdin.end(JSON.stringify(job));
  });

/** @param here a run in this process, watched with checkpoints every `CHECKPOINT_EVERY` steps */
export const runsTheSame = async (subject: Subject, here: Seen): Promise<Sameness> => {
  const there = await elsewhere({ subject, watch: { checkpointEvery: CHECKPOINT_EVERY } });
  if (there.traceHash === here.traceHash) return { same: true };
  const block = firstDifference(here.watched.checkpoints, there.watched.checkpoints);
  const betweenSteps = [block * CHECKPOINT_EVERY, (block + 1) * CHECKPOINT_EVERY] as const;
  const fine = { subject, watch: { lines: { from: betweenSteps[0], to: betweenSteps[1] } } };
  const [one, other] = await Promise.all([elsewhere(fine), elsewhere(fine)]);
  return { same: false, betweenSteps, where: partingOf(one.watched, other.watched) };
};

/** The first place at which two lists differ; their common length where one begins with the other. */
const firstDifference = (a: readonly string[], b: readonly string[]): number => {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return at;
  return length;
};

const partingOf = (one: Watched, other: Watched): readonly [string, string] | null => {
  const at = firstDifference(one.lines, other.lines);
  const [a, b] = [one.lines[at], other.lines[at]];
  return a === undefined && b === undefined ? null : [a ?? 'the run was over', b ?? 'the run was over'];
};
