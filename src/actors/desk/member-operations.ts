/** What members do for their ordinary BitTorrent clients, and what they have transferred. */
import { foldName } from '../../domain/accounts/names.ts';
import { checkDevice, isLapsed, namedPasskey, passkeyFor, passkeyHash } from '../../domain/accounts/passkeys.ts';
import type { StoredReply } from '../../domain/ledger/types.ts';
import type { Durability, Operation, ReplyBody } from '../../protocol/control/messages.ts';
import type { Enquiry } from './enquiry.ts';
import type { Asker, DeskContext } from './types.ts';

type Of<K extends Operation['op']> = Extract<Operation, { op: K }>;

/** Also for a repeated request: the passkey is the one that the first reply had. */
export const newPasskey = (context: DeskContext, enquiry: Enquiry<Of<'passkey.new'>>, asker: Asker, stored: StoredReply | null): void => {
  const named = checkDevice(enquiry.operation.device);
  if (!named.ok) return enquiry.refuse(named.error.code, named.error.message);
  const { device, deviceFolded } = named.value;
  const { folded } = asker;
  const passkey = passkeyFor(context.secrets.tokenKey, enquiry.request.requestId, folded, deviceFolded);
  const answer = (body: ReplyBody, seq: number, durability: Durability): void => {
    if (!body.ok) return enquiry.settle({ body, seq, durability });
    const { id, device: made, replacedUntilMs } = body.value as { id?: unknown; device?: unknown; replacedUntilMs?: unknown };
    if (typeof id !== 'string' || made !== device || !passkeyHash(passkey).startsWith(id))
      return enquiry.refuse('bad-request', 'This request id was used for something else');
    const until = typeof replacedUntilMs === 'number' ? replacedUntilMs : null;
    enquiry.ok('passkey.new', { passkey, id, device, replacedUntilMs: until }, { seq, durability });
  };
  if (stored !== null) return answer(stored.body, stored.seq, enquiry.durabilityNow);
  enquiry.propose({ kind: 'passkey.issue', folded, device, deviceFolded, passkeyHash: passkeyHash(passkey) }, (outcome) =>
    answer(outcome.body, outcome.seq, outcome.durability),
  );
};

/** Those whose grace period is over are not told of, though the ledger drops them only with the next new one. */
export const listPasskeys = (context: DeskContext, enquiry: Enquiry, asker: Asker): void =>
  enquiry.read('passkeys', { folded: asker.folded }, (passkeys) => {
    const now = context.clock.wallNow();
    enquiry.ok('passkeys', { passkeys: passkeys.filter(({ expiresMs }) => !isLapsed(expiresMs, now)) });
  });

export const revokePasskey = (enquiry: Enquiry<Of<'passkey.revoke'>>, asker: Asker): void => {
  const named = namedPasskey(enquiry.operation.passkey);
  enquiry.propose({ kind: 'passkey.revoke', folded: asker.folded, ...named }, (outcome) => enquiry.settle(outcome));
};

/** What was transferred in the last minute may not be counted yet. */
export const statistics = (enquiry: Enquiry<Of<'statistics'>>, asker: Asker): void => {
  const { account, offset, limit } = enquiry.operation;
  const folded = account === null ? asker.folded : foldName(account.slice(0, 256));
  if (folded !== asker.folded && !asker.admin) return enquiry.refuse('forbidden', 'Only an administrator may see the statistics of others');
  enquiry.read('account', { folded }, (row) => {
    if (row === null) return enquiry.refuse('not-found', 'There is no such account');
    enquiry.read('tallies', { folded, offset, limit }, ({ rows, contents, ...sums }) =>
      enquiry.ok('statistics', { account: row.name, ...sums, total: contents, contents: rows }),
    );
  });
};
