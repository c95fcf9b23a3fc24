/** A short version of the rounds of SIGKILL; `npm run test:kill-rounds` plays fifty. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import type { ReplyBody, ReplyFrame } from '../../src/protocol/control/messages.ts';
import { type Kind, playKillRounds } from './kill-rounds.ts';
import type { Acknowledged } from './load.ts';
import { verifyByAsking } from './verify.ts';

test('no acknowledged change is lost, and none done twice, when tracker and backup are killed under load', async (context) => {
  const seed = randomInt(2 ** 31);
  const kinds: readonly Kind[] = ['frozen', 'soloBackAlone', 'backup'];
  context.diagnostic(`seed ${seed}`);
  const { problems, acknowledged, rounds } = await playKillRounds({
    rounds: kinds.length,
    seed,
    kinds,
    keep: false,
    pauseMaxMs: 300,
    say: (line) => context.diagnostic(line),
  });
  assert.deepEqual(problems, []);
  assert.equal(rounds.length, kinds.length);
  assert.ok(acknowledged > 0);
});

test('what is lost is found out', async () => {
  const answering = (body: ReplyBody): Pick<Parameters<typeof verifyByAsking>[0][number], 'change'> => ({
    change: async () => ({ reply: { body } as ReplyFrame, indeterminate: 0 }),
  });
  const change: Acknowledged = { what: 'register', key: 'Ánh', account: 'Ánh', node: 'n', seq: 7, epoch: 2, durability: 'local' };
  const own: Acknowledged = { ...change, what: 'own', key: 'c' };
  const taken = answering({ ok: false, code: 'name-taken', message: '' });
  assert.deepEqual(await verifyByAsking([taken], [change]), []);
  const [again] = await verifyByAsking([answering({ ok: true, value: {} })], [change]);
  assert.match(again ?? '', /register Ánh, acknowledged as entry 7 of epoch 2 \(local\), is lost/u);
  const owned = (owners: object[]): string[] | Promise<string[]> => verifyByAsking([answering({ ok: true, value: { owners } })], [own]);
  assert.deepEqual(await owned([{ account: 'Ánh', node: 'n' }]), []);
  assert.equal((await owned([])).length, 1);
});
