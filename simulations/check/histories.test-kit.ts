/**
 * Histories by hand, a line each: `1: register p` calls operation 1, `1= ok` is its answer, `1= ?` an unknown outcome,
 * `1= -` says that nothing was done. All are about one account, or one node's ownership of one content.
 */
import type { HistoryAnswer, HistoryEvent, HistoryRequest } from './history.ts';

/** Histories that have an order. */
export const goodHistories: Readonly<Record<string, string>> = {
  'nothing at all': '',
  'one after the other': '1: register p, 1= ok, 2: login p, 2= ok, 3: login q, 3= wrong-password',
  'of two registrations at once one wins': '1: register p, 2: register q, 1= name-taken, 2= ok, 3: login q, 3= ok',
  'a login that overlaps the registration may miss it': '1: register p, 2: login p, 2= wrong-password, 1= ok',
  'a login that overlaps the registration may see it': '1: register p, 2: login p, 2= ok, 1= ok',
  'a registration of unknown outcome took effect at once': '1: register p, 1= ?, 2: login p, 2= ok',
  'a registration of unknown outcome never took effect': '1: register p, 1= ?, 2: login p, 2= wrong-password, 3: register q, 3= ok',
  'a registration of unknown outcome took effect late': '1: register p, 1= ?, 2: login p, 2= wrong-password, 3: login p, 3= ok',
  'a registration that is not answered took effect': '1: register p, 2: register p, 2= name-taken, 3: login p, 3= ok',
  'a change of password of unknown outcome took effect late':
    '1: register p, 1= ok, 2: passwd p q, 2= ?, 3: login p, 3= ok, 4: login q, 4= ok, 5: login p, 5= wrong-password',
  'a change of password of unknown outcome came to nothing, for another one came first':
    '1: register p, 1= ok, 2: passwd p q, 2= ?, 3: passwd p r, 3= ok, 4: login q, 4= wrong-password, 5: login r, 5= ok',
  'two changes of unknown outcome, of which the second took effect first':
    '1: register p, 1= ok, 2: reset q, 2= ?, 3: reset r, 3= ?, 4: login r, 4= ok, 5: login q, 5= ok, 6: login r, 6= wrong-password',
  'the same change twice with unknown outcome, once of which happened again later':
    '1: register p, 1= ok, 2: reset q, 2= ?, 3: reset q, 3= ?, 4: login q, 4= ok, 5: reset p, 5= ok, 6: login q, 6= ok',
  'what is said to have changed nothing did not': '1: register p, 1= -, 2: login p, 2= wrong-password',
  'a read of unknown outcome says nothing': '1: register p, 1= ok, 2: login q, 2= ?, 3: look, 3= ?, 4: login p, 4= ok',
  'disabled and enabled again':
    '1: register p, 1= ok, 2: disable, 2= ok, 3: login p, 3= disabled, 4: look, 4= disabled!, 5: enable, 5= ok, 6: login p, 6= ok',
  'no account to disable or to look at': '1: disable, 1= not-found, 2: look, 2= none, 3: reset p, 3= not-found',
  'three at once in an order of their own': '1: register p, 1= ok, 2: passwd p q, 3: passwd q r, 4: login r, 4= ok, 3= ok, 2= ok',
  'shared, and not any more': '1: share, 1= ok, 2: owns, 2= true, 3: unshare, 3= ok, 4: owns, 4= false',
  'shared and unshared at once: either is the last': '1: share, 2: unshare, 1= ok, 2= ok, 3: owns, 3= true',
  'a share of unknown outcome shows only after a read without it': '1: share, 1= ?, 2: owns, 2= false, 3: owns, 3= true',
  'a passkey that was made is in the list until it is revoked':
    '1: passkey, 1= #a, 2: passkeys, 2= #a, 3: passkey, 3= #b, 4: passkeys, 4= #b, 5: revoke, 5= ok, 6: passkeys, 6= none',
  'a passkey of unknown outcome is the one that is read, then and later':
    '1: passkey, 1= ?, 2: passkeys, 2= none, 3: passkeys, 3= #a, 4: passkeys, 4= #a',
  'a revocation of unknown outcome': '1: passkey, 1= #a, 2: revoke, 2= ?, 3: passkeys, 3= #a, 4: revoke, 4= not-found',
  'nothing to unshare': '1: unshare, 1= not-found, 2: share, 2= ok, 3: owns, 3= true',
};

/** Histories that have none. */
export const badHistories: Readonly<Record<string, string>> = {
  'a login without an account': '1: login p, 1= ok',
  'a name that nobody has is taken': '1: register p, 1= name-taken',
  'a name is given twice': '1: register p, 1= ok, 2: register q, 2= ok',
  'of two registrations at once both win': '1: register p, 2: register q, 1= ok, 2= ok',
  'an acknowledged registration is lost': '1: register p, 1= ok, 2: login p, 2= wrong-password',
  'an acknowledged change of password is lost': '1: register p, 1= ok, 2: passwd p q, 2= ok, 3: login q, 3= wrong-password',
  'a stale read: the old password still opens': '1: register p, 1= ok, 2: passwd p q, 2= ok, 3: login p, 3= ok',
  'a lost update: two changes from the same password, one after the other':
    '1: register p, 1= ok, 2: passwd p q, 2= ok, 3: passwd p r, 3= ok',
  'a lost update: two changes from the same password at once': '1: register p, 1= ok, 2: passwd p q, 3: passwd p r, 2= ok, 3= ok',
  'a change of unknown outcome takes effect twice':
    '1: register p, 1= ok, 2: reset q, 2= ?, 3: login q, 3= ok, 4: reset p, 4= ok, 5: login q, 5= ok',
  'a change of unknown outcome takes effect before it was asked': '1: register p, 1= ok, 2: login q, 2= ok, 3: reset q, 3= ?',
  'what is said to have changed nothing did': '1: register p, 1= -, 2: login p, 2= ok',
  'seen, then not seen': '1: register p, 2: login p, 2= ok, 3: login p, 3= wrong-password, 1= ok',
  'two readers see two changes in different orders':
    '1: register p, 1= ok, 2: reset q, 3: reset r, 4: login q, 4= ok, 5: login r, 5= ok, 6: login q, 6= ok, 2= ok, 3= ok',
  'a disabled account opens': '1: register p, 1= ok, 2: disable, 2= ok, 3: login p, 3= ok',
  'an account is disabled that nobody disabled': '1: register p, 1= ok, 2: login p, 2= disabled',
  'an account that is there is not found': '1: register p, 1= ok, 2: disable, 2= not-found',
  'an acknowledged share is lost': '1: share, 1= ok, 2: owns, 2= false',
  'an acknowledged unshare comes back': '1: share, 1= ok, 2: unshare, 2= ok, 3: owns, 3= true',
  'an owner that never shared': '1: owns, 1= true',
  'a share of unknown outcome that was seen, and is gone': '1: share, 1= ?, 2: owns, 2= true, 3: owns, 3= false',
  'an acknowledged passkey is lost': '1: passkey, 1= #a, 2: passkeys, 2= none',
  'a revoked passkey comes back': '1: passkey, 1= #a, 2: revoke, 2= ok, 3: passkeys, 3= #a',
  'a passkey that was replaced is the device’s again': '1: passkey, 1= #a, 2: passkey, 2= #b, 3: passkeys, 3= #a',
  'a passkey that nobody made': '1: passkeys, 1= #a',
  'one passkey of unknown outcome is two': '1: passkey, 1= ?, 2: passkeys, 2= #a, 3: passkeys, 3= #b',
  'a passkey that is there is not found': '1: passkey, 1= #a, 2: revoke, 2= not-found',
  'what was shared is not found': '1: share, 1= ok, 2: unshare, 2= not-found',
};

const account = 'an';

/** `passwd p q` and the like. */
export const requestOf = (text: string): HistoryRequest => {
  const [word, first = '', second = ''] = text.split(' ');
  switch (word) {
    case 'register':
    case 'login':
      return { do: word, account, password: first };
    case 'passwd':
      return { do: word, account, oldPassword: first, newPassword: second };
    case 'reset':
      return { do: word, account, newPassword: first };
    case 'disable':
    case 'enable':
      return { do: 'disable', account, disabled: word === 'disable' };
    case 'look':
      return { do: word, account };
    case 'share':
    case 'unshare':
    case 'owns':
      return { do: word, content: 'c', node: 'n' };
    case 'passkey':
    case 'revoke':
    case 'passkeys':
      return { do: word, account, device: 'd' };
    default:
      throw new Error(`There is no request ${text}`);
  }
};

/** `ok`, what was read, or the code of a refusal. */
export const answerOf = (text: string): HistoryAnswer => {
  if (text === '?') return { kind: 'unknown' };
  if (text === '-') return { kind: 'nothing', code: 'busy' };
  if (text === 'ok') return { kind: 'ok' };
  if (text.startsWith('#')) return { kind: 'ok', value: text };
  if (text === 'true' || text === 'false') return { kind: 'ok', value: text === 'true' };
  return text === 'none' || text === 'enabled' || text === 'disabled!' ? valueOf(text) : { kind: 'refused', code: text };
};

const valueOf = (text: 'none' | 'enabled' | 'disabled!'): HistoryAnswer => ({
  kind: 'ok',
  value: text === 'disabled!' ? 'disabled' : text,
});

export const eventsOf = (history: string): HistoryEvent[] =>
  history
    .split(', ')
    .filter((line) => line !== '')
    .map((line) => {
      const id = Number.parseInt(line, 10);
      const called = line.includes(': ');
      const text = line.slice(line.indexOf(' ') + 1);
      return called
        ? { event: 'called', id, client: `client ${id}`, request: requestOf(text) }
        : { event: 'answered', id, answer: answerOf(text) };
    });
