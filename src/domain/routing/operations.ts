/** What a session, a proxy and a desk need to know of each operation. */
import type { OperationName } from '../../protocol/control/messages.ts';

/**
 * Changes that are kept: repeated, they must not happen twice, and their outcome may be unknown. The primary alone does
 * them; all else, soft state too, a follower answers while there is no primary.
 */
const WRITES: ReadonlySet<OperationName> = new Set<OperationName>([
  'register',
  'login',
  'logout',
  'passwd',
  'invite',
  'account.disable',
  'account.reset',
  'passkey.new',
  'passkey.revoke',
  'own',
  'disown',
]);
/** Each costs the tracker a password hash. */
const HASHING: ReadonlySet<OperationName> = new Set<OperationName>(['register', 'login', 'passwd', 'account.reset']);

export const isWrite = (op: OperationName): boolean => WRITES.has(op);
/** In requests of the ordinary kind. */
export const costOf = (op: OperationName): number => (HASHING.has(op) ? 5 : 1);

/** Where whoever asked for a change can see whether it was made. */
const LOOK: Readonly<Partial<Record<OperationName, string>>> = {
  register: 'sign in, which works if the account was made, or register again, which says if the name is taken',
  login: 'sign in again, which does no harm',
  logout: 'sign out again, which does no harm',
  passwd: 'sign in with the new password, and with the old one if that fails',
  invite: 'make another code; one that was made and is not known expires',
  'account.disable': '"shoal account list" shows it; doing it again does no harm',
  'account.reset': 'do it again with the same password, which does no harm',
  'passkey.new': 'make another one, which takes its place',
  'passkey.revoke': '"shoal passkey list" shows it; doing it again does no harm',
  own: 'the node tells the catalog again by itself, which does no harm',
  disown: 'the node tells the catalog again by itself, which does no harm',
};

/** The words of `indeterminate`: neither done nor failed, and what to do. */
export const indeterminateWords = (op: OperationName): string =>
  `The network did not answer in time. The change may or may not have been made: ${LOOK[op] ?? 'look before you repeat it'}.`;

/** What a request is told whose time is up: a write that may have reached a primary is neither done nor failed. */
export const lateAnswer = (
  op: OperationName,
  maybeDone: boolean,
): { readonly code: 'indeterminate' | 'unavailable'; readonly message: string } =>
  isWrite(op) && maybeDone
    ? {
        code: 'indeterminate',
        message: indeterminateWords(op),
      }
    : {
        code: 'unavailable',
        message: isWrite(op) ? 'No tracker answered in time. Nothing was changed; try again.' : 'No tracker answered in time; try again.',
      };
