/** Runs a subject in a process of its own: a JSON job comes in by standard input, what was seen leaves by standard output. */
import { readFileSync } from 'node:fs';
import { type Subject, runSubject } from './subject.ts';
import type { Watch } from './trace.ts';

export interface Job {
  readonly subject: Subject;
  readonly watch: Watch;
}

const { subject, watch } = JSON.parse(readFileSync(0, 'utf8')) as Job;
const { traceHash, events, watched } = runSubject(subject, { watch });
process.stdout.write(JSON.stringify({ traceHash, events, watched }));
