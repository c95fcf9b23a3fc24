/** Whether everything that was acknowledged is there: asked of the network, and read in the ledgers. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { foldName } from '../../src/domain/accounts/names.ts';
import type { Acknowledged } from './load.ts';
import { PASSWORD } from './load.ts';
import type { Member } from './member.ts';

interface Owner {
  readonly account: string;
  readonly node: string;
}

type Asker = Pick<Member, 'change'>;

const verifyOne = async (member: Asker, { what, key, account, node, seq, epoch, durability }: Acknowledged): Promise<string | null> => {
  const lost = (why: string): string => `${what} ${key}, acknowledged as entry ${seq} of epoch ${epoch} (${durability}), is lost: ${why}`;
  const asked =
    what === 'register'
      ? await member.change({ op: 'register', name: key, password: PASSWORD, code: null })
      : await member.change({ op: 'content', id: key });
  if (asked === null) return lost('the network does not answer');
  const { body } = asked.reply;
  if (what === 'register')
    return !body.ok && body.code === 'name-taken' ? null : lost(`it could be registered again (${JSON.stringify(body)})`);
  if (!body.ok) return lost(body.message);
  const { owners } = body.value as { owners: Owner[] };
  return owners.length === 1 && owners[0]?.account === account && owners[0].node === node
    ? null
    : lost(`its owners are ${JSON.stringify(owners)}`);
};

/** Asks the network for each; returns what is lost. */
export const verifyByAsking = async (members: readonly Asker[], changes: readonly Acknowledged[]): Promise<string[]> => {
  const problems: string[] = [];
  const left = [...changes];
  await Promise.all(
    members.map(async (member) => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const problem = await verifyOne(member, next);
        if (problem !== null) problems.push(problem);
      }
    }),
  );
  return problems;
};

interface Ledger {
  readonly accounts: ReadonlySet<string>;
  readonly owners: ReadonlySet<string>;
  /** Hash of each entry of the log, by its number. */
  readonly log: ReadonlyMap<number, string>;
  readonly repeated: readonly string[];
  readonly appliedSeq: number;
}

const readLedger = (folder: string, replica: string): Ledger => {
  const sql = new DatabaseSync(join(folder, 'data', replica, 'ledger.sqlite'), { readOnly: true });
  const rows = (query: string): Record<string, unknown>[] => sql.prepare(query).all();
  try {
    return {
      accounts: new Set(rows('SELECT folded FROM accounts').map(({ folded }) => String(folded))),
      owners: new Set(
        rows('SELECT content, account, node FROM owners').map(({ content, account, node }) => `${content} ${account} ${node}`),
      ),
      log: new Map(rows('SELECT seq, hex(hash) AS hash FROM log').map(({ seq, hash }) => [Number(seq), String(hash)])),
      repeated: rows('SELECT client, n, count(*) AS times FROM log WHERE client IS NOT NULL GROUP BY client, n HAVING times > 1').map(
        ({ client, n, times }) => `request ${client}:${n} is in the log ${times} times`,
      ),
      appliedSeq: Number(rows('SELECT applied_seq FROM position')[0]?.['applied_seq']),
    };
  } finally {
    sql.close();
  }
};

/** Reads both ledgers when nobody writes them any more; returns what is lost, done twice, or not the same in both. */
export const verifyLedgers = (folder: string, changes: readonly Acknowledged[]): string[] => {
  const [main, backup] = [readLedger(folder, 'main'), readLedger(folder, 'backup')];
  const problems: string[] = [];
  for (const [name, { accounts, owners, repeated }] of [
    ['main', main],
    ['backup', backup],
  ] as const) {
    for (const { what, key, account, node } of changes) {
      const there = what === 'register' ? accounts.has(foldName(key)) : owners.has(`${key} ${account} ${node}`);
      if (!there) problems.push(`${what} ${key} is not in the ledger of ${name}`);
    }
    problems.push(...repeated.map((text) => `${name}: ${text}`));
  }
  for (const [seq, hash] of main.log)
    if ((backup.log.get(seq) ?? hash) !== hash) problems.push(`entry ${seq} is not the same in both logs`);
  if (main.appliedSeq !== backup.appliedSeq) problems.push(`main has applied ${main.appliedSeq}, backup ${backup.appliedSeq}`);
  if (main.accounts.size !== backup.accounts.size || main.owners.size !== backup.owners.size)
    problems.push(
      `main has ${main.accounts.size} accounts and ${main.owners.size} shares, backup ${backup.accounts.size} and ${backup.owners.size}`,
    );
  return problems;
};
