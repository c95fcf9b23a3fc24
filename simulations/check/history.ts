/**
 * What clients asked and heard, as facts in their order: what linearizability is judged from. Nothing here knows of the
 * simulator: tests of real processes write the same events, one JSON value a line, and judge them by `judgeHistory`.
 */

/** What was asked. Names stand for themselves; nothing is looked up. */
export type HistoryRequest =
  | { readonly do: 'register'; readonly account: string; readonly password: string }
  | { readonly do: 'login'; readonly account: string; readonly password: string }
  /** By the one who is signed in. */
  | { readonly do: 'passwd'; readonly account: string; readonly oldPassword: string; readonly newPassword: string }
  /** By an administrator. */
  | { readonly do: 'reset'; readonly account: string; readonly newPassword: string }
  | { readonly do: 'disable'; readonly account: string; readonly disabled: boolean }
  /** A read of one account by the list of accounts: whether it is there, and disabled. */
  | { readonly do: 'look'; readonly account: string }
  /** `node` becomes an owner of `content`. */
  | { readonly do: 'share'; readonly content: string; readonly node: string }
  | { readonly do: 'unshare'; readonly content: string; readonly node: string }
  /** A read: whether the catalog names `node` as an owner of `content`. */
  | { readonly do: 'owns'; readonly content: string; readonly node: string };

export type HistoryAnswer =
  /** Done, or read. `value`: of `owns` whether it does; of `look` what is known of the account. */
  | { readonly kind: 'ok'; readonly value?: boolean | 'none' | 'enabled' | 'disabled' }
  /** An answer that says something of the state: `name-taken`, `wrong-password`, `disabled`, `not-found`. */
  | { readonly kind: 'refused'; readonly code: string }
  /** Nothing was changed, and nothing is said of the state: `busy`, `unavailable`, …. */
  | { readonly kind: 'nothing'; readonly code: string }
  /** It may have happened, or happen later, or never: `indeterminate`, or no answer. */
  | { readonly kind: 'unknown' };

/** In the order in which they happened: of two events the earlier one comes first in the list. */
export type HistoryEvent =
  | { readonly event: 'called'; readonly id: number; readonly client: string; readonly request: HistoryRequest }
  | { readonly event: 'answered'; readonly id: number; readonly answer: HistoryAnswer };
