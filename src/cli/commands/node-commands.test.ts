/** Commands and the node they ask: what they ask for, what they make of its answers. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { SearchHit } from '../../protocol/control/messages.ts';
import { fail, ok } from '../../protocol/result.ts';
import { EXIT } from '../exit.ts';
import { displayWidth } from '../render/format.ts';
import { idOf, type StandIn, startStandIn, transfer } from './stand-in.test-kit.ts';

const hit = (id: string, name: string): SearchHit => ({
  id,
  v1: null,
  v2: id,
  name,
  tags: [],
  size: 1,
  files: 1,
  pieceLength: 16_384,
  owners: [],
  ownerCount: 0,
  onlineCount: 0,
  seeders: 0,
});

describe('commands that ask the node', () => {
  let standIn: StandIn;
  let folder = '';
  let typed = '';
  before(async () => {
    standIn = await startStandIn();
    ({ folder } = standIn);
    typed = `--config '${standIn.config}'`;
  });
  after(() => standIn.close());
  beforeEach(() => {
    standIn.answers = {};
    standIn.asked = [];
  });
  const ask: StandIn['ask'] = (args, options) => standIn.ask(args, options);

  it('get hands on what was typed, be it words that look like the head of an id', async () => {
    standIn.answers.status = () => fail('internal', 'not needed');
    standIn.answers.get = ({ what }) => fail('not-found', `Nothing in the catalog matches "${what}".`);
    for (const words of [['2026'], ['cafe'], ['4f1c09aa'], ['corpus', '2026']]) {
      const { status, err } = await ask(['get', ...words]);
      assert.equal(status, EXIT.failed, err);
    }
    const gets = standIn.asked.filter(({ call }) => call === 'get').map(({ args }) => (args as { what: string }).what);
    assert.deepEqual(gets, ['2026', 'cafe', '4f1c09aa', 'corpus 2026']);
    assert.ok(
      standIn.asked.every(({ call }) => call !== 'search'),
      'the catalog is not gone through',
    );
  });

  it('search names the next page with all that was typed', async () => {
    standIn.answers.search = ({ limit }) => ok({ hits: [hit(idOf('1'), 'one'), hit(idOf('2'), 'two')].slice(0, limit), total: 7 });
    const { err } = await ask(['search', 'Dữ liệu', '--limit', '2', '--page', '2']);
    assert.ok(err.includes(`3 to 4 of 7.  Next: npx shoal search 'Dữ liệu' --page 3 --limit 2 ${typed}\n`), err);
  });

  it('search shows how many nodes own a content, also where they are not all listed', async () => {
    const owners = [{ account: 'An', node: 'n1', uploadedBytes: 0, online: true }];
    standIn.answers.search = () => ok({ hits: [{ ...hit(idOf('1'), 'one'), owners, ownerCount: 51, onlineCount: 49 }], total: 1 });
    const { out } = await ask(['search']);
    assert.match(out, /NODES +ONLINE/u);
    assert.match(out, /\b51 +49\b/u);
  });

  it('a transfer is meant by four digits or its name; several are told apart', async () => {
    standIn.answers.transfers = () =>
      ok({ transfers: [transfer({ id: `cafe${'1'.repeat(60)}` }), transfer({ id: `cafe${'2'.repeat(60)}`, name: 'two' })] });
    standIn.answers.pause = () => ok({});
    const several = await ask(['pause', 'cafe']);
    assert.equal(several.status, EXIT.usage);
    assert.match(several.err, /"cafe" may be cafe1{8} \(a content .*\) or cafe2{8} \(two\)/u);
    const names = ['cafe2', 'CAFE2', 'two'];
    for (const name of names) assert.equal((await ask(['pause', name])).status, 0);
    assert.deepEqual(
      standIn.asked.filter(({ call }) => call === 'pause').map(({ args }) => args),
      names.map(() => ({ id: `cafe${'2'.repeat(60)}` })),
    );
    const none = await ask(['pause', 'caf']);
    assert.ok(none.status === EXIT.failed && none.err.includes(`no transfer "caf". What it has: npx shoal ls ${typed}`), none.err);
  });

  it('ls keeps to 80 columns whatever moves, leaves out what is empty, and puts reasons below', async () => {
    const waiting = transfer({
      state: 'waiting',
      reason: 'Nobody is signed in on this node, so the network does not say who has it: sign in with "shoal login".',
    });
    standIn.answers.transfers = () => ok({ transfers: [waiting] });
    const still = await ask(['ls'], { columns: 80 });
    assert.doesNotMatch(still.out, /DOWN|UP|LEFT|WHY/u);
    assert.ok(still.out.includes(`\n    Nobody is signed in`) && still.out.includes(`sign in with "npx shoal login ${typed}".`), still.out);
    standIn.answers.transfers = () => ok({ transfers: [transfer({ downRate: 14_200_000, upRate: 1_230_000, secondsLeft: 200 }), waiting] });
    const moving = await ask(['ls'], { columns: 80 });
    const rows = moving.out.split('\n').filter((line) => !line.startsWith('    '));
    for (const row of rows) assert.ok(displayWidth(row) <= 80, row);
    assert.match(rows[0] ?? '', /^ID +NAME +STATE +DONE +SIZE +DOWN/u);
    assert.match((await ask(['ls'])).out, /DOWN +UP +LEFT +PEERS/u);
    assert.deepEqual(JSON.parse((await ask(['ls', '--json'])).out), {
      transfers: [transfer({ downRate: 14_200_000, upRate: 1_230_000, secondsLeft: 200 }), waiting],
    });
  });

  it('status says that a transfer is paused once, and how it goes on', async () => {
    standIn.answers.transfers = () => ok({ transfers: [transfer({ state: 'paused' })] });
    const { out } = await ask(['status', 'aaaa']);
    assert.ok(out.includes(`state       paused; to go on: npx shoal resume ${'a'.repeat(12)} ${typed}\n`), out);
    assert.doesNotMatch(out, /time left/u);
  });

  it('says what a node says in commands that this user can paste', async () => {
    standIn.answers.search = () => fail('not-logged-in', 'Nobody is signed in at this node; sign in with: shoal login NAME');
    const { status, err } = await ask(['search']);
    assert.equal(status, EXIT.permission);
    assert.equal(err, `error: Nobody is signed in at this node; sign in with: npx shoal login NAME ${typed}\n`);
    standIn.answers.register = ({ name }) => ok({ account: name, admin: false, durability: 'none' });
    const registered = await ask(['register', 'Nguyễn Văn A', '--password-stdin'], { stdin: 'correct horse\n' });
    assert.ok(registered.out.includes(`Sign in with: npx shoal login 'Nguyễn Văn A' ${typed}`), registered.out);
  });

  it('share says what was left out, and what becomes of what the catalog does not take now', async () => {
    const message = 'Nobody is signed in at this node; sign in with: shoal login NAME.';
    const over = { doneBytes: 1, size: 1, skipped: 1, id: idOf('a'), message, durability: 'none' as const };
    standIn.answers.share = () => ok({ job: 1 });
    standIn.answers.shareJob = () => ok({ ...over, state: 'failed', kept: true, code: 'not-logged-in' });
    const kept = await ask(['share', folder, '--name', 'x']);
    assert.equal(kept.status, EXIT.permission);
    assert.ok(kept.err.includes('1 link or special file was left out.\n'), kept.err);
    assert.ok(
      kept.err.includes(`x is not in the catalog: Nobody is signed in at this node; sign in with: npx shoal login NAME ${typed}.`),
      kept.err,
    );
    assert.match(kept.err, /It is shared from this node all the same/u);
    standIn.answers.shareJob = () => ok({ ...over, state: 'failed', kept: true, code: 'indeterminate' });
    const unknown = await ask(['share', folder, '--name', 'x']);
    assert.equal(unknown.status, EXIT.temporary);
    assert.match(unknown.err, /^error: x may or may not be in the catalog: /mu);
    assert.doesNotMatch(unknown.err, /is not in the catalog|fail/u);
    standIn.answers.shareJob = () => ok({ ...over, skipped: 0, state: 'failed', kept: false, code: 'forbidden' });
    const refused = await ask(['share', folder, '--name', 'x']);
    assert.match(refused.err, /^error: x is not shared: /u);
    assert.doesNotMatch(refused.err, /all the same|left out/u);
  });

  it('says how a change is kept, for people and for programs', async () => {
    for (const [durability, words] of [
      ['replicated', ' (kept on both trackers)'],
      ['local', ' (kept on one tracker: the other is down)'],
      ['none', ''],
    ] as const) {
      standIn.answers.register = ({ name }) => ok({ account: name, admin: false, durability });
      standIn.answers.passwd = standIn.answers['account.disable'] = standIn.answers['account.reset'] = () => ok({ durability });
      const stdin = { stdin: 'correct horse\nbattery staple\n' };
      const registered = await ask(['register', 'an', '--password-stdin'], { stdin: 'correct horse\n' });
      assert.ok(registered.out.startsWith(`an is registered${words}. `), registered.out);
      assert.equal((await ask(['passwd', '--password-stdin'], stdin)).out, `The password is changed${words}.\n`);
      assert.equal((await ask(['account', 'enable', 'an'])).out, `an can sign in again${words}.\n`);
      const json = await ask(['passwd', '--password-stdin', '--json'], stdin);
      assert.deepEqual(JSON.parse(json.out), { changed: true, durability });
    }
  });

  it('says of accounts and sessions too that the newest changes may be missing', async () => {
    standIn.answers.whoami = () => ok({ account: 'an', admin: true, expiresMs: 1, stale: true });
    standIn.answers.accounts = () => ok({ accounts: [], stale: true });
    for (const command of [['whoami'], ['account', 'list']]) {
      assert.match((await ask(command)).err, /the newest changes may be missing/u);
      assert.equal((JSON.parse((await ask([...command, '--json'])).out) as { stale?: true }).stale, true);
    }
  });

  it('demands both trackers only where it is told to; a refusal ends with status 75 and says what to do', async () => {
    const words = 'Nothing was changed: only one tracker is there; "shoal status --cluster" tells which';
    standIn.answers['account.disable'] = ({ require }) =>
      require === 'replicated' ? fail('degraded', words) : ok({ durability: 'local' });
    assert.equal((await ask(['account', 'disable', 'an'])).status, EXIT.ok);
    const refused = await ask(['account', 'disable', 'an', '--require-replicated']);
    assert.equal(refused.status, EXIT.temporary);
    assert.ok(refused.err.includes(`"npx shoal status ${typed} --cluster"`), refused.err);
    standIn.answers.share = () => ok({ job: 1 });
    standIn.answers.shareJob = () => fail('not-found', 'gone');
    await ask(['share', folder, '--require-replicated']);
    assert.deepEqual(
      standIn.asked
        .filter(({ call }) => call !== 'status' && call !== 'shareJob')
        .map(({ args }) => (args as { require?: string }).require),
      [undefined, 'replicated', 'replicated'],
    );
  });

  it('never says that a change has failed whose answer did not come: status 75, and what to do', async () => {
    standIn.answers.passwd = () => fail('indeterminate', 'The change may or may not have been made: sign in with the new password.');
    const { status, err } = await ask(['passwd', '--password-stdin'], { stdin: 'correct horse\nbattery staple\n' });
    assert.equal(status, EXIT.temporary);
    assert.match(err, /may or may not have been made/u);
    assert.doesNotMatch(err, /fail/iu);
  });

  it('refuses a weak password before the network is standIn.asked, and the root of a disk before a node is', async () => {
    const weak = await ask(['register', 'an', '--password-stdin'], { stdin: 'mật mã\n' });
    assert.deepEqual([weak.status, weak.err], [EXIT.usage, 'error: A password needs at least 8 characters\n']);
    for (const root of ['/', '//', '/tmp/..']) {
      const { status, err } = await ask(['share', root]);
      assert.equal(status, EXIT.usage);
      assert.match(err, /^error: \S+ is the root of a disk, which cannot be shared/u);
    }
    assert.deepEqual(standIn.asked, []);
  });

  it('lets no message of a stranger steer the terminal', async () => {
    standIn.answers.search = () => fail('ambiguous', 'evil\u001b[2J\nname');
    assert.equal((await ask(['search'])).err, 'error: evil\ufffd[2J\nname\n');
  });
});
