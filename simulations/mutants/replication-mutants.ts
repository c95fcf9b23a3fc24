/** Mutants of the rules R1 to R12 (docs/availability.md). */
import type { Mutant } from './mutant.ts';

const VOTER = 'src/domain/replication/voter.ts';
const CANDIDATE = 'src/domain/replication/candidate.ts';
const PRIMARY = 'src/domain/replication/primary.ts';
const FOLLOWER = 'src/domain/replication/follower.ts';
const FOLLOWER_ROLE = 'src/actors/replica/follower-role.ts';
const PRIMARY_ROLE = 'src/actors/replica/primary-role.ts';
const IN_SYNC_SET = 'src/actors/replica/in-sync-set.ts';
const LINK = 'src/actors/replication-link/link.ts';
const VOTER_ACTOR = 'src/actors/voter/voter.ts';
const ROUTE = 'src/domain/routing/route.ts';

/** Pre-vote would hide that a vote is given wrongly: a voter that knows better refuses there already. */
const noIneligibleInPreVote = { file: VOTER, find: `? 'ineligible' : null`, replace: `? null : null` };

export const replicationMutants: readonly Mutant[] = [
  {
    name: 'vote-twice-in-an-epoch',
    rule: 'R1',
    file: VOTER,
    find: 'epoch > state.promised ? { kind: ',
    replace: 'epoch >= state.promised ? { kind: ',
    about: 'a voter promises the same epoch to everybody who asks',
    also: [
      { file: VOTER, find: "if (epoch <= state.promised) return 'promised'", replace: "if (epoch < state.promised) return 'promised'" },
    ],
  },
  {
    name: 'voter-answers-before-sync',
    rule: 'R1',
    file: VOTER_ACTOR,
    find: 'this.#store.write(next, (written, kept) => {',
    replace:
      'this.#writing = false; this.#record = next; this.#store.write(next, () => {}); change.done(ok(next)); this.#nextChange(); void ((written, kept) => {',
    about: 'a voter answers before its state is on disk',
  },
  {
    name: 'pre-vote-promises',
    rule: 'R1',
    file: VOTER,
    find: 'if (hearsPrimary) return ',
    replace: 'if (hearsPrimary && epoch < 0) return ',
    about: 'a voter grants a pre-vote although it hears the primary',
  },
  {
    name: 'lead-without-being-in-sync',
    rule: 'R2',
    file: CANDIDATE,
    find: 'latest.isr.includes(candidate) && ',
    replace: '',
    about: 'any replica with a majority of promises leads',
    also: [noIneligibleInPreVote],
  },
  {
    name: 'oldest-configuration-decides',
    rule: 'R2',
    file: CANDIDATE,
    find: 'compareBallots(a, b) >= 0 ? a : b',
    replace: 'compareBallots(a, b) >= 0 ? b : a',
    about: 'of the configurations among the promises the oldest decides who may lead',
    also: [noIneligibleInPreVote],
  },
  {
    name: 'activate-with-both',
    rule: 'R3',
    file: CANDIDATE,
    find: 'isr: [candidate],',
    replace: "isr: ['main', 'backup'],",
    about: 'a new primary counts the other replica as in sync without looking at its log',
  },
  {
    name: 'lead-before-a-majority-accepts',
    rule: 'R3',
    file: 'src/actors/replica/candidate-role.ts',
    find: 'this.#accepted.size < majorityOf(this.#deps.voters.length)',
    replace: 'this.#accepted.size < 1',
    about: 'a candidate leads when it alone has accepted its activation',
  },
  {
    name: 'append-of-an-older-epoch',
    rule: 'R4',
    file: FOLLOWER,
    find: '=> epoch >= promised;',
    replace: '=> epoch >= 0 || epoch >= promised;',
    about: 'a follower takes entries of a primary that was deposed',
    also: [{ file: FOLLOWER_ROLE, find: 'epoch === promised) this.#take', replace: 'epoch <= promised) this.#take' }],
  },
  {
    name: 'acknowledge-before-sync',
    rule: 'R4',
    file: FOLLOWER_ROLE,
    find: 'replicaLog.append(decision.entries, commitSeq, written);',
    replace: '{ replicaLog.append(decision.entries, commitSeq, () => {}); written(true); }',
    about: 'a follower acknowledges entries before they are on disk',
  },
  {
    name: 'keep-a-conflicting-tail',
    rule: 'R4',
    file: FOLLOWER,
    find: 'if (own !== null && samePosition(own, entry)) continue;',
    replace: 'if (own !== null) continue;',
    about: 'a follower acknowledges entries in whose places it has others',
  },
  {
    name: 'truncate-one-too-many',
    rule: 'R4',
    file: FOLLOWER,
    find: 'truncateAfter: own === null ? null : entry.seq - 1,',
    replace: 'truncateAfter: own === null ? null : entry.seq - 2,',
    about: 'with a conflicting tail goes the entry before it',
  },
  {
    name: 'commit-without-the-others',
    rule: 'R5',
    file: PRIMARY,
    find: 'Math.min(...primacy.ackset.map(',
    replace: 'Math.max(...primacy.ackset.map(',
    about: 'success is told when one replica has the entry, whoever is to have it',
  },
  {
    name: 'replicated-with-one-copy',
    rule: 'R5',
    file: PRIMARY_ROLE,
    find: 'copiesOf(seq) > 1 ? ',
    replace: 'copiesOf(seq) > 0 ? ',
    about: 'a change that one replica has is called replicated',
  },
  {
    name: 'degrade-before-chosen',
    rule: 'R6',
    file: PRIMARY,
    find: 'ackset: [...new Set([...primacy.ackset, ...isr])]',
    replace: 'ackset: isr',
    about: 'the peer is left out when that is proposed, not when it is chosen',
  },
  {
    name: 'chosen-by-itself',
    rule: 'R6',
    file: PRIMARY,
    find: 'primacy.acceptedBy.length < majorityOf(voters)',
    replace: 'primacy.acceptedBy.length < 1',
    about: 'a proposal counts as chosen when the primary alone has accepted it',
  },
  {
    name: 'upgrade-before-catch-up',
    rule: 'R7',
    file: PRIMARY,
    find: '>= primacy.joining.seq',
    replace: '>= 0 * primacy.joining.seq',
    about: 'a learner counts as in sync before it has what was in the log when it joined',
    also: [{ file: IN_SYNC_SET, find: 'if (this.matchOf(follower) < Math.max(noopSeq, leftOut?.seq ?? 0)) continue;', replace: '' }],
  },
  {
    name: 'learner-is-not-waited-for',
    rule: 'R7',
    file: PRIMARY,
    find: 'ackset: [...primacy.ackset, peer]',
    replace: 'ackset: primacy.ackset',
    about: 'entries that come while a learner joins do not wait for it',
  },
  {
    name: 'tail-is-applied-at-the-start',
    rule: 'R8',
    file: 'src/domain/ledger/transactions.ts',
    find: 'openSchema(sql);\n      return logState(sql);',
    replace: 'openSchema(sql);\n      applyThrough(sql, limits, Number.MAX_SAFE_INTEGER);\n      return logState(sql);',
    about: 'a replica that starts takes its whole log for committed',
  },
  {
    name: 'vote-without-memory',
    rule: 'R9',
    file: VOTER,
    find: "lostLog: false } : { kind: 'rejoin' };",
    replace: "lostLog: false } : { kind: 'ready', record: initialRecord(facts.replicas), lostLog: false };",
    about: 'a voter that lost its state begins as if there had been nothing',
  },
  {
    name: 'stand-without-log',
    rule: 'R9',
    file: VOTER,
    find: 'return stored.holdsLog && facts.logEmpty',
    replace: 'return stored.holdsLog && facts.logEmpty && stored.promised < 0',
    about: 'a replica that lost its log stands all the same',
  },
  {
    name: 'log-is-not-remembered',
    rule: 'R9',
    file: VOTER_ACTOR,
    find: '(record) => ({ ...record, holdsLog: true }),',
    replace: '(record) => record,',
    about: 'a replica does not write down that it has a log to lose',
  },
  {
    name: 'read-skips-its-round',
    rule: 'R10',
    file: 'src/actors/replica/read-rounds.ts',
    find: 'round: this.#begun + 1, seq',
    replace: 'round: 0, seq',
    about: 'a linearizable read does not ask a majority whether this replica still leads',
  },
  {
    name: 'not-fenced',
    rule: 'R11',
    file: 'src/actors/replica/leadership.ts',
    find: 'if (!this.#primary || this.#primary.epoch >= epoch) return;',
    replace: 'if (!this.#primary || epoch > 0) return;',
    about: 'a primary whose own voter promises a higher epoch goes on',
    also: [
      {
        file: PRIMARY_ROLE,
        find: "frame.kind === 'heartbeatAck' && frame.epoch > this.epoch) this.#outranked(frame.epoch);",
        replace: 'this.epoch < 0) return;',
      },
      { file: 'src/actors/replica/quorum-watch.ts', find: 'if (promised > epoch) return this.#deps.outranked(promised);', replace: '' },
      { file: PRIMARY_ROLE, find: 'if (frame.promised > this.epoch) this.#outranked(frame.promised);', replace: '' },
      { file: LINK, find: 'this.#deps.source.outranked(frame.promised)', replace: 'void 0' },
    ],
  },
  {
    name: 'route-to-an-older-primary',
    rule: 'R12',
    file: ROUTE,
    find: 'status.epoch > best.epoch',
    replace: 'status.epoch < best.epoch',
    about: 'of two that say that they lead, a proxy asks the older one',
    also: [{ file: ROUTE, find: ' || status.epoch < epochSeen) continue;', replace: ') continue;' }],
  },
];

/** Of what primaries do with care, and could do without it for a long time unnoticed. */
export const primaryMutants: readonly Mutant[] = [
  {
    name: 'stall-is-ignored',
    rule: 'TILT',
    file: 'src/domain/replication/stall.ts',
    find: '=> now - tickedAt > every + stall;',
    replace: '=> now - tickedAt > (every + stall) * 1e9;',
    about: 'a primary that stood still goes on as if nothing had happened',
  },
  {
    name: 'hand-over-before-durable',
    rule: 'hand-over',
    file: PRIMARY_ROLE,
    find: 'const done = !replicaLog.busy && replicaLog.appliedSeq >= end && this.#inSync.matchOf(peer) >= end;',
    replace: 'const done = peer.length > 0;',
    about: 'the other replica is told to take over before it has everything',
  },
  {
    name: 'overridden-is-not-kept',
    rule: 'force-promote',
    file: FOLLOWER_ROLE,
    find: 'if (!this.#older.isOlder) {',
    replace: 'if (!this.#older.isOlder || afterSeq !== -1) {',
    about: 'what a forced promotion overrides is gone without a copy in quarantine',
  },
];

/** Mutants that lose nothing and never come to an end. */
export const livenessMutants: readonly Mutant[] = [
  {
    name: 'never-degrade',
    rule: 'L4',
    file: PRIMARY_ROLE,
    find: 'if (this.#writeWaits()) ',
    replace: 'if (this.#writeWaits() && this.epoch < 0) ',
    about: 'a primary waits for a dead peer for ever',
  },
  {
    name: 'never-upgrade',
    rule: 'L2',
    file: PRIMARY_ROLE,
    find: 'this.#inSync.takeIn(this.#links.closeBehind(), this.#recent.head.seq);',
    replace: '',
    about: 'a pair that was alone once stays alone',
  },
  {
    name: 'catch-up-off-by-one',
    rule: 'L2',
    file: LINK,
    find: 'this.#nextSeq = afterSeq + 1;',
    replace: 'this.#nextSeq = afterSeq + 2;',
    about: 'the primary sends from one entry too far on',
  },
  {
    name: 'lost-wake-up-of-the-link',
    rule: 'L2',
    file: LINK,
    find: 'this.#reading = false;\n      if (page',
    replace: 'if (page',
    about: 'after a read of the log on disk the link never goes on',
  },
  {
    name: 'never-redial',
    rule: 'L1',
    file: 'src/links/dialler.ts',
    find: 'if (this.#running) {\n      this.#timer',
    replace: 'if (this.#running && this.#failures < 3) {\n      this.#timer',
    about: 'a link that could not be made a few times is given up',
  },
  {
    name: 'never-suspects',
    rule: 'L1',
    file: 'src/domain/replication/failure-detector.ts',
    find: 'now - this.#due > this.#options.stall',
    replace: 'now - this.#due >= 0 * this.#options.stall',
    about: 'a follower always finds a reason to wait a little longer for a primary that is silent',
  },
];
