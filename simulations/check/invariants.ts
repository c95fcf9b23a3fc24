/** I1 to I7 (the design's section 2.8): what the logs and voters of a run must never come to. Each is looked at when it may have changed. */
import type { StoredReply } from '../../src/domain/ledger/types.ts';
import type { Configuration } from '../../src/domain/replication/types.ts';
import type { ControlFrame } from '../../src/protocol/control/messages.ts';
import type { ProcessName } from '../plan/types.ts';
import { type Checker, type MakeChecker, Violation } from './checker.ts';
import { type Activation, type Ack, modelOf } from './cluster-model.ts';
import { type Place, placeText, samePlace } from './places.ts';
import { isAtLeast, processOf, voterOf } from './voters.ts';

/** @throws Violation */
export const violated = (checker: string, message: string): never => {
  throw new Violation(checker, message);
};

/** Feeds the model that the others look at: comes before them. */
export const watchCluster: MakeChecker = modelOf;

export const onePrimaryAnEpoch: MakeChecker = (run) => {
  const name = 'I1';
  const model = modelOf(run);
  model.listen({
    activated: ({ process, epoch }) => {
      const first = model.primaryOf(epoch);
      if (first !== process) violated(name, `${first} and ${process} both lead epoch ${epoch}; ${model.voters.describe()}`);
    },
  });
  return { name, demands: 'At most one replica leads an epoch.' };
};

/** What a frame says of its sender's promise and acceptance; null where it says nothing. */
export const claimOf = (
  process: ProcessName,
  frame: ControlFrame,
): { readonly promised: number; readonly accepted: Pick<Configuration, 'e' | 'v'> } | null => {
  switch (frame.kind) {
    case 'promise':
      return { promised: frame.epoch, accepted: frame.accepted };
    case 'accepted':
      return { promised: frame.epoch, accepted: { e: frame.epoch, v: frame.v } };
    case 'preVoteReply':
      return { promised: frame.promised, accepted: frame.accepted };
    case 'voterState':
      // A replica passes on between witnesses what the other one said.
      return frame.voter === voterOf(process) ? { promised: frame.promised, accepted: frame.accepted } : null;
    case 'voteDenied':
    case 'proposeDenied':
    case 'appendNack':
      return { promised: frame.promised, accepted: { e: 0, v: 0 } };
    // It may be on its way to others before the proposer has accepted it itself.
    case 'propose':
      return { promised: frame.configuration.e, accepted: { e: 0, v: 0 } };
    // A candidate promises first itself.
    case 'vote':
    case 'heartbeat':
    case 'probed':
    case 'appendAck':
      return { promised: frame.epoch, accepted: { e: 0, v: 0 } };
    default:
      return null;
  }
};

export const votersKeepTheirWord: MakeChecker = (run) => {
  const name = 'I2';
  const { voters } = modelOf(run);
  modelOf(run).listen({
    voter: ({ voter, before, after }) => {
      if (before !== null && !isAtLeast(after, before))
        violated(
          name,
          `${voter} takes back its word: it had promised ${before.promised} and accepted (${before.accepted.e}, ${before.accepted.v}), now ${voters.describe()}`,
        );
    },
    voterWentBack: (voter, before, lost) => {
      if (!lost) violated(name, `${voter} had synced: ${before}; after the restart its disk has less: ${voters.describe()}`);
    },
  });
  return {
    name,
    demands: "A voter's promise and acceptance never go back, and no message says more than its disk.",
    sent(process, to, _link, frame) {
      const claim = claimOf(process, frame);
      const voter = voterOf(process);
      if (claim === null) return;
      const record = voters.record(voter);
      // Before its first write a voter has the state of a new network.
      const said = record === null ? claim.promised === 0 && claim.accepted.e === 0 : claimed(record, claim);
      if (!said)
        violated(
          name,
          `${voter} tells ${to} of promise ${claim.promised} and acceptance (${claim.accepted.e}, ${claim.accepted.v}) by ${frame.kind}, but on disk: ${voters.describe()}`,
        );
    },
  };
};

const claimed = (
  record: { readonly promised: number; readonly accepted: Pick<Configuration, 'e' | 'v'> },
  { promised, accepted }: { readonly promised: number; readonly accepted: Pick<Configuration, 'e' | 'v'> },
): boolean =>
  record.promised >= promised && (record.accepted.e > accepted.e || (record.accepted.e === accepted.e && record.accepted.v >= accepted.v));

export const ackedIsKept: MakeChecker = (run) => {
  const name = 'I3';
  const model = modelOf(run);
  model.listen({
    activated: ({ process, epoch, committedSeq }) => {
      const lacking = model.lacks(process, committedSeq);
      if (lacking !== null)
        violated(
          name,
          `${process} leads epoch ${epoch} without entry ${placeText(lacking)}, which was committed before; its log ends at ${placeText(model.log(process).last)}`,
        );
    },
    acked: ({ process, epoch, place }) => {
      const decided = model.decided[place.seq];
      if (decided !== undefined && !samePlace(decided, place))
        violated(name, `${process} acknowledges ${placeText(place)} in epoch ${epoch}, where ${placeText(decided)} was committed before`);
    },
  });
  return { name, demands: 'Whoever leads later has every entry that a client was told of, unchanged.' };
};

/** Of the newest epochs; an acknowledgement that is older than that is not waited for. */
const ACTIVATIONS_KEPT = 64;

export const noLateAcks: MakeChecker = (run) => {
  const name = 'I4';
  const model = modelOf(run);
  const activations: Activation[] = [];
  const had = ({ tail, committedSeq }: Activation, place: Place): boolean => {
    const own = place.seq <= committedSeq ? model.decided[place.seq] : tail[place.seq - committedSeq - 1];
    return own !== undefined && samePlace(own, place);
  };
  model.listen({
    activated: (activation) => {
      activations.push(activation);
      if (activations.length > ACTIVATIONS_KEPT) activations.shift();
    },
    acked: ({ process, epoch, place }) => {
      for (let index = activations.length - 1; index >= 0; index--) {
        const later = activations[index] as Activation;
        if (later.epoch <= epoch) break;
        if (!had(later, place))
          violated(
            name,
            `${process} acknowledges ${placeText(place)} in epoch ${epoch}, after ${later.process} began to lead epoch ${later.epoch} without it`,
          );
      }
    },
  });
  return { name, demands: 'What is acknowledged in an old epoch was in the log of every later primary when it began.' };
};

export const whoMayLeadHasAll: MakeChecker = (run) => {
  const name = 'I5';
  const model = modelOf(run);
  const look = (voter: string, lacking: Place | null): void => {
    if (lacking !== null)
      violated(
        name,
        `R2 would let ${voter} lead, whose log lacks entry ${placeText(lacking)}: ${model.voters.describe()}; its log ends at ${placeText(model.log(processOf(voter)).last)}`,
      );
  };
  const lookAtAll = (): void => {
    for (const voter of model.voters.electable) look(voter, model.lacks(processOf(voter), model.ackedSeq));
  };
  model.listen({
    acked: ({ place }) => {
      for (const voter of model.voters.electable) look(voter, model.holds(processOf(voter), place) ? null : place);
    },
    voter: lookAtAll,
    removed: lookAtAll,
  });
  return { name, demands: 'Every replica that a majority of the voters would let lead has every acknowledged entry.' };
};

export const oneHistory: MakeChecker = (run) => {
  const name = 'I6';
  /** By number and epoch: the hash, and the epoch of the entry before. */
  const seen = new Map<string, { readonly hash: number; readonly epochBefore: number }>();
  modelOf(run).listen({
    appended: (process, places, before) => {
      let previous = before;
      for (const place of places) {
        const key = `${place.seq}.${place.epoch}`;
        const known = seen.get(key);
        if (known === undefined) seen.set(key, { hash: place.hash, epochBefore: previous.epoch });
        else if (known.hash !== place.hash || known.epochBefore !== previous.epoch)
          violated(
            name,
            `${process} stores ${placeText(place)} behind epoch ${previous.epoch}; elsewhere that entry has another hash or another entry before it`,
          );
        previous = place;
      }
    },
  });
  return { name, demands: 'Entries of the same number and epoch are the same in all logs, and so is all before them.' };
};

interface Answered {
  readonly seq: number;
  readonly body: string;
}

/** What a client is told of a change, without what the desk adds to it when it answers (a token, a code, a passkey). */
const essence = ({ body }: Pick<StoredReply, 'body'>): string => {
  if (!body.ok) return body.code;
  const { token: _, code: __, passkey: ___, ...value } = body.value as Record<string, unknown>;
  return JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

export const doneOnce: MakeChecker = (run) => {
  const name = 'I7';
  const model = modelOf(run);
  const applied = new Map<string, Answered>();
  const look = (process: string, { requestId, seq, body }: Pick<StoredReply, 'requestId' | 'seq' | 'body'>, did: string): void => {
    // Too old to say: the reply table has a limit, and what it forgot is not answered again.
    if (!body.ok && body.code === 'indeterminate') return;
    // Says how many keep it, in place of what came of it: two copies were demanded, and there is one.
    if (!body.ok && body.code === 'degraded') return;
    const key = `${requestId.client}:${requestId.n}`;
    const known = applied.get(key);
    const answer = { seq, body: essence({ body }) };
    if (known === undefined) applied.set(key, answer);
    else if (known.seq !== seq || known.body !== answer.body)
      violated(
        name,
        `${process} ${did} request ${key} as entry ${seq} with ${answer.body}; before, it was entry ${known.seq} with ${known.body}`,
      );
  };
  model.listen({
    applied: (process, replies) => {
      for (const reply of replies) look(process, reply, 'applies');
    },
    // What is overridden was not done: asked again, it is done anew.
    forced: (seq) => {
      for (const [key, known] of applied) if (known.seq > seq) applied.delete(key);
    },
    acked: ({ process, reply }: Ack) => look(process, reply, 'answers'),
  });
  return {
    name,
    demands: 'A request id is applied at most once, and every answer to it is the same.',
    sent(process, _to, link, frame) {
      if (frame.kind !== 'reply' || link !== 'proxy' || frame.durability !== 'none' || frame.body.ok || frame.body.code !== 'name-taken')
        return;
      // Read from the accounts, not from the reply table: it may be the request's own doing that is met.
      const key = `${frame.requestId.client}:${frame.requestId.n}`;
      const known = applied.get(key);
      if (known !== undefined && known.body !== 'name-taken')
        violated(name, `${process} refuses request ${key} for what it has done itself: entry ${known.seq} with ${known.body}`);
    },
  } satisfies Checker;
};
