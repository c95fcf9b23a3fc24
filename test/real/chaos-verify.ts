/** What is judged at the end of a chaos run, by the checkers of the simulator and in the ledgers themselves. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { judgeHistory } from '../../simulations/check/history.ts';
import { until } from '../../src/cli/up/network.ts';
import { stateDigest } from '../../src/domain/ledger/ledger.test-kit.ts';
import { foldName } from '../../src/domain/accounts/names.ts';
import type { OwnerSummary } from '../../src/protocol/control/messages.ts';
import { openSqlFile, type SqlSession } from '../../src/system/sql-session.ts';
import type { Book } from './chaos-book.ts';
import type { Town } from './chaos-town.ts';
import type { Member } from './member.ts';

/** A network that has all it needs must be whole within this; the machine may be busy with other things. */
const RECOVERY_MAX_MS = 60_000;
/** Passwords of one account that are tried at the end. */
const GUESSES_MAX = 3;
const PATIENCE_MS = 60_000;

/** One is primary, both are in step and have applied everything. */
export const untilWhole = (town: Town): Promise<string> =>
  until(
    'A whole pair again (SYNC, and both have applied everything)',
    async () => {
      const [main, backup] = await Promise.all([town.replica('main'), town.replica('backup')]);
      const leader = main.role === 'primary' ? main : backup;
      const other = leader === main ? backup : main;
      const whole = leader.role === 'primary' && leader.mode === 'SYNC' && other.role === 'follower' && other.epoch === leader.epoch;
      const applied = leader.appliedSeq === leader.lastSeq && other.appliedSeq === leader.appliedSeq;
      return whole && applied ? (leader === main ? 'main' : 'backup') : null;
    },
    RECOVERY_MAX_MS,
  );

/** Reads, when nothing goes wrong any more, what every history ends with: who owns what, and which password opens what. */
export const readTheEnd = async (book: Book, members: readonly Member[]): Promise<void> => {
  const owners = [...book.owners.values()];
  const accounts = [...book.passwords].map(([account, known]) => ({ account, passwords: [...known].slice(-GUESSES_MAX) }));
  const read = async (member: Member): Promise<void> => {
    for (let next = owners.pop(); next !== undefined; next = owners.pop()) await readOwner(book, member, next);
    for (let next = accounts.pop(); next !== undefined; next = accounts.pop())
      for (const password of next.passwords) await readAccount(book, member, next.account, password);
  };
  await Promise.all(members.map(read));
};

const readOwner = async (book: Book, member: Member, of: { readonly content: string; readonly node: string }): Promise<void> => {
  const request = { do: 'owns', ...of } as const;
  const id = book.called('reader', request);
  const change = await member.change({ op: 'content', id: of.content }, undefined, PATIENCE_MS);
  const body = change?.reply.body;
  if (body?.ok === true) {
    const { owners } = body.value as { readonly owners: readonly OwnerSummary[] };
    return book.answered(id, { kind: 'ok', value: owners.some(({ node }) => node === of.node) });
  }
  // A content without any owner is not in the catalog.
  if (body?.ok === false && body.code === 'not-found') return book.answered(id, { kind: 'ok', value: false });
  book.answered(id, { kind: 'unknown' });
  book.violations.push(`At the end nobody said who owns ${of.content}: ${JSON.stringify(body ?? 'no answer')}`);
};

const readAccount = async (book: Book, member: Member, account: string, password: string): Promise<void> => {
  const request = { do: 'login', account, password } as const;
  const id = book.called('reader', request);
  const change = await member.change({ op: 'login', name: account, password }, undefined, 2_000);
  book.heard(id, request, change?.reply.body ?? null);
};

/** Judges every history by the simulator's checker; of each fault the whole history of its object is in the words. */
export const judgeBook = (book: Book): { readonly problems: readonly string[]; readonly undecided: readonly string[] } => {
  const { faults, undecided } = judgeHistory(book.events);
  return { problems: faults.map(({ object, because }) => `${object}: ${because}`), undecided };
};

const open = (town: Town, replica: 'main' | 'backup'): SqlSession => {
  const opened = openSqlFile(join(town.folder, 'data', replica, 'ledger.sqlite'));
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
};

const MANY = 5;

/** Reads both ledgers when nobody writes them any more. */
export const verifyLedgers = (town: Town, book: Book): string[] => {
  const [main, backup] = [open(town, 'main'), open(town, 'backup')];
  try {
    const problems: string[] = [];
    if (stateDigest(main) !== stateDigest(backup)) problems.push('main and backup have not applied the same: their state digests differ');
    for (const [name, sql] of [
      ['main', main],
      ['backup', backup],
    ] as const) {
      const rows = (text: string): Record<string, unknown>[] => sql.prepare(text).all();
      const twice = rows('SELECT client, n, count(*) AS times FROM log WHERE client IS NOT NULL GROUP BY client, n HAVING times > 1');
      problems.push(
        ...twice.map(({ client, n, times }) => `${name}: request ${String(client)}:${String(n)} is in the log ${String(times)} times`),
      );
      const accounts = new Set(rows('SELECT folded FROM accounts').map(({ folded }) => String(folded)));
      const lost = registered(book).filter((account) => !accounts.has(foldName(account)));
      if (lost.length > 0)
        problems.push(`${name} has lost ${lost.length} accounts that were acknowledged: ${lost.slice(0, MANY).join(', ')}`);
    }
    const hashes = new Map(
      main
        .prepare('SELECT seq, hex(hash) AS hash FROM log')
        .all()
        .map(({ seq, hash }) => [seq, hash]),
    );
    for (const { seq, hash } of backup.prepare('SELECT seq, hex(hash) AS hash FROM log').all())
      if ((hashes.get(seq ?? 0) ?? hash) !== hash) problems.push(`entry ${String(seq)} is not the same in both logs`);
    return problems;
  } finally {
    main.close();
    backup.close();
  }
};

/** Accounts of which the network has said that they are made: nothing takes one away. */
const registered = (book: Book): string[] => {
  const asked = new Map<number, string>();
  const made: string[] = [];
  for (const event of book.events) {
    if (event.event === 'called') {
      if (event.request.do === 'register') asked.set(event.id, event.request.account);
    } else if (event.answer.kind === 'ok' && asked.has(event.id)) made.push(asked.get(event.id) as string);
  }
  return made;
};

/** Puts everything right: every link, every disk, every process. */
export const heal = async (town: Town, restart: (name: string) => Promise<void>): Promise<void> => {
  for (const link of town.links) link.heal();
  for (const disk of town.disks.values()) disk.clear();
  await sleep(100);
  for (const name of [...town.servers, ...town.nodes]) if (!town.isRunning(name)) await restart(name);
};
