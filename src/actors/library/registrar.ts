/** Tells the catalog what this node owns, and what it owns no more, one content at a time, until the network has said so. */
import type { Network, RequestFailure } from '../../data/network.ts';
import type { Clock, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { ContentSummary, Durability, RequestFrame } from '../../protocol/control/messages.ts';
import { type Done, type Failure, fail, ok, type Result } from '../../protocol/result.ts';
import { type Removal, REMOVALS_MAX } from './removals.ts';

export interface Registration {
  readonly content: ContentSummary;
  /** Reads the torrent file when the catalog wants it. */
  torrent(done: Done<Uint8Array>): void;
  /** The catalog does not have it yet, as far as known: the torrent goes with the first request. */
  readonly fresh: boolean;
  /** The catalog names this node, under that account. */
  registered(account: string | null): void;
}

/** Whoever waits for the first attempt hears how the catalog keeps it. */
export interface Waiting {
  /** `replicated`: this attempt and all that follow demand to be kept on both trackers. */
  readonly require: RequestFrame['require'];
  readonly done: Done<Durability>;
}

interface Telling {
  readonly waiting: Done<Durability>[];
  require: RequestFrame['require'];
}

interface Own extends Telling {
  readonly kind: 'own';
  readonly registration: Registration;
}

interface Disown extends Telling {
  readonly kind: 'disown';
  readonly removal: Removal;
}

type Pending = Own | Disown;

const RETRY_MS = 5_000;
const RETRY_MS_MAX = 60_000;
/** What will not get better by asking again. */
const FINAL: ReadonlySet<string> = new Set(['torrent-invalid', 'too-large', 'bad-request', 'forbidden']);
/** Whether the catalog will never take it, however often it is asked. */
export const isFinal = (code: string): boolean => FINAL.has(code);

const none = new Uint8Array(0);
const idOf = (pending: Pending): string => (pending.kind === 'own' ? pending.registration.content.id : pending.removal.content);

export class Registrar {
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #keep: (removals: readonly Removal[], done: () => void) => void;
  /** By the content's id: what is to be said of it last counts. */
  readonly #pending = new Map<string, Pending>();
  /** Those whose first attempt somebody waits for. */
  readonly #awaited = new Set<Pending>();
  #removals = 0;
  #busy = false;
  #failures = 0;
  #timer: TimerId | null = null;
  #stopped = false;

  /** `keep` stores the removals that the network has not heard of, so that they survive a restart. */
  constructor(network: Network, clock: Clock, keep: (removals: readonly Removal[], done: () => void) => void) {
    this.#network = network;
    this.#clock = clock;
    this.#keep = keep;
  }

  /** Takes up the removals of before; called before anything else. */
  start(removals: readonly Removal[]): void {
    for (const removal of removals) this.#put({ kind: 'disown', removal, waiting: [], require: 'any' });
    this.#next();
  }

  /** Whether the catalog is to be told something of the content. */
  has(id: string): boolean {
    return this.#pending.has(id);
  }

  /** `first` hears of the first attempt; it is tried on until it succeeds or cannot. Cancels a removal that waits. */
  add(registration: Registration, first: Waiting | null = null): void {
    const { id } = registration.content;
    const before = this.#pending.get(id);
    const pending: Own = before?.kind === 'own' ? before : { kind: 'own', registration, waiting: [], require: 'any' };
    if (first !== null) this.#await(pending, first);
    this.#put(pending);
    if (before?.kind === 'disown') {
      this.#answer(before, fail('shared-again', 'It is shared again.'));
      this.#save();
    }
    this.#next();
  }

  /**
   * This node owns it no more: told until the network has said so. Answers, soon, when that survives a restart; `first`
   * hears of the first attempt.
   */
  remove(removal: Removal, done: () => void = () => {}, first: Waiting | null = null): void {
    const before = this.#pending.get(removal.content);
    const pending: Disown = before?.kind === 'disown' ? before : { kind: 'disown', removal, waiting: [], require: 'any' };
    if (first !== null) this.#await(pending, first);
    if (before?.kind !== 'disown') {
      this.#put(pending);
      this.#dropOldest();
    }
    this.#save(done);
    if (!this.#mayTell(pending)) this.#answer(pending, fail('forbidden', 'Another account shared it, and is to sign in first.'));
    if (before?.kind === 'own') this.#answer(before, fail('removed', 'It is not shared any more.'));
    this.#clearTimer();
    this.#next();
  }

  stop(): void {
    this.#stopped = true;
    this.#clearTimer();
  }

  #await(pending: Pending, { require, done }: Waiting): void {
    pending.waiting.push(done);
    if (require === 'replicated') pending.require = require;
    this.#awaited.add(pending);
  }

  #put(pending: Pending): void {
    this.#delete(idOf(pending));
    this.#pending.set(idOf(pending), pending);
    if (pending.kind === 'disown') this.#removals++;
  }

  #delete(id: string): void {
    if (this.#pending.get(id)?.kind === 'disown') this.#removals--;
    this.#pending.delete(id);
  }

  #dropOldest(): void {
    if (this.#removals <= REMOVALS_MAX) return;
    const oldest = [...this.#pending.values()].find((pending) => pending.kind === 'disown');
    if (oldest === undefined) return;
    this.#delete(idOf(oldest));
    this.#answer(oldest, fail('busy', 'The catalog has too much to forget already.'));
  }

  #waitingRemovals(): readonly Removal[] {
    return [...this.#pending.values()].flatMap((pending) => (pending.kind === 'disown' ? [pending.removal] : []));
  }

  #save(done: () => void = () => {}): void {
    this.#keep(this.#waitingRemovals(), done);
  }

  /** A removal of another account waits until that one is signed in. */
  #mayTell(pending: Pending): boolean {
    const { account } = this.#network.state;
    const owner = pending.kind === 'disown' ? pending.removal.account : null;
    return owner === null || account === null || owner === account;
  }

  /** What somebody waits for goes first. */
  #first(): Pending | undefined {
    for (const pending of [...this.#awaited, ...this.#pending.values()]) if (this.#mayTell(pending)) return pending;
    return undefined;
  }

  #next(): void {
    if (this.#busy || this.#stopped || this.#pending.size === 0) return;
    const first = this.#first();
    if (first === undefined) return this.#later(RETRY_MS_MAX);
    if (this.#timer !== null && this.#awaited.size === 0) return;
    this.#clearTimer();
    this.#busy = true;
    if (first.kind === 'disown') this.#disown(first);
    else if (first.registration.fresh) this.#withTorrent(first);
    else this.#own(first, none);
  }

  #withTorrent(pending: Own): void {
    pending.registration.torrent((torrent) => {
      if (torrent.ok) this.#own(pending, torrent.value);
      else this.#over(pending, fail('internal', torrent.error.message));
    });
  }

  #own(pending: Own, tail: Uint8Array): void {
    const { content } = pending.registration;
    const { account } = this.#network.state;
    this.#network.request(
      { op: 'own', content, node: this.#network.node },
      tail,
      (reply) => {
        if (!reply.ok && reply.error.code === 'torrent-wanted' && tail.length === 0) this.#withTorrent(pending);
        else this.#over(pending, reply.ok ? ok(reply.value.durability) : reply, account);
      },
      pending.require,
    );
  }

  #disown(pending: Disown): void {
    const { content } = pending.removal;
    this.#network.request(
      { op: 'disown', content, node: this.#network.node },
      none,
      (reply) => {
        if (reply.ok) this.#over(pending, ok(reply.value.durability));
        else this.#over(pending, reply.error.code === 'not-found' ? ok('none') : reply);
      },
      pending.require,
    );
  }

  /** `account`: who was signed in when the catalog was told, whoever is now. */
  #over(pending: Pending, result: Result<Durability, RequestFailure | Failure>, account: string | null = null): void {
    this.#busy = false;
    const id = idOf(pending);
    const wanted = this.#pending.get(id) === pending;
    if (result.ok || isFinal(result.error.code)) {
      this.#failures = 0;
      if (wanted) this.#settled(pending, result.ok, account);
    } else if (wanted) {
      // To the end of the line: one that fails does not hold up the others.
      this.#put(pending);
      this.#failures++;
      this.#later(Math.min(RETRY_MS * 2 ** Math.min(8, this.#failures - 1), RETRY_MS_MAX));
    }
    this.#answer(pending, result);
    this.#next();
  }

  #settled(pending: Pending, done: boolean, account: string | null): void {
    this.#delete(idOf(pending));
    if (pending.kind === 'disown') this.#save();
    else if (done) pending.registration.registered(account);
  }

  #later(wait: number): void {
    if (this.#stopped || this.#timer !== null) return;
    this.#timer = this.#clock.setTimer(millis(wait), () => {
      this.#timer = null;
      this.#next();
    });
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #answer(pending: Pending, result: Result<Durability>): void {
    this.#awaited.delete(pending);
    for (const done of pending.waiting.splice(0)) done(result);
  }
}
