/** One operation of a user, drawn from a source of its own. */
import { below, type Random } from '../../src/ports/random.ts';
import { ADMIN_ACCOUNT, contentName, nodeNames, replicaNames } from './names.ts';
import { chance, logBetween, pick } from './profile.ts';
import type { ClusterPlan, Operation } from './types.ts';

type WithoutId<O> = O extends unknown ? Omit<O, 'id'> : never;
/** An operation that has no number yet. */
export type OperationDraft = WithoutId<Operation>;

/** How many different accounts and contents users of a run talk about: few, so that they meet. */
export interface Vocabulary {
  readonly cluster: ClusterPlan;
  readonly accounts: number;
  readonly passwords: number;
  /** Bytes of each content. */
  readonly contents: readonly number[];
}

const CONTENT_BYTES = [500, 200_000] as const;
/** Changes of which some are wanted on both replicas or not at all. */
const CHANGES: ReadonlySet<Operation['do']> = new Set([
  'register',
  'login',
  'logout',
  'passwd',
  'disable',
  'share',
  'unshare',
  'passkey',
  'revokePasskey',
]);
const DEMANDS_PERCENT = 12;
const DEVICES = 2;
/** Accounts that only `repeat` registers begin here. */
const REPEAT_ACCOUNTS_FROM = 100;
const REPEAT_ACCOUNTS = 50;

export const drawVocabulary = (random: Random, cluster: ClusterPlan): Vocabulary => ({
  cluster,
  accounts: 2 + below(random, 'accounts', 5),
  passwords: 1 + below(random, 'passwords', 3),
  contents: Array.from({ length: 1 + below(random, 'contents', 4) }, () => Math.round(logBetween(random, 'bytes', ...CONTENT_BYTES))),
});

const makers: Readonly<Record<Operation['do'], (random: Random, words: Vocabulary) => object>> = {
  register: (random, { accounts }) => ({ account: below(random, 'account', accounts + 3) }),
  login: (random, { accounts, passwords }) => ({
    account: below(random, 'account', accounts),
    password: chance(random, 'the first password', 60) ? 0 : below(random, 'password', passwords),
  }),
  logout: () => ({}),
  passwd: (random, { passwords }) => ({ password: below(random, 'password', passwords) }),
  disable: (random, { accounts }) => ({
    account: ADMIN_ACCOUNT + 1 + below(random, 'account', accounts),
    disabled: chance(random, 'disabled', 50),
  }),
  share: (random, { contents }) => {
    const content = below(random, 'content', contents.length);
    return { content, bytes: contents[content] };
  },
  unshare: (random, { contents }) => ({ content: below(random, 'content', contents.length) }),
  get: (random, { contents }) => ({ content: below(random, 'content', contents.length) }),
  search: (random, { contents }) => ({
    words: chance(random, 'everything', 30) ? '' : contentName(below(random, 'content', contents.length + 1)),
  }),
  accounts: () => ({}),
  passkey: (random) => ({ device: below(random, 'device', DEVICES) }),
  revokePasskey: (random) => ({ device: below(random, 'device', DEVICES) }),
  passkeys: () => ({}),
  stats: () => ({}),
  handOver: () => ({}),
  forcePromote: () => ({}),
  manage: (random, { contents }) => ({
    content: below(random, 'content', contents.length),
    how: pick(random, 'how', ['pause', 'resume', 'resume', 'recheck'] as const),
  }),
  repeat: (random) => ({
    account: REPEAT_ACCOUNTS_FROM + below(random, 'account', REPEAT_ACCOUNTS),
    times: chance(random, 'many', 15) ? 65 + below(random, 'times', 40) : 2 + below(random, 'times', 12),
  }),
};

export const drawOperation = (kind: Operation['do'], random: Random, words: Vocabulary, atMs: number): OperationDraft => {
  const order = kind === 'handOver' || kind === 'forcePromote';
  const node = pick(random, 'node', order ? replicaNames : nodeNames(words.cluster));
  const demand = CHANGES.has(kind) && chance(random, 'wants two copies', DEMANDS_PERCENT) ? { require: 'replicated' } : {};
  return { do: kind, atMs, node, ...makers[kind](random, words), ...demand } as OperationDraft;
};

/** Every node has somebody signed in before much goes wrong: the administrator at the first, accounts in turn at the others. */
export const openingOperations = ({ cluster, accounts, contents }: Vocabulary): readonly OperationDraft[] =>
  nodeNames(cluster).flatMap((node, index): OperationDraft[] => {
    const account = index === 0 ? ADMIN_ACCOUNT : 1 + ((index - 1) % Math.max(1, accounts - 1));
    const content = index % contents.length;
    return [
      { do: 'register', atMs: 200 + 50 * index, node, account },
      { do: 'login', atMs: 2_200 + 50 * index, node, account, password: 0 },
      { do: 'share', atMs: 4_200 + 50 * index, node, content, bytes: contents[content] as number },
    ];
  });
