/**
 * The rules against a hostile network: messages are lost, doubled and reordered, processes crash and restart, voters
 * lose their state, replicas lose their log. Nothing here knows time. After every step the promises of
 * docs/availability.md must hold; and each deliberate mistake in a rule must be found.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgePromises } from './candidate.ts';
import { decideAppend, recoverReplica } from './follower.ts';
import { addLearner, proposeDegrade, recordMatch } from './primary.ts';
import type { VoterState } from './types.ts';
import { initialRecord, readersNeeded, recoverVoter, rejoinVoter, type VoterRecord } from './voter.ts';
import { following, type Options, type Rules, type Tally } from './walk-state.test-kit.ts';
import { Violation, walk } from './walk.test-kit.ts';

const newTally = (): Tally => ({
  acked: 0,
  activations: 0,
  ineligible: 0,
  upgrades: 0,
  degrades: 0,
  rejoined: 0,
  truncated: 0,
  lostLogs: 0,
});

/** How many schedules it takes until a promise is broken; null if none was within `most`. */
const schedulesUntilViolation = (most: number, options: Options): number | null => {
  const tally = newTally();
  for (let seed = 1; seed <= most; seed++) {
    try {
      walk(seed, options, tally);
    } catch (error) {
      if (error instanceof Violation) return seed;
      throw error;
    }
  }
  return null;
};

const SCHEDULES = [
  [1, 'none', 10_000],
  [3, 'none', 6_000],
  [1, 'witness', 5_000],
  [1, 'all', 10_000],
  [3, 'all', 6_000],
] as const;

for (const [witnesses, losses, schedules] of SCHEDULES) {
  test(`${witnesses + 2} voters, losses: ${losses}: ${schedules} schedules break no promise`, () => {
    const tally = newTally();
    for (let seed = 1; seed <= schedules; seed++) walk(seed, { witnesses, losses }, tally);
    // The walk must have been where it is dangerous.
    assert.ok(tally.acked > schedules / 2 && tally.activations > schedules / 4, JSON.stringify(tally));
    for (const [what, times] of Object.entries(tally)) {
      if ((what === 'rejoined' || what === 'lostLogs') && losses === 'none') continue;
      if (what === 'lostLogs' && losses !== 'all') continue;
      assert.ok(times >= 5, `${what}: ${times}`);
    }
  });
}

const remembering = (state: VoterState): VoterRecord => ({ ...state, holdsLog: true, distrustedThrough: -1 });

const MUTANTS: readonly { readonly name: string; readonly losses?: Options['losses']; readonly rules: Partial<Rules> }[] = [
  {
    name: 'promise twice (R1)',
    rules: {
      decideVote: (state, epoch) => (epoch >= state.promised ? { kind: 'promise', next: { ...state, promised: epoch } } : { kind: 'deny' }),
    },
  },
  { name: 'acceptOldEpoch (R4)', rules: { decideAppend: (facts, append) => decideAppend({ ...facts, promised: 0 }, append) } },
  {
    name: 'ignoreIsr (R2)',
    rules: {
      judgePromises: (candidate, promises, facts) => {
        const judged = judgePromises(candidate, promises, facts);
        return judged.kind === 'ineligible' ? { kind: 'eligible', latest: judged.latest } : judged;
      },
    },
  },
  {
    name: 'shrinkBeforeChosen (R6)',
    rules: {
      proposeDegrade: (primacy) => {
        const degraded = proposeDegrade(primacy);
        return degraded && { ...degraded, ackset: [primacy.self] };
      },
    },
  },
  { name: 'expandEarly (R7)', rules: { learnerCaughtUp: (primacy) => primacy.joining !== null } },
  {
    name: 'expandLate (R7)',
    rules: {
      addLearner: (primacy, peer, lastSeq) => {
        const joined = addLearner(primacy, peer, lastSeq);
        return joined && { ...joined, ackset: primacy.ackset };
      },
      learnerCaughtUp: (primacy) => primacy.joining !== null,
    },
  },
  {
    name: 'resumeAfterCrash (R8)',
    rules: {
      restart: (before, appliedSeq, lastSeq) =>
        before.primacy
          ? { ...before, primacy: recordMatch(before.primacy, before.primacy.self === 'A' ? 'B' : 'A', lastSeq) }
          : following(recoverReplica(appliedSeq)),
    },
  },
  {
    name: 'amnesia (R9)',
    losses: 'witness',
    rules: {
      recoverVoter: (stored, facts) =>
        stored === null ? { kind: 'ready', record: initialRecord(facts.replicas), lostLog: false } : recoverVoter(stored, facts),
    },
  },
  {
    name: 'rejoinFew (R9)',
    losses: 'witness',
    rules: {
      readersNeeded: (count) => readersNeeded(count) - 1,
      rejoinVoter: (answers, facts) => rejoinVoter(answers, { ...facts, proposers: [] }),
    },
  },
  {
    name: 'lost log forgotten (R9)',
    losses: 'all',
    rules: {
      recoverVoter: (stored, facts) => {
        const recovery = recoverVoter(stored, facts);
        return recovery.kind === 'ready' && stored ? { ...recovery, record: stored } : recovery;
      },
      rejoinVoter: (answers, facts) => {
        const record = rejoinVoter(answers, { ...facts, replica: false });
        return record && remembering(record);
      },
    },
  },
];

for (const { name, losses = 'none', rules } of MUTANTS) {
  test(`the walk catches ${name}`, () => {
    const schedules = schedulesUntilViolation(6_000, { witnesses: 1, losses, rules });
    assert.notEqual(schedules, null, 'no schedule broke a promise');
  });
}
