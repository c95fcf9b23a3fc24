import { afterOverride } from './override-words.ts';
import { normalPassword } from '../../domain/accounts/names.ts';
import { dummyHash, formatPhc, parsePhc, SALT_BYTES, sameCost, sameTag } from '../../domain/accounts/phc.ts';
import { followingRequestId } from '../../domain/accounts/secrets.ts';
import { encodeChange } from '../../domain/ledger/change.ts';
import type { AccountRow } from '../../domain/ledger/types.ts';
import type { Enquiry } from './enquiry.ts';
import type { DeskContext } from './types.ts';

const CRYPTO_RETRY_MS = 1_000;

const refuseBusy = (enquiry: Enquiry, code: 'busy' | 'failed'): void => {
  if (code === 'busy')
    enquiry.refuse('busy', 'Too many passwords are being checked: try again in a moment', { retryAfterMs: CRYPTO_RETRY_MS });
  else enquiry.refuse('internal', 'The password could not be hashed');
};

/** Hashes a new password with a fresh salt, as a PHC string. */
export const hashNew = (context: DeskContext, enquiry: Enquiry, password: string, then: (phc: string) => void): void => {
  const salt = context.crypto.secretBytes(SALT_BYTES);
  const cost = context.settings.passwordCost;
  context.crypto.hashPassword(password, salt, cost, (hashed) => {
    if (!enquiry.open) return;
    if (hashed.ok) then(formatPhc({ cost, salt, tag: hashed.value }));
    else refuseBusy(enquiry, hashed.error.code);
  });
};

/**
 * Verifies a password and goes on with the account. An unknown name costs the same one hash and gets the same answer as a
 * wrong password; too many wrong ones for an account from one host make the next ones wait. `folded` is empty for what
 * cannot be a name.
 */
export const verifyPassword = (
  context: DeskContext,
  enquiry: Enquiry,
  folded: string,
  raw: string,
  then: (account: AccountRow) => void,
): void => {
  const { throttle, clock, crypto, settings } = context;
  const waitMs = throttle.waitMs(folded, enquiry.host, clock.now());
  if (waitMs > 0) {
    enquiry.refuse('busy', `Too many wrong passwords: try again in ${Math.ceil(waitMs / 1_000)} s`, { retryAfterMs: waitMs });
    return;
  }
  const wrong = (): void =>
    enquiry.refuse(
      'wrong-password',
      `The name or the password is wrong${afterOverride(context, 'an account made shortly before is gone, and can be registered again')}`,
    );
  const password = normalPassword(raw);
  if (password === null) return wrong();
  // Counted before the answer is known: guesses at the same time are guesses too.
  throttle.failed(folded, enquiry.host, clock.now());
  enquiry.read('account', { folded }, (account) => {
    const known = account === null ? null : parsePhc(account.passwordHash);
    const { salt, cost, tag } = known ?? dummyHash(settings.passwordCost);
    crypto.hashPassword(password, salt, cost, (hashed) => {
      if (!hashed.ok) {
        throttle.forgive(folded, enquiry.host, clock.now());
        return refuseBusy(enquiry, hashed.error.code);
      }
      if (account === null || !sameTag(hashed.value, tag)) return wrong();
      throttle.succeeded(folded, enquiry.host);
      if (account.disabled) return enquiry.refuse('disabled', 'The account is disabled');
      if (!enquiry.open) return;
      then(account);
      if (!sameCost(cost, settings.passwordCost)) rehash(context, enquiry, account, password);
    });
  });
};

/** After a change of the cost: the password that was just verified is hashed anew, behind the answer's back. */
const rehash = (context: DeskContext, enquiry: Enquiry, account: AccountRow, password: string): void => {
  const { clock, crypto, log, replica, settings } = context;
  const salt = crypto.secretBytes(SALT_BYTES);
  const cost = settings.passwordCost;
  crypto.hashPassword(password, salt, cost, (hashed) => {
    if (!hashed.ok) return;
    const payload = encodeChange({
      kind: 'account.rehash',
      folded: account.folded,
      passwordHash: formatPhc({ cost, salt, tag: hashed.value }),
      replaces: account.passwordHash,
    });
    const requestId = followingRequestId(enquiry.request.requestId, 'rehash');
    replica.propose({ requestId, payload, wallMs: Math.floor(clock.wallNow()), require: 'any' }, (result) => {
      if (!result.ok) log.debug({ code: result.error.code }, 'a password stays under its old cost');
    });
  });
};
