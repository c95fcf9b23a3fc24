/** What becomes of a request between a member, its proxy and the replicas. */
import { isWrite } from '../../src/domain/routing/operations.ts';
import type { ControlFrame, ReplyFrame, RequestFrame } from '../../src/protocol/control/messages.ts';
import { isReplica } from '../plan/names.ts';
import type { ProcessName } from '../plan/types.ts';
import type { MakeChecker } from './checker.ts';
import { modelOf } from './cluster-model.ts';
import { violated } from './invariants.ts';

/** A proxy gives up a request after so long, if its asker does not before. */
const REQUEST_DEADLINE_MS = 10_000;
/** Requests that are remembered, by proxy; the oldest go first. */
const REQUESTS_MAX = 4_096;

const keyOf = (process: ProcessName, { client, n }: RequestFrame['requestId']): string => `${process} ${client} ${n}`;

const remember = <T>(map: Map<string, T>, key: string, value: T): void => {
  map.set(key, value);
  if (map.size > REQUESTS_MAX) map.delete(map.keys().next().value as string);
};

/** What a replica says of a change that it has certainly not made, and will not. */
const NOT_DONE: ReadonlySet<string> = new Set(['not-primary', 'unavailable', 'busy', 'disk-full']);

interface Open {
  /** Replicas that have been sent the change and have not refused it: each of them may have made it. */
  readonly sent: readonly ProcessName[];
  /** The proxy has given the request up by then, whether its answer reached anybody or not. */
  readonly until: number;
  /** A replica has answered it for good. Where the member's link is another by then, nobody hears that. */
  readonly over: boolean;
}

export const maybeIsNotNo: MakeChecker = (run) => {
  const name = 'indeterminate';
  const open = new Map<string, Open>();
  const change = (key: string, next: (sent: readonly ProcessName[]) => readonly ProcessName[]): void => {
    const known = open.get(key);
    if (known !== undefined) open.set(key, { ...known, sent: next(known.sent) });
  };
  return {
    name,
    demands: 'A proxy that has sent a change to a replica which has not refused it never says that nothing was changed.',
    started(process) {
      for (const key of open.keys()) if (key.startsWith(`${process} `)) open.delete(key);
    },
    sent(process, to, link, frame) {
      if (frame.kind === 'request' && link === 'proxy') change(keyOf(process, frame.requestId), (sent) => [...sent, to]);
      if (frame.kind !== 'reply' || link !== 'member') return;
      const key = keyOf(process, frame.requestId);
      const sent = open.get(key)?.sent ?? [];
      // Answered: whoever repeats it later begins anew.
      open.delete(key);
      if (!frame.body.ok && frame.body.code === 'unavailable' && sent.length > 0)
        violated(
          name,
          `${process} tells ${to} that nothing was changed (${frame.body.message}); ${sent.join(', ')} may have made the change`,
        );
    },
    received(process, from, link, frame) {
      if (frame.kind === 'request' && link === 'member' && isWrite(frame.operation.op)) {
        const key = keyOf(process, frame.requestId);
        const known = open.get(key);
        const until = run.now() + Math.min(frame.deadlineMs, REQUEST_DEADLINE_MS) * 1_000;
        // Repeated in time it joins the one under way, and its deadline; later, or when that is answered, it is a new one.
        if (known === undefined || known.over || known.until <= run.now()) remember(open, key, { sent: [], until, over: false });
      }
      if (frame.kind !== 'reply' || link !== 'proxy') return;
      const key = keyOf(process, frame.requestId);
      const known = open.get(key);
      if (known === undefined || !known.sent.includes(from)) return;
      if (frame.body.ok || !NOT_DONE.has(frame.body.code)) return void open.set(key, { ...known, over: true });
      change(key, (sent) => {
        const index = sent.indexOf(from);
        return index < 0 ? sent : sent.toSpliced(index, 1);
      });
    },
  };
};

export const highWaterIsCarried: MakeChecker = () => {
  const name = 'high-water';
  /** By proxy and request: what the member has seen. */
  const seen = new Map<string, number>();
  return {
    name,
    demands: 'What a member has seen goes with its request: no primary is asked for less.',
    received(process, _from, link, frame) {
      if (frame.kind === 'request' && link === 'member') remember(seen, keyOf(process, frame.requestId), frame.minSeq);
    },
    sent(process, to, link, frame) {
      // Epoch 0: it goes to a follower, which is not asked for more than it has.
      if (frame.kind !== 'request' || link !== 'proxy' || frame.epoch === 0) return;
      const minSeq = seen.get(keyOf(process, frame.requestId)) ?? 0;
      if (frame.minSeq < minSeq) violated(name, `${process} asks ${to} for entry ${frame.minSeq}; the member has seen ${minSeq}`);
    },
  };
};

const saysPrimary = (frame: ControlFrame): number | null => {
  if (frame.kind === 'status') return frame.role === 'primary' ? frame.epoch : null;
  return frame.kind === 'reply' && tellsState(frame) ? frame.epoch : null;
};
const tellsState = ({ body, stale, durability }: ReplyFrame): boolean => body.ok && stale !== true && durability !== 'none';

export const servesWhatItApplied: MakeChecker = (run) => {
  const name = 'R3';
  const model = modelOf(run);
  return {
    name,
    demands: 'A replica serves as the primary of an epoch when it has applied its log up to an entry of that epoch.',
    sent(process, to, link, frame) {
      if (link !== 'proxy' || !isReplica(process)) return;
      const epoch = saysPrimary(frame);
      if (epoch === null) return;
      const log = model.log(process);
      const last = log.at(log.appliedSeq);
      if (last !== null && last.epoch < epoch)
        violated(
          name,
          `${process} serves ${to} in epoch ${epoch}, and has applied no entry of it, only ${log.appliedSeq} of epoch ${last.epoch}`,
        );
    },
  };
};
