/**
 * What clients asked and heard, as facts in their order: what linearizability is judged from. Nothing here knows of the
 * simulator: tests of real processes write the same events, one JSON value a line, and judge them by `judgeHistory`.
 */
import { type Model, ObjectHistory, SEARCH_LIMITS, type SearchLimits, type Verdict } from './linearizability.ts';
import { accountModel, ownerModel, passkeyModel } from './objects.ts';

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
  | { readonly do: 'owns'; readonly content: string; readonly node: string }
  /** A new passkey for a device, by the account that is signed in. */
  | { readonly do: 'passkey'; readonly account: string; readonly device: string }
  | { readonly do: 'revoke'; readonly account: string; readonly device: string }
  /** A read of one device in the list of passkeys. */
  | { readonly do: 'passkeys'; readonly account: string; readonly device: string };

export type HistoryAnswer =
  /**
   * Done, or read. `value`: of `owns` whether it does; of `look` what is known of the account (none, enabled, disabled); of
   * `passkey` and `passkeys` the id of the device's passkey, or none.
   */
  | { readonly kind: 'ok'; readonly value?: boolean | string }
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

/** The object that a request is about: histories of different objects are judged one by one. */
export const objectOf = (request: HistoryRequest): string => {
  if ('content' in request) return `own:${request.content}/${request.node}`;
  const account = request.account.normalize('NFKC').toLowerCase();
  return 'device' in request ? `passkey:${account}/${request.device}` : `account:${account}`;
};

const modelFor = (request: HistoryRequest): Model<never, HistoryRequest, HistoryAnswer> => {
  const model = 'content' in request ? ownerModel : 'device' in request ? passkeyModel : accountModel;
  return model as Model<never, HistoryRequest, HistoryAnswer>;
};

export interface HistoryFault {
  readonly object: string;
  readonly because: string;
}

/** Objects that a judge keeps apart. */
const OBJECTS_MAX = 100_000;

/** Judges histories as they grow. */
export class HistoryJudge {
  readonly #objects = new Map<string, ObjectHistory<unknown, HistoryRequest, HistoryAnswer>>();
  /** Operations under way, by id. */
  readonly #under = new Map<number, string>();
  /** Objects of which nothing can be said, for too much may have happened to them. */
  readonly undecided = new Set<string>();
  readonly #limits: SearchLimits;

  constructor(limits: SearchLimits = SEARCH_LIMITS) {
    this.#limits = limits;
  }

  /** Operations that were asked and are not answered. */
  get underWay(): number {
    return this.#under.size;
  }

  /** The fault that comes out with this event, or null. @throws where an id is called twice at once, or was never called */
  hear(event: HistoryEvent): HistoryFault | null {
    if (event.event === 'called') {
      const object = objectOf(event.request);
      this.#under.set(event.id, object);
      this.#history(object, event.request).called(event.id, event.client, event.request);
      return null;
    }
    const object = this.#under.get(event.id);
    const history = object === undefined ? undefined : this.#objects.get(object);
    if (object === undefined || history === undefined) throw new Error(`Operation ${event.id} was answered, but never called`);
    this.#under.delete(event.id);
    const { answer } = event;
    if (answer.kind === 'unknown') return this.#judged(object, history.unknown(event.id));
    if (answer.kind === 'nothing') return this.#judged(object, history.nothing(event.id));
    return this.#judged(object, history.answered(event.id, answer));
  }

  /** Nothing more is heard: whatever is under way has an unknown outcome. All faults that come out now. */
  end(): readonly HistoryFault[] {
    this.#under.clear();
    return [...this.#objects].flatMap(([object, history]) => {
      const before = history.verdict.kind;
      const fault = this.#judged(object, history.end());
      return fault === null || before !== 'linearizable' ? [] : [fault];
    });
  }

  #history(object: string, request: HistoryRequest): ObjectHistory<unknown, HistoryRequest, HistoryAnswer> {
    let history = this.#objects.get(object);
    if (history !== undefined) return history;
    if (this.#objects.size >= OBJECTS_MAX) throw new Error(`More than ${OBJECTS_MAX} objects`);
    history = new ObjectHistory(modelFor(request) as unknown as Model<unknown, HistoryRequest, HistoryAnswer>, this.#limits);
    this.#objects.set(object, history);
    return history;
  }

  #judged(object: string, verdict: Verdict): HistoryFault | null {
    if (verdict.kind === 'undecided') this.undecided.add(object);
    return verdict.kind === 'violated' ? { object, because: verdict.because } : null;
  }
}

/** Judges a whole history, in the order of its events. The first fault of each object. */
export const judgeHistory = (
  events: Iterable<HistoryEvent>,
  limits: SearchLimits = SEARCH_LIMITS,
): { readonly faults: readonly HistoryFault[]; readonly undecided: readonly string[] } => {
  const judge = new HistoryJudge(limits);
  const faults = new Map<string, HistoryFault>();
  const note = (fault: HistoryFault | null): void => {
    if (fault !== null && !faults.has(fault.object)) faults.set(fault.object, fault);
  };
  for (const event of events) note(judge.hear(event));
  for (const fault of judge.end()) note(fault);
  return { faults: [...faults.values()], undecided: [...judge.undecided] };
};

/** Of each request the refusals that say something of the state: nothing else is asked of the object by a refusal. */
const SAYS_STATE: Readonly<Record<HistoryRequest['do'], readonly string[]>> = {
  register: ['name-taken'],
  login: ['wrong-password', 'disabled'],
  passwd: ['wrong-password'],
  reset: ['not-found'],
  disable: ['not-found'],
  look: [],
  share: [],
  unshare: ['not-found'],
  owns: [],
  passkey: [],
  revoke: ['not-found'],
  passkeys: [],
};
/** Whether it was done is not known: of every other refusal the network says that nothing was changed. */
const NOT_KNOWN: ReadonlySet<string> = new Set(['indeterminate', 'degraded', 'internal', 'timeout']);

/** What an error code says of what was asked, at any of our interfaces. */
export const answerOfCode = (request: HistoryRequest, code: string): HistoryAnswer => {
  if (SAYS_STATE[request.do].includes(code)) return { kind: 'refused', code };
  return NOT_KNOWN.has(code) ? { kind: 'unknown' } : { kind: 'nothing', code };
};
