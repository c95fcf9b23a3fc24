/** What a contract suite needs of the process around a port: the same over real and over simulated time. */
import type { Reactor } from '../bus/reactor.ts';

export interface Harness {
  readonly reactor: Reactor;
  /** Runs `body` as a step, as a role's start is run. */
  inStep(body: () => void): void;
  /** Lets the process go on until `happened` is true after a step. */
  until(happened: () => boolean): Promise<void>;
  /** Runs `body` as a step and waits until a programmer's mistake ends the process; answers with its message. */
  faultOf(body: () => void): Promise<string>;
  close(): Promise<void>;
}

/** Calls one operation of a port in a step and waits for its answer. It must not come before the call returns, nor twice. */
export const ask = async <R>(harness: Harness, call: (done: (answer: R) => void) => void): Promise<R> => {
  const answers: R[] = [];
  let returned = false;
  let early = false;
  let outside = false;
  harness.inStep(() => {
    call((answer) => {
      early ||= !returned;
      outside ||= !harness.reactor.stepping;
      answers.push(answer);
    });
    returned = true;
  });
  await harness.until(() => answers.length > 0);
  if (early) throw new Error('The port answered before the call returned');
  if (outside) throw new Error('The port answered outside a step');
  if (answers.length > 1) throw new Error('The port answered twice');
  return answers[0] as R;
};
