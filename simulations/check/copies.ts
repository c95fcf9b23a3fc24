/** I9, I10, I12 and I13: what followers store, what an acknowledgement promises, what may be cut off, and what is no business of the log. */
import { decodeChange } from '../../src/domain/ledger/change.ts';
import type { Change, LedgerTransactions } from '../../src/domain/ledger/types.ts';
import { replicaNames } from '../plan/names.ts';
import type { ProcessName } from '../plan/types.ts';
import type { MakeChecker } from './checker.ts';
import { modelOf } from './cluster-model.ts';
import { claimOf, violated } from './invariants.ts';
import { placeText, samePlace } from './places.ts';
import { voterOf } from './voters.ts';

export const promisedFirst: MakeChecker = (run) => {
  const name = 'I9';
  const model = modelOf(run);
  model.listen({
    appended: (process, places) => {
      const last = places.at(-1);
      const promised = model.voters.record(voterOf(process))?.promised ?? 0;
      if (last !== undefined && last.epoch > promised)
        violated(name, `${process} stores ${placeText(last)}, but has promised only epoch ${promised} on its disk`);
    },
  });
  /**
   * Promises that somebody was told of, or that were there at a start. One that is just being written binds nobody yet: it
   * counts as made after what is said meanwhile.
   */
  const given = new Map<ProcessName, number>();
  return {
    name,
    demands: 'A follower acknowledges no entry of an epoch below its promise, and none that is not on its disk as its primary has it.',
    started(process) {
      given.set(process, model.voters.record(voterOf(process))?.promised ?? 0);
    },
    sent(process, to, link, frame) {
      const claim = claimOf(process, frame);
      if (claim === null) return;
      const promised = Math.max(claim.promised, given.get(process) ?? 0);
      given.set(process, promised);
      if (frame.kind !== 'appendAck' || link !== 'replica') return;
      if (promised > frame.epoch) violated(name, `${process} acknowledges to ${to} in epoch ${frame.epoch}, after it promised ${promised}`);
      const { last } = model.log(process);
      if (last.seq < frame.durableSeq)
        violated(
          name,
          `${process} acknowledges entries to ${frame.durableSeq} in epoch ${frame.epoch}; on its disk the log ends at ${last.seq}`,
        );
      const place = model.primaryOf(frame.epoch) === to ? model.log(to).at(frame.durableSeq) : null;
      if (place !== null && !model.holds(process, place))
        violated(name, `${process} acknowledges to ${to} ${placeText(place)}, in the place of which its disk has another entry`);
    },
  };
};

export const asDurableAsSaid: MakeChecker = (run) => {
  const name = 'I10';
  const model = modelOf(run);
  model.listen({
    acked: ({ process, epoch, durability, place, reply }) => {
      if (durability === 'replicated') {
        const without = replicaNames.find((replica) => !model.hadOrHolds(replica, place));
        if (without !== undefined)
          violated(name, `${process} calls ${placeText(place)} replicated in epoch ${epoch}; the disk of ${without} does not have it`);
      } else if (reply.stale === true) {
        // No primary any more, it answers from its reply table: what is there was committed, and this disk has it.
        if (!model.holds(process, place)) violated(name, `${process} calls ${placeText(place)} local; its disk does not have it`);
      } else if (!model.voters.isChosen({ e: epoch, v: 0 }))
        violated(
          name,
          `${process} acknowledges ${placeText(place)} as local in epoch ${epoch}, in which no configuration was chosen; ${model.voters.describe()}`,
        );
    },
  });
  return {
    name,
    demands: 'What is called replicated is on two disks; what is called local, on that of a primary that a majority has chosen.',
  };
};

export const nothingAckedIsCut: MakeChecker = (run) => {
  const name = 'I12';
  const model = modelOf(run);
  model.listen({
    removed: (process, places) => {
      for (const place of places) {
        const decided = model.decided[place.seq];
        if (decided === undefined) return;
        if (samePlace(decided, place)) violated(name, `${process} cuts off ${placeText(place)}, which was committed`);
      }
    },
  });
  return { name, demands: 'No entry that was committed is cut off a log.' };
};

const DURABLE: ReadonlySet<string> = new Set<Change['kind']>([
  'account.create',
  'account.password',
  'account.rehash',
  'account.disable',
  'session.issue',
  'session.revoke',
  'invite.create',
  'own.put',
  'own.remove',
  'passkey.issue',
  'passkey.revoke',
  'tally',
]);
/** What was transferred is counted in the log now and then, whatever announces say: so long after the time before, or after a full one. */
const TALLY_AGAIN_MICROS = 4_000_000;
const TALLY_ROWS_FULL = 256;
/** What an announce takes at a replica: it waits for no disk and no other process. */
const ANNOUNCE_MICROS_MAX = 1_000_000;
/** Announces under way that are followed, of all processes. */
const ANNOUNCES_MAX = 10_000;

export const announcesBeside: MakeChecker = (run) => {
  const name = 'I13';
  const model = modelOf(run);
  /** Entries whose payload was looked at: the other replica gets the same bytes. */
  let looked = new Set<string>();
  const announced = new Map<string, number>();
  /** Of each replica, as primary: the epoch and time of its last tally that was not full. */
  const tallied = new Map<string, { readonly epoch: number; readonly at: number }>();
  const tally = (process: string, epoch: number, rows: number): void => {
    const before = tallied.get(process);
    if (before?.epoch === epoch && run.now() - before.at < TALLY_AGAIN_MICROS)
      violated(name, `${process} counts transfers in epoch ${epoch} again after ${Math.round((run.now() - before.at) / 1_000)} ms`);
    if (rows < TALLY_ROWS_FULL) tallied.set(process, { epoch, at: run.now() });
    else tallied.delete(process);
  };
  const slow = run.plan.faults.some(({ kind }) => kind === 'slow' || kind === 'pause');
  const entries = (process: string, list: LedgerTransactions['append']['args']['entries']): void => {
    for (const { seq, epoch, payload } of list) {
      const key = `${seq}.${epoch}`;
      if (payload.length === 0 || looked.has(key)) continue;
      if (looked.size >= ANNOUNCES_MAX) looked = new Set();
      looked.add(key);
      const decoded = decodeChange(payload);
      if (!decoded.ok) violated(name, `${process} stores entry ${seq} of epoch ${epoch}, which is no change: ${decoded.error.message}`);
      else if (!DURABLE.has(decoded.value.change.kind))
        violated(name, `${process} stores entry ${seq} of epoch ${epoch}, a ${decoded.value.change.kind}, which is soft state`);
      else if (decoded.value.change.kind === 'tally' && model.primaryOf(epoch) === process)
        tally(process, epoch, decoded.value.change.rows.length);
    }
  };
  const key = (process: string, other: string, node: string, sequence: number): string => `${process} ${other} ${node} ${sequence}`;
  return {
    name,
    demands: 'No announce is in the log, and none waits for the other replica.',
    committed(process, transaction, args) {
      if (transaction === 'append' || transaction === 'truncateAndAppend')
        entries(process, (args as LedgerTransactions['append']['args']).entries);
    },
    received(process, from, link, frame) {
      if (frame.kind !== 'announce' || link !== 'proxy' || slow) return;
      if (announced.size >= ANNOUNCES_MAX) announced.clear();
      announced.set(key(process, from, frame.node, frame.sequence), run.now());
    },
    sent(process, to, link, frame) {
      if (frame.kind !== 'announced' || link !== 'proxy') return;
      const at = key(process, to, frame.node, frame.sequence);
      const since = announced.get(at);
      if (since === undefined) return;
      announced.delete(at);
      if (run.now() - since > ANNOUNCE_MICROS_MAX)
        violated(name, `${process} took ${Math.round((run.now() - since) / 1_000)} ms to answer an announce of ${frame.node}`);
    },
  };
};
