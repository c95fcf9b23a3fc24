/** Registrations and OWNs without a pause, and a book of what the network has acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeTorrent } from '../../src/domain/catalog/torrent.ts';
import { below, type Random } from '../../src/ports/random.ts';
import { makeTestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import type { ContentSummary, Durability, ReplyBody } from '../../src/protocol/control/messages.ts';
import type { Change, Member } from './member.ts';

export const PASSWORD = 'correct horse battery';
/** Between two changes of one writer. */
const PAUSE_MS = 20;

export interface Acknowledged {
  readonly what: 'register' | 'own';
  /** The name of the account, or the id of the content. */
  readonly key: string;
  readonly account: string;
  readonly node: string;
  readonly seq: number;
  readonly epoch: number;
  readonly durability: Durability;
}

const valueIn = (body: ReplyBody): unknown => (body.ok ? body.value : body.code);

export class Load {
  readonly acknowledged: Acknowledged[] = [];
  /** What was done twice, refused without reason, or forgotten. */
  readonly violations: string[] = [];
  /** Changes of which the network never said what became of them. */
  readonly unresolved: string[] = [];
  /** Answers "may or may not have been made", each followed by the same request again. */
  indeterminate = 0;
  #gapMs = 0;
  #lastAt = 0;
  readonly #random: Random;
  readonly #bySeq = new Map<number, string>();
  readonly #writers: Promise<void>[] = [];
  #stopping = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** `members` are signed in under the names given. */
  start(members: ReadonlyMap<string, Member>): void {
    this.#lastAt = performance.now();
    for (const [account, member] of members) {
      this.#writers.push(this.#keepRegistering(account, member));
      for (const writer of [1, 2]) this.#writers.push(this.#keepOwning(account, member, writer));
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#writers);
  }

  /** The longest time without an acknowledgement since this was asked last. */
  takeGapMs(): number {
    const gap = Math.max(this.#gapMs, performance.now() - this.#lastAt);
    this.#gapMs = 0;
    return gap;
  }

  /** Resolves when the network has acknowledged something that was asked for after this call. */
  async progress(maxMs: number): Promise<boolean> {
    // Each writer has one change under way: one more than the writers are, and one of them is new.
    const enough = this.acknowledged.length + this.#writers.length + 1;
    const until = performance.now() + maxMs;
    while (this.acknowledged.length < enough) {
      if (performance.now() > until) return false;
      await sleep(PAUSE_MS);
    }
    return true;
  }

  async #keepRegistering(account: string, member: Member): Promise<void> {
    for (let i = 1; !this.#stopping; i++) {
      const name = `${account}-${i}`;
      const change = await member.change({ op: 'register', name, password: PASSWORD, code: null });
      this.#judge('register', name, { account, node: member.node }, change, (value) => (value as { account?: string }).account === name);
      await sleep(PAUSE_MS);
    }
  }

  async #keepOwning(account: string, member: Member, writer: number): Promise<void> {
    for (let i = 1; !this.#stopping; i++) {
      const { content, torrent } = this.#newContent(`${account} ${writer} ${i}`);
      const change = await member.change({ op: 'own', content, node: member.node }, torrent);
      // Nobody else has it: where this was not its first owner, it was done before.
      this.#judge('own', content.id, { account, node: member.node }, change, (value) => (value as { first?: boolean }).first === true);
      await sleep(PAUSE_MS);
    }
  }

  #newContent(name: string): { readonly content: ContentSummary; readonly torrent: Uint8Array } {
    const bytes = Uint8Array.from({ length: 24 }, () => below(this.#random, 'content', 256));
    const { bytes: torrent } = makeTestTorrent([{ path: ['x'], bytes }], { name });
    return { content: valueOf(describeTorrent(torrent, [])), torrent };
  }

  #judge(
    what: Acknowledged['what'],
    key: string,
    by: { account: string; node: string },
    change: Change | null,
    isGood: (value: unknown) => boolean,
  ): void {
    if (change === null) return void this.unresolved.push(key);
    const { reply, indeterminate } = change;
    this.indeterminate += indeterminate;
    const { body, seq, epoch, durability } = reply;
    if (!body.ok || !isGood(body.value)) {
      this.violations.push(`${what} ${key}, asked for once, was answered ${JSON.stringify(valueIn(body))} (entry ${seq}, epoch ${epoch})`);
      return;
    }
    const now = performance.now();
    this.#gapMs = Math.max(this.#gapMs, now - this.#lastAt);
    this.#lastAt = now;
    const before = this.#bySeq.get(seq);
    if (before !== undefined) this.violations.push(`${what} ${key} and ${before} were both acknowledged as entry ${seq}`);
    this.#bySeq.set(seq, key);
    this.acknowledged.push({ what, key, ...by, seq, epoch, durability });
  }
}
