/** Who uses the network of a chaos run: members over links of their own, and people at nodes. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryAnswer, HistoryRequest } from '../../simulations/check/history.ts';
import { describeTorrent } from '../../src/domain/catalog/torrent.ts';
import { below, between, type Random } from '../../src/ports/random.ts';
import type { ApiCallName, ApiCalls } from '../../src/protocol/api.ts';
import { makeTestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import type { ContentSummary, Operation, ReplyBody } from '../../src/protocol/control/messages.ts';
import { fail, type Result } from '../../src/protocol/result.ts';
import type { Book } from './chaos-book.ts';
import type { Town } from './chaos-town.ts';
import type { Change, Member } from './member.ts';

export const PASSWORD = 'correct horse battery';
const PAUSE_MIN_MS = 30;
const PAUSE_MAX_MS = 160;
/** A change is asked for again and again under its id for so long; some clients give up at once. */
const PATIENCE_MS = 20_000;
/** For logins, which are slowed down after wrong passwords. */
const LOGIN_PATIENCE_MS = 4_000;
const NO_TAIL = new Uint8Array(0);

/** What both kinds of clients share. */
abstract class Client {
  readonly name: string;
  readonly random: Random;
  readonly book: Book;
  #stopping = false;

  constructor(name: string, random: Random, book: Book) {
    this.name = name;
    this.random = random;
    this.book = book;
  }

  /** One thing after the other until it is told to stop. */
  async live(): Promise<void> {
    while (!this.#stopping) {
      await this.next();
      await sleep(between(this.random, 'pause', PAUSE_MIN_MS, PAUSE_MAX_MS));
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  protected abstract next(): Promise<void>;
}

/** Names that several clients register at the same time: one of them gets it. */
const contested = (n: number): string => `contested-${n}`;

/** A member that has a link of its own: accounts, passwords and ownership, under request ids that it repeats. */
export class Writer extends Client {
  readonly #member: Member;
  /** Its own account's; of several, it is not known which. */
  #passwords: string[] = [PASSWORD];
  readonly #contents: ContentSummary[] = [];
  readonly #torrents = new Map<string, Uint8Array>();
  #n = 0;

  constructor(name: string, random: Random, book: Book, member: Member) {
    super(name, random, book);
    this.#member = member;
  }

  /** Registers and signs in; before anything goes wrong. */
  async begin(): Promise<void> {
    await this.#register(this.name, PASSWORD);
    await this.#signIn();
  }

  protected async next(): Promise<void> {
    const dice = below(this.random, 'what', 100);
    this.#n += 1;
    if (this.#member.token === null) return this.#signIn();
    if (dice < 15) return void (await this.#register(`${this.name}-${this.#n}`, `${PASSWORD} ${this.#n}`));
    if (dice < 25) return void (await this.#register(contested(below(this.random, 'contest', 40)), `${PASSWORD} of ${this.name}`));
    if (dice < 40) return this.#passwd();
    if (dice < 55) return this.#look();
    if (dice < 80 || this.#contents.length === 0) return this.#share(this.#newContent());
    const content = this.#contents[below(this.random, 'content', this.#contents.length)] as ContentSummary;
    return dice < 90 ? this.#unshare(content) : this.#share(content);
  }

  /** Asks for a change until the network says what came of it, or, some of the time, once only. */
  async #change(request: HistoryRequest, operation: Operation, tail: Uint8Array = NO_TAIL): Promise<HistoryAnswer> {
    const id = this.book.called(this.name, request);
    const patienceMs = below(this.random, 'patience', 5) === 0 ? 1 : PATIENCE_MS;
    const change = await this.#member.change(operation, tail, patienceMs).catch((): Change | null => null);
    const reply = change?.reply ?? null;
    if (reply?.body.ok === true) this.book.entry(reply.seq, JSON.stringify(request), reply.durability);
    // A token that is not valid any more: another sign-in. It says nothing of what was asked for.
    if (reply?.body.ok === false && reply.body.code === 'session-expired') this.#member.token = null;
    return this.book.heard(id, request, reply?.body ?? null);
  }

  #register(account: string, password: string): Promise<HistoryAnswer> {
    return this.#change({ do: 'register', account, password }, { op: 'register', name: account, password, code: null });
  }

  async #signIn(): Promise<void> {
    const password = this.#passwords[below(this.random, 'password', this.#passwords.length)] as string;
    const reply = await this.#login(this.name, password);
    if (reply?.ok !== true) return;
    this.#member.token = (reply.value as { token: string }).token;
    await this.#member.enter().catch(() => {});
  }

  /** A look at one of the accounts that several clients are about, with a password that may be right. */
  async #look(): Promise<void> {
    const accounts = [...this.book.passwords.keys()];
    const account = accounts[below(this.random, 'account', accounts.length)] as string;
    const known = [...(this.book.passwords.get(account) ?? [])];
    await this.#login(account, known[below(this.random, 'guess', known.length)] as string);
  }

  /** A login writes (the session), but what it says of the account is a read. */
  async #login(account: string, password: string): Promise<ReplyBody | null> {
    const request = { do: 'login', account, password } as const;
    const id = this.book.called(this.name, request);
    const change = await this.#member
      .change({ op: 'login', name: account, password }, NO_TAIL, LOGIN_PATIENCE_MS)
      .catch((): Change | null => null);
    const body = change?.reply.body ?? null;
    if (body?.ok === true && change !== null) this.book.entry(change.reply.seq, `${id} login`, change.reply.durability);
    this.book.heard(id, request, body);
    return body;
  }

  async #passwd(): Promise<void> {
    const oldPassword = this.#passwords[below(this.random, 'password', this.#passwords.length)] as string;
    const newPassword = `${PASSWORD} ${this.#n}`;
    const request = { do: 'passwd', account: this.name, oldPassword, newPassword } as const;
    const answer = await this.#change(request, { op: 'passwd', oldPassword, newPassword });
    if (answer.kind === 'ok') this.#passwords = [newPassword, ...this.#passwords.filter((each) => each !== oldPassword)];
    else if (answer.kind === 'unknown') this.#passwords.push(newPassword);
    else if (answer.kind === 'refused') this.#passwords = this.#passwords.filter((each) => each !== oldPassword);
    // What was of unknown outcome may still happen; without any candidate, everything is one again.
    if (this.#passwords.length === 0) this.#passwords = [...(this.book.passwords.get(this.name) ?? [PASSWORD])];
  }

  async #share(content: ContentSummary): Promise<void> {
    const { node } = this.#member;
    const torrent = this.#torrents.get(content.id) ?? NO_TAIL;
    await this.#change({ do: 'share', content: content.id, node }, { op: 'own', content, node }, torrent);
  }

  async #unshare({ id }: ContentSummary): Promise<void> {
    const { node } = this.#member;
    await this.#change({ do: 'unshare', content: id, node }, { op: 'disown', content: id, node });
  }

  #newContent(): ContentSummary {
    const bytes = Uint8Array.from({ length: 24 }, () => below(this.random, 'bytes', 256));
    const { bytes: torrent } = makeTestTorrent([{ path: ['x'], bytes }], { name: `${this.name} ${this.#n}` });
    const content = valueOf(describeTorrent(torrent, []));
    this.#torrents.set(content.id, torrent);
    this.#contents.push(content);
    return content;
  }
}

interface Shared {
  readonly id: string;
  readonly file: string;
  readonly sha256: string;
  readonly by: string;
}

/** What is shared, and who has fetched it. */
export class Library {
  readonly shared: Shared[] = [];
  /** Downloads begun and not complete, as "node id". */
  readonly open = new Map<string, { readonly node: string; readonly of: Shared }>();
  completed = 0;
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

const FILE_BYTES_MIN = 20_000;
const FILE_BYTES_SPREAD = 600_000;
const CALL_MAX_MS = 30_000;

/** Somebody at a node: searches, shares files and fetches those of the others. */
export class Person extends Client {
  readonly #town: Town;
  readonly #library: Library;
  #node = '';
  #files = 0;

  constructor(node: string, random: Random, book: Book, town: Town, library: Library) {
    super(node, random, book);
    this.#town = town;
    this.#library = library;
  }

  /** Registers and signs in; before anything goes wrong. */
  async begin(): Promise<void> {
    const id = this.book.called(this.name, { do: 'register', account: this.name, password: PASSWORD });
    const registered = await this.#call('register', { name: this.name, password: PASSWORD, code: null });
    const entered = await this.#call('login', { name: this.name, password: PASSWORD });
    const status = await this.#call('status', {});
    if (!registered.ok || !entered.ok || !status.ok) throw new Error(`${this.name} could not sign in`);
    this.book.answered(id, { kind: 'ok' });
    this.#node = status.value.node;
  }

  /** Begins no more, and waits until what it has begun is complete; returns what never was. */
  async finish(maxMs: number): Promise<string[]> {
    const until = performance.now() + maxMs;
    for (;;) {
      await this.#lookAtDownloads();
      const left = [...this.#library.open.values()].filter(({ node }) => node === this.name);
      if (left.length === 0) return [];
      if (performance.now() > until) return left.map(({ of }) => `${this.name} never had all of ${of.file} (${of.id})`);
      await sleep(500);
    }
  }

  protected async next(): Promise<void> {
    if (this.#town.client(this.name) === null) return;
    const dice = below(this.random, 'what', 10);
    if (dice < 2) await this.#share();
    else if (dice < 5) await this.#fetch();
    else if (dice < 8) await this.#lookAtDownloads();
    else await this.#call('search', { words: '', offset: 0, limit: 20 });
    await sleep(between(this.random, 'rest', 100, 900));
  }

  async #share(): Promise<void> {
    const folder = join(this.#town.folder, 'files', this.name);
    mkdirSync(folder, { recursive: true });
    const file = `${this.name} ${++this.#files}.bin`;
    const path = join(folder, file);
    const words = Uint32Array.from({ length: Math.ceil((FILE_BYTES_MIN + below(this.random, 'size', FILE_BYTES_SPREAD)) / 4) }, () =>
      this.random.u32('file'),
    );
    writeFileSync(path, new Uint8Array(words.buffer));
    const begun = await this.#call('share', { paths: [path], name: null, tags: ['chaos'], v1: false, pieceLength: null });
    if (!begun.ok) return;
    const until = performance.now() + CALL_MAX_MS;
    while (performance.now() < until && !this.stopping) {
      const job = await this.#call('shareJob', { job: begun.value.job });
      if (job.ok && job.value.state === 'failed') return;
      if (job.ok && job.value.state === 'done' && job.value.id !== null) return this.#hasShared(job.value.id, file, path);
      // Its node was killed: whether it is shared shows later, by the others' search.
      if (!job.ok && job.error.code === 'not-found') return;
      await sleep(200);
    }
  }

  /** The catalog has said that this node owns it. */
  #hasShared(id: string, file: string, path: string): void {
    const request = { do: 'share', content: id, node: this.#node } as const;
    this.book.answered(this.book.called(this.name, request), { kind: 'ok' });
    this.#library.shared.push({ id, file, sha256: sha256(path), by: this.name });
  }

  async #fetch(): Promise<void> {
    const of = this.#library.shared[below(this.random, 'wanted', Math.max(1, this.#library.shared.length))];
    if (of === undefined || of.by === this.name || existsSync(this.#pathOf(of))) return;
    const key = `${this.name} ${of.id}`;
    if (this.#library.open.has(key)) return;
    const begun = await this.#call('get', { what: of.id, to: null, files: [], sequential: false });
    if (begun.ok) this.#library.open.set(key, { node: this.name, of });
  }

  async #lookAtDownloads(): Promise<void> {
    for (const [key, { node, of }] of this.#library.open) {
      if (node !== this.name) continue;
      const found = await this.#call('transfers', { id: of.id });
      const transfer = found.ok ? found.value.transfers[0] : undefined;
      // A node that was killed right after it said yes may not have written it down: it is asked again.
      if (found.ok && transfer === undefined) await this.#call('get', { what: of.id, to: null, files: [], sequential: false });
      if (transfer?.state !== 'seeding') continue;
      this.#library.open.delete(key);
      this.#library.completed += 1;
      const path = this.#pathOf(of);
      if (!existsSync(path)) this.book.violations.push(`${this.name} says it has ${of.file}, and there is no such file`);
      else if (sha256(path) !== of.sha256) this.book.violations.push(`${path} is not what ${of.by} shared as ${of.file}`);
    }
  }

  #pathOf({ file }: Shared): string {
    return join(this.#town.folder, 'downloads', this.name, file);
  }

  async #call<K extends ApiCallName>(call: K, args: ApiCalls[K]['args']): Promise<Result<ApiCalls[K]['result']>> {
    const client = this.#town.client(this.name);
    return client === null ? fail('no-node', 'It does not run') : client.call(call, args, CALL_MAX_MS);
  }
}
