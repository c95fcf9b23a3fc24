/** I11: the epochs that pass through a proxy. */
import type { MakeChecker } from './checker.ts';
import { violated } from './invariants.ts';

const isReplica = (process: string): boolean => process === 'tracker' || process === 'backup';

export const epochsOnlyRise: MakeChecker = () => {
  const name = 'I11';
  /** Of each proxy, since it started: the highest epoch in what it forwarded and in what it accepted. */
  const forwarded = new Map<string, number>();
  const accepted = new Map<string, number>();
  const rise = (seen: Map<string, number>, process: string, epoch: number, what: string): void => {
    const highest = seen.get(process) ?? 0;
    if (epoch < highest) violated(name, `${process} ${what} of epoch ${epoch}, after one of epoch ${highest}`);
    else if (epoch > highest) seen.set(process, epoch);
  };
  return {
    name,
    demands: 'The epochs of the requests that a proxy forwards, and of the replies that it accepts, never go back.',
    started(process) {
      forwarded.delete(process);
      accepted.delete(process);
    },
    sent(process, to, link, frame) {
      // Epoch 0 goes to a follower, while there is no primary: its answer is marked, and bound by no epoch.
      if (frame.kind === 'request' && link === 'proxy' && isReplica(to) && frame.epoch > 0)
        rise(forwarded, process, frame.epoch, 'forwards a request');
      else if (frame.kind === 'reply' && link === 'member' && frame.body.ok && frame.stale !== true && frame.epoch > 0)
        rise(accepted, process, frame.epoch, 'accepts a reply');
    },
  };
};
