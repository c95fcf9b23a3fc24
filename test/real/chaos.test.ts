/** A short run of chaos; `npm run chaos -- --minutes 10` is a long one. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { Book } from './chaos-book.ts';
import { judgeBook } from './chaos-verify.ts';
import { playChaos } from './chaos.ts';

// Once, after all was done, Node 24 turned round and round in taking its environment apart (`CleanupHandles`), for the sake of a
// handle of a child that had been killed. Leaving by `exit` does not go there.
process.once('beforeExit', () => setImmediate(() => process.exit()));

test('processes killed, stopped and cut off at random under load: what clients were told is true', async (context) => {
  const seed = randomInt(2 ** 31);
  context.diagnostic(`seed ${seed}`);
  const report = await playChaos({ seconds: 8, seed, proxies: 1, keep: false, say: (line) => context.diagnostic(line) });
  assert.deepEqual(report.problems, []);
  assert.ok(report.acknowledged > 0);
  assert.ok([...report.faults.values()].reduce((sum, count) => sum + count, 0) > 0);
});

test('what is lost, done twice or read from the past is found out', () => {
  const book = new Book();
  const told = (request: Parameters<Book['called']>[1], answer: Parameters<Book['answered']>[1]): void =>
    book.answered(book.called('somebody', request), answer);
  const [account, password] = ['an', 'first'];
  told({ do: 'register', account, password }, { kind: 'ok' });
  told({ do: 'share', content: 'c', node: 'n' }, { kind: 'ok' });
  assert.deepEqual(judgeBook(book).problems, []);
  told({ do: 'passwd', account, oldPassword: password, newPassword: 'second' }, { kind: 'ok' });
  told({ do: 'login', account, password }, { kind: 'ok' });
  told({ do: 'owns', content: 'c', node: 'n' }, { kind: 'ok', value: false });
  const { problems } = judgeBook(book);
  assert.equal(problems.length, 2);
  assert.match(problems.join('\n'), /account:an: no order explains[^]*second[^]*own:c\/n: no order explains/u);
  book.entry(7, 'register an', 'replicated');
  book.entry(7, 'register an', 'replicated');
  book.entry(7, 'register binh', 'local');
  assert.deepEqual(book.violations, ['register binh and register an were both acknowledged as entry 7']);
  assert.deepEqual(book.passwords.get(account), new Set(['first', 'second']));
});

test('an operation of unknown outcome may have happened or not, and later too', () => {
  const book = new Book();
  const register = { do: 'register', account: 'an', password: 'p' } as const;
  assert.deepEqual(book.heard(book.called('a', register), register, null), { kind: 'unknown' });
  book.answered(book.called('b', { do: 'login', account: 'an', password: 'p' }), { kind: 'refused', code: 'wrong-password' });
  book.answered(book.called('b', { do: 'login', account: 'an', password: 'p' }), { kind: 'ok' });
  assert.deepEqual(judgeBook(book), { problems: [], undecided: [] });
  assert.deepEqual(book.counts, { acknowledged: 1, replicated: 0, refused: 1, indeterminate: 1 });
});
