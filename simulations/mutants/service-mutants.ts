/** Mutants of what stands around the pair: requests and their replies, the ledger, swarms, transfers, connections. */
import type { Mutant } from './mutant.ts';

const REPLIES = 'src/domain/ledger/replies.ts';
const REQUESTS = 'src/actors/proxy/requests.ts';
const REGISTRY = 'src/domain/swarm/registry.ts';
const SWARM = 'src/domain/swarm/swarm.ts';
const INBOUND = 'src/data/inbound.ts';
const PASSWORDS = 'src/actors/desk/passwords.ts';
const KEEPER = 'src/actors/transfer/keeper.ts';

export const requestMutants: readonly Mutant[] = [
  {
    name: 'retry-runs-twice',
    rule: 'requests',
    file: REPLIES,
    find: 'if (row !== null) return { requestId, seq',
    replace: "if (row !== null && row['never'] !== undefined) return { requestId, seq",
    about: 'a request that comes again is done again',
    also: [{ file: REPLIES, find: "'INSERT INTO replies VALUES", replace: "'INSERT OR REPLACE INTO replies VALUES" }],
  },
  {
    name: 'snapshot-without-replies',
    rule: 'requests',
    file: 'src/domain/ledger/state-rows.ts',
    find: "{ name: 'replies', columns: ['client', 'n', 'seq', 'epoch', 'body'], keys: 2, pageRows: 500 },",
    replace: '',
    about: 'a snapshot does not bring the replies that retries must have',
  },
  {
    name: 'revoked-passkey-stays',
    rule: 'requests',
    file: 'src/domain/ledger/apply-passkeys.ts',
    find: 'for (const row of found) run(sql',
    replace: 'for (const row of found.slice(1)) run(sql',
    about: 'the newest passkey of a device goes on after it was revoked',
  },
  {
    name: 'transfers-count-again',
    rule: 'requests',
    file: 'src/domain/ledger/apply-tally.ts',
    find: 'downloaded: Math.max(0, downloadedBytes - down)',
    replace: 'downloaded: downloadedBytes',
    about: 'what a session has transferred is counted anew with each change that tells of it',
  },
  {
    name: 'indeterminate-is-called-failed',
    rule: 'requests',
    file: 'src/domain/routing/operations.ts',
    find: 'isWrite(op) && maybeDone\n',
    replace: 'isWrite(op) && maybeDone && op.length === 0\n',
    about: 'a change whose outcome nobody knows is answered as not made',
  },
  {
    name: 'maybe-done-is-forgotten',
    rule: 'requests',
    file: REQUESTS,
    find: 'if (request.sentTo === name) request.sentTo = null;',
    replace: 'if (request.sentTo === name) { request.sentTo = null; request.maybeDone = false; }',
    about: 'a replica whose link is gone is thought to have done nothing',
  },
  {
    name: 'writes-are-not-read',
    rule: 'requests',
    file: REQUESTS,
    find: 'minSeq: Math.max(frame.minSeq, asker.seqSeen)',
    replace: 'minSeq: 0',
    about: 'the high-water mark of a session is not carried along',
  },
  {
    name: 'unapplied-reads',
    rule: 'requests',
    file: 'src/actors/replica/primary-role.ts',
    find: '  #serving = false;',
    replace: '  #serving = true;',
    about: 'a new primary serves before it has applied its log',
  },
  {
    name: 'disabled-may-sign-in',
    rule: 'requests',
    file: 'src/domain/ledger/apply.ts',
    find: "if (int(account, 'disabled') === 1)",
    replace: "if (int(account, 'disabled') === 2)",
    about: 'an account that was disabled gets sessions',
    also: [
      { file: PASSWORDS, find: 'if (account.disabled) return', replace: 'if (account.disabled && account.folded.length === 0) return' },
    ],
  },
  {
    name: 'any-password-will-do',
    rule: 'requests',
    file: PASSWORDS,
    find: 'if (account === null || !sameTag(hashed.value, tag)) return wrong();',
    replace: 'if (account === null) return wrong();',
    about: 'whoever knows a name may sign in',
  },
];

export const swarmMutants: readonly Mutant[] = [
  {
    name: 'dead-peer-revived',
    rule: 'swarm',
    file: SWARM,
    find: 'said.sequence <= before.sequence',
    replace: 'said.sequence < 0',
    about: 'a late announce brings back a peer that has stopped',
  },
  {
    name: 'stopped-is-not-heard',
    rule: 'swarm',
    file: REGISTRY,
    find: "const stopped = item.event === 'stopped';",
    replace: "const stopped = item.event === 'stopped' && item.content.length === 0;",
    about: 'a peer that says goodbye stays in the swarm',
  },
];

export const dataMutants: readonly Mutant[] = [
  {
    name: 'piece-taken-unverified',
    rule: 'data',
    file: INBOUND,
    find: "if (verdict.value === 'good') return this.#write",
    replace: "if (verdict.value !== 'never') return this.#write",
    about: 'a piece is written whatever its hash says',
  },
  {
    name: 'journal-before-sync',
    rule: 'data',
    file: KEEPER,
    find: 'this.#content.storage.sync((synced) => {',
    replace: '((then) => then({ ok: true, value: [...this.#content.storage.files.keys()] }))((synced) => {',
    about: 'nothing is synced before the journal says have, and it is believed whatever the files look like',
    also: [
      {
        file: 'src/domain/transfer/journal.ts',
        find: 'return sameIdentity(recorded, found) && found.size >= recorded.size && found.modifiedMs >= recorded.modifiedMs;',
        replace: 'return true;',
      },
      { file: 'src/domain/transfer/journal.ts', find: 'if (clean) return sameFile(recorded, found);', replace: 'if (clean) return true;' },
      {
        file: 'src/actors/transfer/placement.ts',
        find: 'return storage.sync((synced) => (synced.ok ? storage.freeze(move) : done(synced)));',
        replace: 'return storage.freeze(move);',
      },
    ],
  },
  {
    name: 'failed-write-counts',
    rule: 'data',
    file: INBOUND,
    find: 'if (!written.ok) return this.#giveUp(piece, arriving, written.error);\n      const liars',
    replace: 'const liars',
    about: 'a piece that could not be written counts as had',
  },
];

export const leftoverMutants: readonly Mutant[] = [
  {
    name: 'timer-left-behind',
    rule: 'leftover',
    file: 'src/actors/proxy/replicas.ts',
    find: 'if (this.#timer !== null) this.#ports.clock.clearTimer(this.#timer);\n    this.#timer = null;\n    for',
    replace: 'for',
    about: 'a proxy that was stopped still looks after its replicas',
  },
  {
    name: 'sweeping-goes-on',
    rule: 'leftover',
    file: 'src/actors/swarm/swarm.ts',
    find: 'if (this.#sweepTimer !== null) this.#deps.clock.clearTimer(this.#sweepTimer);',
    replace: '',
    about: 'a tracker that was stopped still looks for silent nodes',
  },
];
