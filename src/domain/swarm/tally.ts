/** What clients transfer, gathered from their announces until the ledger counts it. */
import { type Micros, seconds } from '../../ports/clock.ts';
import { sha256, toHex } from '../../protocol/digest.ts';
import { foldName } from '../accounts/names.ts';
import type { TallyRow, TallySession } from '../ledger/types.ts';

/** What an announce says that is to be counted. */
export interface TallyFacts {
  /** The account's name. */
  readonly account: string;
  /** The content's id in the catalog, whichever of its info-hashes was announced. */
  readonly content: string;
  /** The client session, by `tallySource`. */
  readonly source: string;
  /** The way by which it came (info-hash, address): a client that has several announces the same counters by each. */
  readonly path: string;
  /**
   * Rises with every announce of the session, where its announces are numbered: those of a node, which goes on counting
   * where another account signs in.
   */
  readonly sequence: number | null;
  readonly event: 'started' | 'completed' | 'stopped' | 'paused' | 'none';
  /** Somebody says again what the client said before, maybe to another primary. */
  readonly replay: boolean;
  /** Null: not said. */
  readonly leftBytes: number | null;
  /** Since the client began to count. */
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
}

/** Names a client session within its account: 24 hex digits of what tells it apart (peer id and key; node and incarnation). */
export const tallySource = (...parts: readonly string[]): string => toHex(sha256(JSON.stringify(parts))).slice(0, 24);

/** Sessions in memory. One that is dropped for want of room is compared with the ledger when it is heard again. */
const SESSIONS_MAX = 200_000;
/** Ways of one session that are told apart. */
const PATHS_MAX = 16;
/** A packet comes no later than this. */
const LATE: Micros = seconds(120);
/** A session that only says that it is there is written again after so long, lest the ledger forgets it. */
const TOUCH: Micros = seconds(7 * 86_400);
/** As in the ledger's limits: a counter that says more is lying. */
const BYTES_MAX = 2 ** 52;
/** Accounts whose folded names are remembered. */
const NAMES_MAX = 10_000;
/** Rows of sessions that have gone over to another account since. */
const CLOSED_MAX = 10_000;
/** Sessions looked at for one that may go. */
const LOOKED_AT_MAX = 64;

interface Counters {
  readonly up: number;
  readonly down: number;
}

const ZERO: Counters = { up: 0, down: 0 };

interface Session {
  /** Whose transfers it is counted as; of a shared one whoever is signed in. */
  account: string;
  readonly shared: boolean;
  readonly content: string;
  readonly source: string;
  /** The highest counters of the run that is under way; those that the ledger knew may be of a run before. */
  now: Counters;
  /** Of these, what the client itself has said here; null: nothing yet. */
  said: Counters | null;
  /** Where the ledger has them, or will when the row under way is applied. */
  written: Counters;
  /** The run that the ledger may know, where another has begun since; and what came between the two, in whole runs. */
  first: Counters | null;
  between: Counters;
  completed: boolean;
  completedWritten: boolean;
  writtenAt: Micros;
  /** Of the last announce heard; null: none that was numbered. */
  sequence: number | null;
  /** When each way was first heard in this run. */
  paths: Map<string, Micros>;
  /** When it was last heard to say that it has started; whether its counters had gone back then or not. */
  startedAt: Micros | null;
  restartedAt: Micros | null;
}

const plus = (a: Counters, b: Counters): Counters => ({ up: a.up + b.up, down: a.down + b.down });
const higher = (a: Counters, b: Counters): Counters => ({ up: Math.max(a.up, b.up), down: Math.max(a.down, b.down) });
const isLower = (a: Counters, b: Counters): boolean => a.up < b.up || a.down < b.down;
const isHigher = (a: Counters, b: Counters): boolean => a.up > b.up || a.down > b.down;
const counted = (bytes: number): number => (Number.isFinite(bytes) ? Math.min(BYTES_MAX, Math.max(0, Math.floor(bytes))) : 0);

const keyOf = (account: string, content: string, source: string): string => `${source} ${content} ${account}`;

/**
 * Client sessions and their counters. A session counts once, by however many info-hashes and addresses it is announced:
 * what it has transferred is where its counters are. A counter that goes back is a new run of the client where the client
 * says that it has started (or numbers its announces), and an old packet otherwise.
 *
 * What is taken from here says where counters are, not by how much they grew: the ledger knows how far it has counted, so
 * that a primary that was told nothing of what another one counted counts nothing twice.
 */
export class Tally {
  readonly #sessions = new Map<string, Session>();
  /** To be written before those of the same sessions. */
  readonly #closed: Omit<TallyRow, 'lastMs'>[] = [];
  readonly #names = new Map<string, string>();
  /** Keys of sessions that the ledger does not know as they are. */
  readonly #pending = new Set<string>();

  /** Sessions that have something to be written. */
  get pending(): number {
    return this.#pending.size + this.#closed.length;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** What the ledger knows of sessions; not needed to count right, but what it knows is not written again then. */
  load(sessions: readonly TallySession[], now: Micros, wallMs: number): void {
    for (const { folded, content, source, uploadedBytes, downloadedBytes, completed, lastMs } of sessions) {
      const session = this.#session(keyOf(folded, content, source), { account: folded, shared: folded === '', content, source }, now);
      if (session === null) return;
      const written = { up: uploadedBytes, down: downloadedBytes };
      session.written = written;
      session.completedWritten = completed;
      session.completed ||= completed;
      session.now = higher(session.now, written);
      session.writtenAt = now - Math.max(0, wallMs - lastMs) * 1_000;
      this.#note(keyOf(folded, content, source), session, now);
    }
  }

  /** Takes in an announce. */
  add(facts: TallyFacts, now: Micros): void {
    const said = { up: counted(facts.uploadedBytes), down: counted(facts.downloadedBytes) };
    const completed = facts.event === 'completed' || (facts.leftBytes === 0 && said.down > 0);
    const folded = this.#folded(facts.account);
    const { content, source } = facts;
    const shared = facts.sequence !== null;
    const key = keyOf(shared ? '' : folded, content, source);
    if (!this.#sessions.has(key) && said.up === 0 && said.down === 0 && !completed) return;
    const session = this.#session(key, { account: folded, shared, content, source }, now);
    if (session === null || isLate(session, facts, now)) return;
    if (session.account !== folded) this.#handOver(key, session, folded, now);
    if (session.said !== null && isLower(said, session.said) && isRestart(session, facts, now)) restart(session, said, now);
    else session.now = higher(session.now, said);
    session.said = higher(session.said ?? said, said);
    session.completed ||= completed;
    if (facts.sequence !== null) session.sequence = facts.sequence;
    if (facts.event === 'started' && !facts.replay) session.startedAt = now;
    if (session.paths.size < PATHS_MAX && !session.paths.has(facts.path)) session.paths.set(facts.path, now);
    this.#note(key, session, now);
  }

  /** The rows of the next change, at most so many. They count as written: whoever takes them sees to that, or clears. */
  take(rowsMax: number, now: Micros, wallMs: number): TallyRow[] {
    const lastMs = Math.floor(wallMs);
    const rows: TallyRow[] = this.#closed.splice(0, rowsMax).map((row) => ({ ...row, lastMs }));
    for (const key of this.#pending) {
      if (rows.length >= rowsMax) break;
      this.#pending.delete(key);
      const session = this.#sessions.get(key);
      // One that the ledger knows, and nobody has been heard of since, is nobody's yet.
      if (session === undefined || session.account === '') continue;
      rows.push({ ...rowOf(session), lastMs });
      written(session, now);
      // The one written last goes last.
      this.#sessions.delete(key);
      this.#sessions.set(key, session);
    }
    return rows;
  }

  /** Forgets everything: somebody else leads, and hears it all again. */
  clear(): void {
    this.#sessions.clear();
    this.#pending.clear();
    this.#closed.length = 0;
  }

  /** What a node has transferred under one account stays that one's. */
  #handOver(key: string, session: Session, account: string, now: Micros): void {
    if (this.#pending.delete(key) && session.account !== '' && this.#closed.length < CLOSED_MAX) {
      this.#closed.push(rowOf(session));
      written(session, now);
    }
    session.account = account;
  }

  #note(key: string, session: Session, at: Micros): void {
    const { now, written, first, completed, completedWritten, writtenAt } = session;
    const isNew = first !== null || isHigher(now, written) || (completed && !completedWritten) || at - writtenAt > TOUCH;
    if (isNew) this.#pending.add(key);
    else this.#pending.delete(key);
  }

  /** Folding costs more than everything else that an announce needs here. */
  #folded(account: string): string {
    const known = this.#names.get(account);
    if (known !== undefined) return known;
    if (this.#names.size >= NAMES_MAX) this.#names.clear();
    const folded = foldName(account);
    this.#names.set(account, folded);
    return folded;
  }

  /** The session, made where there is none; null where there is no room. */
  #session(key: string, what: Pick<Session, 'account' | 'shared' | 'content' | 'source'>, now: Micros): Session | null {
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    if (this.#sessions.size >= SESSIONS_MAX && !this.#dropOne()) return null;
    const session: Session = {
      ...what,
      now: ZERO,
      said: null,
      written: ZERO,
      first: null,
      between: ZERO,
      completed: false,
      completedWritten: false,
      writtenAt: now,
      sequence: null,
      paths: new Map(),
      startedAt: null,
      restartedAt: null,
    };
    this.#sessions.set(key, session);
    return session;
  }

  #dropOne(): boolean {
    let left = LOOKED_AT_MAX;
    for (const key of this.#sessions.keys()) {
      if (left-- === 0) return false;
      if (this.#pending.has(key)) continue;
      this.#sessions.delete(key);
      return true;
    }
    return false;
  }
}

/** Whether it may be of the run before the last, or is older than what was heard. */
const isLate = (session: Session, { sequence }: TallyFacts, now: Micros): boolean => {
  if (sequence !== null) return session.sequence !== null && sequence <= session.sequence;
  return session.restartedAt !== null && now - session.restartedAt < LATE;
};

/**
 * Of counters that went back. A client that has several ways says `started` by each, one after the other: only by one that
 * was heard before does it tell of a new run, and not so soon after another `started` that it may belong to that.
 */
const isRestart = ({ paths, startedAt }: Session, facts: TallyFacts, now: Micros): boolean => {
  if (facts.replay) return false;
  if (facts.sequence !== null) return true;
  const heardAt = paths.get(facts.path);
  const isOld = (at: Micros): boolean => now - at >= LATE;
  return facts.event === 'started' && heardAt !== undefined && isOld(heardAt) && (startedAt === null || isOld(startedAt));
};

const restart = (session: Session, said: Counters, now: Micros): void => {
  if (session.first === null) session.first = session.now;
  else session.between = plus(session.between, session.now);
  session.now = said;
  session.said = said;
  session.paths.clear();
  session.restartedAt = now;
};

const written = (session: Session, at: Micros): void => {
  const { now, completed } = session;
  Object.assign(session, { written: now, first: null, between: ZERO, completedWritten: completed, writtenAt: at });
};

const rowOf = ({ account, shared, content, source, now, first, between, completed }: Session): Omit<TallyRow, 'lastMs'> => {
  const said = first ?? now;
  const newer = plus(between, now);
  return {
    folded: account,
    content,
    source,
    shared,
    uploadedBytes: said.up,
    downloadedBytes: said.down,
    restart:
      first === null
        ? null
        : {
            uploadedBytes: counted(newer.up),
            downloadedBytes: counted(newer.down),
            nowUploadedBytes: now.up,
            nowDownloadedBytes: now.down,
          },
    completed,
  };
};
