/** Who may register: anybody in the network, who has an invite, or nobody but the first administrator. */
export type RegistrationRule = 'open' | 'invite' | 'closed';

export type RegistrationDecision =
  | { readonly kind: 'plain' }
  /** Uses up the invite with this hash. */
  | { readonly kind: 'invited'; readonly inviteHash: string }
  /** Uses up the one-time code of `init`, which becomes an invite of the ledger first. */
  | { readonly kind: 'first-administrator'; readonly inviteHash: string }
  | { readonly kind: 'refused'; readonly code: 'registration-closed' | 'invite-needed'; readonly message: string };

/** What a registration with (the hash of) a code, or without one, may become. Whether the code is good, apply decides. */
export const decideRegistration = (rule: RegistrationRule, codeHash: string | null, adminCodeHash: string | null): RegistrationDecision => {
  if (codeHash !== null && codeHash === adminCodeHash) return { kind: 'first-administrator', inviteHash: codeHash };
  if (rule === 'closed') return { kind: 'refused', code: 'registration-closed', message: 'Registration is closed in this network' };
  if (codeHash !== null) return { kind: 'invited', inviteHash: codeHash };
  if (rule === 'invite')
    return { kind: 'refused', code: 'invite-needed', message: 'Registration needs an invite: ask an administrator for a code' };
  return { kind: 'plain' };
};
