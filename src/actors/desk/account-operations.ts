import { checkName, checkNewPassword, foldName } from '../../domain/accounts/names.ts';
import { decideRegistration } from '../../domain/accounts/registration.ts';
import { codeHash, followingRequestId, inviteCode, sessionToken, tokenHash } from '../../domain/accounts/secrets.ts';
import type { StoredReply } from '../../domain/ledger/types.ts';
import type { Durability, Operation, ReplyBody } from '../../protocol/control/messages.ts';
import type { Enquiry } from './enquiry.ts';
import { hashNew, verifyPassword } from './passwords.ts';
import type { Asker, DeskContext } from './types.ts';

type Of<K extends Operation['op']> = Extract<Operation, { op: K }>;

const DAY_MS = 86_400_000;
const ACCOUNTS_PER_PAGE_MAX = 200;
/** The administrator's code is used up by time never, by use once. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

export const register = (context: DeskContext, enquiry: Enquiry<Of<'register'>>): void => {
  const { operation } = enquiry;
  const { settings, secrets } = context;
  const name = checkName(operation.name);
  if (!name.ok) return enquiry.refuse(name.error.code, name.error.message);
  const password = checkNewPassword(operation.password);
  if (!password.ok) return enquiry.refuse(password.error.code, password.error.message);
  const given = operation.code === null ? null : codeHash(operation.code);
  const decision = decideRegistration(settings.registration, given, secrets.adminCodeHash);
  if (decision.kind === 'refused') return enquiry.refuse(decision.code, decision.message);

  const create = (inviteHash: string | null): void =>
    enquiry.read('account', { folded: name.value.folded }, (existing) => {
      if (existing !== null) return enquiry.refuse('name-taken', `The name ${name.value.name} is taken`);
      hashNew(context, enquiry, password.value, (passwordHash) =>
        enquiry.propose({ kind: 'account.create', ...name.value, passwordHash, admin: false, inviteHash }, (outcome) =>
          enquiry.settle(outcome),
        ),
      );
    });
  const checkCode = (inviteHash: string): void =>
    enquiry.read('invite', { codeHash: inviteHash, nowMs: context.clock.wallNow() }, (invite) => {
      if (invite === null) return enquiry.refuse('invite-invalid', 'The code is wrong, used or expired');
      create(inviteHash);
    });
  if (decision.kind === 'plain') return create(null);
  if (decision.kind === 'invited') return checkCode(decision.inviteHash);
  seedAdminCode(enquiry, decision.inviteHash, () => checkCode(decision.inviteHash));
};

/** Makes the one-time code of `init` an invite of the ledger, which knows when it is used. Made twice, it is one. */
const seedAdminCode = (enquiry: Enquiry, hash: string, then: () => void): void => {
  const requestId = followingRequestId(enquiry.request.requestId, 'admin code');
  enquiry.propose({ kind: 'invite.create', codeHash: hash, by: '', expiresMs: NEVER_MS, admin: true }, then, { requestId });
};

/** Also for a repeated request: the password is verified again, and the token is the one that the first reply had. */
export const login = (context: DeskContext, enquiry: Enquiry<Of<'login'>>, stored: StoredReply | null): void => {
  const { operation, request } = enquiry;
  const name = checkName(operation.name);
  const folded = name.ok ? name.value.folded : '';
  verifyPassword(context, enquiry, folded, operation.password, (account) => {
    const token = sessionToken(context.secrets.tokenKey, request.requestId, account.folded);
    const answer = (body: ReplyBody, seq: number, durability: Durability): void => {
      if (!body.ok) return enquiry.settle({ body, seq, durability });
      const value = body.value as { account?: unknown; admin?: unknown; expiresMs?: unknown };
      if (value.account !== account.name || typeof value.expiresMs !== 'number')
        return enquiry.refuse('bad-request', 'This request id was used for something else');
      enquiry.ok('login', { token, account: account.name, admin: value.admin === true, expiresMs: value.expiresMs }, { seq, durability });
    };
    if (stored !== null) return answer(stored.body, stored.seq, enquiry.durabilityNow);
    const expiresMs = Math.floor(context.clock.wallNow()) + context.settings.sessionDays * DAY_MS;
    const { folded: holder, passwordHash: verified } = account;
    enquiry.propose({ kind: 'session.issue', folded: holder, verified, tokenHash: tokenHash(token), expiresMs }, (outcome) =>
      answer(outcome.body, outcome.seq, outcome.durability),
    );
  });
};

export const logout = (enquiry: Enquiry, asker: Asker): void =>
  enquiry.propose({ kind: 'session.revoke', tokenHash: asker.tokenHash }, (outcome) => enquiry.settle(outcome));

export const whoami = (enquiry: Enquiry, asker: Asker): void =>
  enquiry.ok('whoami', { account: asker.account, admin: asker.admin, expiresMs: asker.expiresMs });

/** Ends all other sessions of the account. */
export const changePassword = (context: DeskContext, enquiry: Enquiry<Of<'passwd'>>, asker: Asker): void => {
  const password = checkNewPassword(enquiry.operation.newPassword);
  if (!password.ok) return enquiry.refuse(password.error.code, password.error.message);
  verifyPassword(context, enquiry, asker.folded, enquiry.operation.oldPassword, ({ passwordHash: verified }) =>
    hashNew(context, enquiry, password.value, (passwordHash) =>
      enquiry.propose({ kind: 'account.password', folded: asker.folded, passwordHash, keepSession: asker.tokenHash, verified }, (outcome) =>
        enquiry.settle(outcome),
      ),
    ),
  );
};

export const invite = (context: DeskContext, enquiry: Enquiry<Of<'invite'>>, asker: Asker, stored: StoredReply | null): void => {
  const code = inviteCode(context.secrets.tokenKey, enquiry.request.requestId, asker.folded);
  const answer = (body: ReplyBody, seq: number, durability: Durability): void => {
    const expiresMs = body.ok ? (body.value as { expiresMs?: unknown }).expiresMs : undefined;
    if (typeof expiresMs !== 'number') return enquiry.settle({ body, seq, durability });
    enquiry.ok('invite', { code, expiresMs }, { seq, durability });
  };
  if (stored !== null) return answer(stored.body, stored.seq, enquiry.durabilityNow);
  if (context.settings.registration === 'closed')
    return enquiry.refuse('registration-closed', 'Registration is closed: an invite would be of no use');
  const expiresMs = Math.floor(context.clock.wallNow()) + context.settings.inviteDays * DAY_MS;
  enquiry.propose(
    { kind: 'invite.create', codeHash: codeHash(code), by: asker.account, expiresMs, admin: enquiry.operation.admin },
    (outcome) => answer(outcome.body, outcome.seq, outcome.durability),
  );
};

export const listAccounts = (enquiry: Enquiry<Of<'accounts'>>): void => {
  const { after, limit } = enquiry.operation;
  const rows = Math.min(Math.max(1, limit), ACCOUNTS_PER_PAGE_MAX);
  enquiry.read('accounts', { after: foldName(after.slice(0, 256)), limit: rows }, (accounts) =>
    enquiry.ok('accounts', { accounts: accounts.map(({ name, admin, disabled, createdMs }) => ({ name, admin, disabled, createdMs })) }),
  );
};

/** Ends all sessions of the account and removes its nodes. An administrator cannot lock itself out. */
export const disableAccount = (context: DeskContext, enquiry: Enquiry<Of<'account.disable'>>, asker: Asker): void => {
  const { name, disabled } = enquiry.operation;
  const folded = foldName(name.slice(0, 256));
  if (folded === asker.folded) return enquiry.refuse('forbidden', 'An administrator cannot disable their own account');
  enquiry.read('account', { folded }, (account) => {
    if (account === null) return enquiry.refuse('not-found', 'There is no such account');
    enquiry.propose({ kind: 'account.disable', folded, disabled }, (outcome) => {
      if (outcome.body.ok && disabled) context.swarm.registry.removeAccount(account.name);
      enquiry.settle(outcome);
    });
  });
};

export const resetPassword = (context: DeskContext, enquiry: Enquiry<Of<'account.reset'>>): void => {
  const { name, newPassword } = enquiry.operation;
  const password = checkNewPassword(newPassword);
  if (!password.ok) return enquiry.refuse(password.error.code, password.error.message);
  const folded = foldName(name.slice(0, 256));
  enquiry.read('account', { folded }, (account) => {
    if (account === null) return enquiry.refuse('not-found', 'There is no such account');
    hashNew(context, enquiry, password.value, (passwordHash) =>
      enquiry.propose({ kind: 'account.password', folded, passwordHash, keepSession: null, verified: null }, (outcome) =>
        enquiry.settle(outcome),
      ),
    );
  });
};
