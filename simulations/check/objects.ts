/** The objects of the network, as their users know them: one account, one node's ownership of one content, one device's passkey. */
import type { HistoryAnswer, HistoryRequest } from './history.ts';
import type { Model } from './linearizability.ts';

export interface Account {
  /** Null while there is no such account. Nothing takes one away. */
  readonly password: string | null;
  readonly disabled: boolean;
}

const ok = (answer: HistoryAnswer | undefined): boolean => answer === undefined || answer.kind === 'ok';
const refused = (answer: HistoryAnswer | undefined, code: string): boolean => answer?.kind === 'refused' && answer.code === code;

const register = (account: Account, password: string, answer: HistoryAnswer | undefined): Account | null => {
  if (account.password === null) return ok(answer) ? { password, disabled: false } : null;
  return answer === undefined || refused(answer, 'name-taken') ? account : null;
};

const login = (account: Account, password: string, answer: HistoryAnswer | undefined): Account | null => {
  // A wrong password is told before a disabled account is; an account that was disabled meanwhile, whatever the password.
  const possible =
    answer === undefined ||
    (answer.kind === 'ok' && account.password === password && !account.disabled) ||
    (refused(answer, 'wrong-password') && account.password !== password) ||
    (refused(answer, 'disabled') && account.disabled);
  return possible ? account : null;
};

const changePassword = (account: Account, from: string, to: string, answer: HistoryAnswer | undefined): Account | null => {
  if (account.password !== from || account.password === null)
    return answer === undefined || refused(answer, 'wrong-password') ? account : null;
  return ok(answer) ? { ...account, password: to } : null;
};

const change = (account: Account, next: Partial<Account>, answer: HistoryAnswer | undefined): Account | null => {
  if (account.password === null) return answer === undefined || refused(answer, 'not-found') ? account : null;
  return ok(answer) ? { ...account, ...next } : null;
};

const look = (account: Account, answer: HistoryAnswer | undefined): Account | null => {
  const seen = account.password === null ? 'none' : account.disabled ? 'disabled' : 'enabled';
  return answer === undefined || (answer.kind === 'ok' && answer.value === seen) ? account : null;
};

/** An account is made once; its password and its being disabled are what was last set. */
export const accountModel: Model<Account, HistoryRequest, HistoryAnswer> = {
  initial: { password: null, disabled: false },
  step: (account, request, answer) => {
    switch (request.do) {
      case 'register':
        return register(account, request.password, answer);
      case 'login':
        return login(account, request.password, answer);
      case 'passwd':
        return changePassword(account, request.oldPassword, request.newPassword, answer);
      case 'reset':
        return change(account, { password: request.newPassword }, answer);
      case 'disable':
        return change(account, { disabled: request.disabled }, answer);
      case 'look':
        return look(account, answer);
      default:
        throw new Error(`${request.do} is not asked of an account`);
    }
  },
  readOnly: (request) => request.do === 'login' || request.do === 'look',
  key: ({ password, disabled }) =>
    password === null ? 'no account' : `password ${JSON.stringify(password)}${disabled ? ', disabled' : ''}`,
};

/** `yes` where the catalog names the node as an owner. */
type Owner = 'yes' | 'no';

/** Whoever shares is an owner until it does not any more. */
export const ownerModel: Model<Owner, HistoryRequest, HistoryAnswer> = {
  initial: 'no',
  step: (owner, request, answer) => {
    switch (request.do) {
      case 'share':
        return ok(answer) ? 'yes' : null;
      case 'unshare':
        if (refused(answer, 'not-found')) return owner === 'no' ? 'no' : null;
        return ok(answer) ? 'no' : null;
      case 'owns':
        return answer === undefined || (answer.kind === 'ok' && answer.value === (owner === 'yes')) ? owner : null;
      default:
        throw new Error(`${request.do} is not asked of an owner`);
    }
  },
  readOnly: (request) => request.do === 'owns',
  key: (owner) => (owner === 'yes' ? 'an owner' : 'no owner'),
};

/** The id of the device's passkey; or that it has none; or one that nobody was told of. */
type Passkey = string;
const NONE: Passkey = 'none';
const UNTOLD: Passkey = 'a passkey that nobody was told of';

/** A device has the passkey that was made last, until it is revoked. Of one whose making was never answered the first read tells. */
export const passkeyModel: Model<Passkey, HistoryRequest, HistoryAnswer> = {
  initial: NONE,
  step: (passkey, request, answer) => {
    switch (request.do) {
      case 'passkey':
        if (answer === undefined) return UNTOLD;
        return answer.kind === 'ok' && typeof answer.value === 'string' ? answer.value : null;
      case 'revoke':
        if (passkey === NONE) return answer === undefined || refused(answer, 'not-found') ? NONE : null;
        return ok(answer) ? NONE : null;
      case 'passkeys':
        if (answer === undefined) return passkey;
        if (answer.kind !== 'ok' || typeof answer.value !== 'string') return null;
        return answer.value === passkey || (passkey === UNTOLD && answer.value !== NONE) ? answer.value : null;
      default:
        throw new Error(`${request.do} is not asked of a passkey`);
    }
  },
  readOnly: (request) => request.do === 'passkeys',
  key: (passkey) => (passkey === NONE ? 'no passkey' : passkey),
};
