/** Random changes over a small world, so that they meet: few names, contents and nodes, many collisions. */
import * as fc from 'fast-check';
import type { RequestId } from '../replication/types.ts';
import { clientId, contentOf, type Draft, ownPut } from './ledger.test-kit.ts';
import type { Change } from './types.ts';

const names = fc.constantFrom('An', 'Bình', 'Chi');
const tokens = fc.constantFrom('t1', 't2', 't3', 't4', 't5');
const nodes = fc.constantFrom('n1', 'n2');
const codes = fc.constantFrom('c1', 'c2');
const titles = fc.constantFrom('Hà Nội', 'ubuntu-24.04', 'Đà Nẵng 2024');
const folded = names.map((name) => name.toLowerCase());
const times = fc.nat(5_000);

const firstChanges: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant('account.create' as const),
    name: names,
    folded,
    passwordHash: fc.constantFrom('h1', 'h2'),
    admin: fc.boolean(),
    inviteHash: fc.option(codes),
  }),
  fc.record({
    kind: fc.constant('account.password' as const),
    verified: fc.option(fc.constantFrom('h1', 'h2', 'h3')),
    folded,
    passwordHash: fc.constantFrom('h1', 'h2'),
    keepSession: fc.option(tokens),
  }),
  fc.record({
    kind: fc.constant('account.rehash' as const),
    folded,
    passwordHash: fc.constant('h3'),
    replaces: fc.constantFrom('h1', 'h2'),
  }),
  fc.record({ kind: fc.constant('account.disable' as const), folded, disabled: fc.boolean() }),
  fc.record({
    kind: fc.constant('session.issue' as const),
    folded,
    verified: fc.constantFrom('h1', 'h2'),
    tokenHash: tokens,
    expiresMs: times,
  }),
  fc.record({ kind: fc.constant('session.revoke' as const), tokenHash: tokens }),
  fc.record({ kind: fc.constant('invite.create' as const), codeHash: codes, by: names, expiresMs: times, admin: fc.boolean() }),
  fc.record({ title: titles, account: names, node: nodes, torrent: fc.boolean() }).map(({ title, account, node, torrent }) => ({
    ...ownPut(title, account, node),
    hasTorrent: torrent,
  })),
  fc.record({ title: titles, account: names, node: nodes }).map(({ title, account, node }) => ({
    kind: 'own.remove' as const,
    content: ownPut(title, account, node).content.id,
    account,
    node,
  })),
);

const bytes = fc.nat(1_000);
const tallyRows = fc.record({
  folded,
  content: titles.map((title) => contentOf(title).id),
  source: fc.constantFrom('s1', 's2'),
  shared: fc.boolean(),
  uploadedBytes: bytes,
  downloadedBytes: bytes,
  restart: fc.option(fc.record({ uploadedBytes: bytes, downloadedBytes: bytes, nowUploadedBytes: bytes, nowDownloadedBytes: bytes })),
  completed: fc.boolean(),
  lastMs: times,
});
const devices = fc.constantFrom('d1', 'd2', 'd3');

/** What came with the second version of the tables. */
const laterChanges: fc.Arbitrary<Change> = fc.oneof(
  fc
    .record({ folded, device: devices, passkeyHash: fc.constantFrom('aa', 'bb', 'cc', 'dd') })
    .map(({ device, ...rest }) => ({ kind: 'passkey.issue' as const, device, deviceFolded: device, ...rest })),
  fc.record({ kind: fc.constant('passkey.revoke' as const), folded, deviceFolded: devices, id: fc.constantFrom('', 'aa') }),
  fc.record({ kind: fc.constant('tally' as const), rows: fc.array(tallyRows, { maxLength: 5 }) }),
);

export const changes: fc.Arbitrary<Change> = fc.oneof({ weight: 9, arbitrary: firstChanges }, { weight: 5, arbitrary: laterChanges });

const requestIds: fc.Arbitrary<RequestId | null> = fc.option(
  fc.record({ client: fc.integer({ min: 1, max: 4 }).map(clientId), n: fc.integer({ min: 1, max: 12 }) }),
  { freq: 6 },
);

const draftsOf = (changes: fc.Arbitrary<Change>): fc.Arbitrary<Draft[]> =>
  fc.array(fc.record({ change: fc.option(changes, { freq: 12 }), requestId: requestIds }), { maxLength: 40 }).map((list) =>
    list.map((draft, at) => ({
      ...draft,
      requestId: draft.change === null ? null : draft.requestId,
      tail: new Uint8Array(draft.change?.kind === 'own.put' ? 300 : 0).fill(at),
      wallMs: at * 100,
    })),
  );

/** What a log may be made of: some NOOPs, some request ids that come again, times that rise. */
export const drafts: fc.Arbitrary<Draft[]> = draftsOf(changes);
/** The same, as a program of the first version could have written it. */
export const firstDrafts: fc.Arbitrary<Draft[]> = draftsOf(firstChanges);
