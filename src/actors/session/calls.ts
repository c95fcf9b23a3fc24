/** The node's API calls that are one question to the network. */
import { isWrite } from '../../domain/routing/operations.ts';
import type { ApiCallName, ApiCalls } from '../../protocol/api.ts';
import { NODES_PAGE_MAX } from '../../protocol/control/limits.ts';
import type { Operation, OperationName } from '../../protocol/control/messages.ts';
import type { Answer } from './asking.ts';

/** Calls that the session answers. `login` and `logout` also change who is signed in. */
export type SessionCall =
  | 'register'
  | 'login'
  | 'logout'
  | 'whoami'
  | 'passwd'
  | 'invite'
  | 'accounts'
  | 'account.disable'
  | 'account.reset'
  | 'passkey.new'
  | 'passkeys'
  | 'passkey.revoke'
  | 'statistics'
  | 'search'
  | 'nodes'
  | 'ping'
  | 'cluster';

type Makers = { readonly [K in SessionCall]: (args: ApiCalls[K]['args']) => Operation };

const makers: Makers = {
  register: ({ name, password, code }) => ({ op: 'register', name, password, code }),
  login: ({ name, password }) => ({ op: 'login', name, password }),
  logout: () => ({ op: 'logout' }),
  whoami: () => ({ op: 'whoami' }),
  passwd: ({ oldPassword, newPassword }) => ({ op: 'passwd', oldPassword, newPassword }),
  invite: ({ admin }) => ({ op: 'invite', admin }),
  accounts: ({ after, limit }) => ({ op: 'accounts', after, limit }),
  'account.disable': ({ name, disabled }) => ({ op: 'account.disable', name, disabled }),
  'account.reset': ({ name, newPassword }) => ({ op: 'account.reset', name, newPassword }),
  'passkey.new': ({ device }) => ({ op: 'passkey.new', device }),
  passkeys: () => ({ op: 'passkeys' }),
  'passkey.revoke': ({ passkey }) => ({ op: 'passkey.revoke', passkey }),
  statistics: ({ account, offset, limit }) => ({ op: 'statistics', account, offset, limit }),
  search: ({ words, offset, limit }) => ({ op: 'need', words, offset, limit }),
  nodes: ({ offset = 0, limit = NODES_PAGE_MAX }) => ({ op: 'nodes', offset, limit }),
  ping: ({ node }) => ({ op: 'ping', node }),
  cluster: () => ({ op: 'cluster' }),
};

export const isSessionCall = (name: ApiCallName): name is SessionCall => Object.hasOwn(makers, name);

export const operationOf = <K extends SessionCall>(name: K, args: ApiCalls[K]['args']): Operation => makers[name](args);

/** Asked without being signed in. */
export const isOpen = (op: OperationName): boolean => op === 'register' || op === 'login' || op === 'cluster';

/** Answers that people read as what there is now. */
const TOLD_STALE: ReadonlySet<OperationName> = new Set<OperationName>(['need', 'nodes', 'whoami', 'accounts', 'passkeys', 'statistics']);

/** People are told how a change is kept, and where an answer may lack the newest changes. */
export const asResult = (op: OperationName, { value, stale, durability }: Answer): object => {
  if (isWrite(op)) return { ...value, durability };
  return stale && TOLD_STALE.has(op) ? { ...value, stale } : value;
};
