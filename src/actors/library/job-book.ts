/** The states of what takes a while to share, by number, for whoever asks how far it is. */
import type { ApiCalls } from '../../protocol/api.ts';
import type { Durability } from '../../protocol/control/messages.ts';
import { type Done, type Failure, fail, ok, type Result } from '../../protocol/result.ts';
import { isFinal } from './registrar.ts';

export type JobState = ApiCalls['shareJob']['result'];

export interface Job {
  readonly number: number;
  state: JobState;
}

const begun: JobState = {
  state: 'hashing',
  doneBytes: 0,
  size: 0,
  skipped: 0,
  id: null,
  kept: false,
  code: null,
  message: null,
  durability: 'none',
};

/** Jobs that are remembered, done ones among them. */
export const JOBS_MAX = 256;

const asSentence = (text: string): string => (/[.!?]$/u.test(text) ? text : `${text}.`);

const afterFailure = ({ code }: Failure): string => (isFinal(code) ? ' Nobody finds it; take it away again with "shoal unshare".' : '');

export class JobBook {
  readonly #jobs = new Map<number, Job>();
  #last = 0;

  open(): Job {
    const job: Job = { number: ++this.#last, state: begun };
    this.#jobs.set(job.number, job);
    this.#forgetOld();
    return job;
  }

  state(number: number): Result<JobState> {
    const job = this.#jobs.get(number);
    return job === undefined ? fail('not-found', `There is no share job ${number}.`) : ok(job.state);
  }

  #forgetOld(): void {
    for (const job of this.#jobs.values()) {
      if (this.#jobs.size <= JOBS_MAX) return;
      if (job.state.state === 'done' || job.state.state === 'failed') this.#jobs.delete(job.number);
    }
  }
}

export const jobFailed = (job: Job, { code, message }: Failure): void => {
  job.state = { ...job.state, state: 'failed', code, message };
};

/** The node gives it, and the catalog is being told: what is to be done with the answer to the first attempt. */
export const jobRegisters = (job: Job, id: string): Done<Durability> => {
  job.state = { ...job.state, state: 'registering', doneBytes: job.state.size, id };
  return (registered) => {
    if (registered.ok) {
      job.state = { ...job.state, state: 'done', durability: registered.value };
      return;
    }
    const { code, message } = registered.error;
    jobFailed(job, { code, message: `${asSentence(message)}${afterFailure(registered.error)}` });
    job.state = { ...job.state, kept: code !== 'removed' && !isFinal(code) };
  };
};
