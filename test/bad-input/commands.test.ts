/** Mistakes at the command line, with real processes: a clear sentence, a fitting status, no stack trace; and what the log files keep. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openNetwork, type RealNetwork, startServers } from '../real/network.ts';
import { type Ended, shoal } from '../real/shoal.ts';

const PASSWORD = 'correct horse';

describe('mistakes at the command line', () => {
  let real: RealNetwork<'alice'>;
  const configOf = (name: string): string => join(real.network.folder, `${name}.json`);

  /** Changes a file of the network, and gives the path of the copy that has it. */
  const changed = (name: string, as: string, change: (file: Record<string, unknown>) => object): string => {
    const file = JSON.parse(readFileSync(configOf(name), 'utf8')) as Record<string, unknown>;
    writeFileSync(configOf(as), JSON.stringify(change(file)));
    return configOf(as);
  };
  const alice = (args: readonly string[], input = ''): Promise<Ended> => shoal([...args, '--config', configOf('alice')], { input });
  /** `error:` and one sentence; nothing that only a programmer reads. */
  const says = (ended: Ended, status: number, error: RegExp): void => {
    assert.equal(ended.status, status, ended.err);
    assert.match(ended.err, error);
    assert.doesNotMatch(ended.err, /\n +at |file:\/\/|node:internal|Error:|expected string/u);
  };

  before(async () => {
    real = await openNetwork(['alice']);
    for (const name of ['tracker', 'backup', 'proxy', 'alice'])
      changed(name, name, (file) => ({ ...file, log: { folder: 'logs', level: 'debug' } }));
    await Promise.all([startServers(real.network), real.network.start('alice')]);
  });
  after(() => real.close());

  it('names and passwords, what is to be shared, found or fetched', async () => {
    await real.network.ask('alice', 'register', { name: 'Đặng', password: PASSWORD, code: null });
    await real.network.ask('alice', 'login', { name: 'đặng', password: PASSWORD });
    const register = (name: string, given: string): Promise<Ended> => alice(['register', name, '--password-stdin'], `${given}\n`);
    const [taken, long, tooLong, weak] = await Promise.all([
      register('ĐẶNG'.normalize('NFD'), PASSWORD),
      register('x'.repeat(65), PASSWORD),
      register('x'.repeat(600), PASSWORD),
      register('binh', 'short'),
    ]);
    says(taken, 1, /^error: The name .+ is taken$/mu);
    says(long, 64, /^error: A name has at most 64 characters$/mu);
    says(tooLong, 64, /^error: name must be at most 512 characters long\.$/mu);
    says(weak, 64, /^error: A password needs at least 8 characters$/mu);
    const path = join(real.folder, 'notes.txt');
    writeFileSync(path, 'notes');
    const [tag, root, words, none] = await Promise.all([
      alice(['share', path, '--tag', 'x'.repeat(65)]),
      alice(['share', '/']),
      alice(['search', 'x'.repeat(300)]),
      alice(['get', 'no such thing']),
    ]);
    says(tag, 64, /^error: A tag has 1 to 64 characters and no control characters$/mu);
    says(root, 64, /^error: .*root of a disk.* cannot be shared/mu);
    says(words, 64, /^error: words must be at most 256 characters long\.$/mu);
    says(none, 1, /^error: Nothing in the catalog matches "no such thing"/mu);
    assert.deepEqual((await real.network.ask('alice', 'transfers', { id: null })).transfers, [], 'nothing is shared by mistake');
  });

  it('files and names of a network', async () => {
    const typo = changed('alice', 'typo', (file) => ({ ...file, dataFoldr: 'x', limits: { uploadRat: 1, peersMax: 0 } }));
    const { address } = (JSON.parse(readFileSync(join(real.network.folder, 'network.json'), 'utf8')) as { proxies: [{ address: string }] })
      .proxies[0];
    const port = changed('alice', 'port', (file) => ({ ...file, dataFolder: 'data/port', api: address }));
    mkdirSync(join(real.folder, 'damaged'));
    writeFileSync(join(real.folder, 'damaged', 'ledger.sqlite'), 'no database at all'.repeat(1_000));
    const damaged = changed('tracker', 'damaged', (file) => ({ ...file, dataFolder: join(real.folder, 'damaged'), listen: '127.0.0.1:0' }));
    const [halted, mistyped, inUse, same, node] = await Promise.all([
      shoal(['tracker', '--config', damaged]),
      shoal(['node', '--config', typo]),
      shoal(['node', '--config', port]),
      shoal(['init', join(real.folder, 'same'), '--tracker-port', '7402']),
      shoal(['init', join(real.folder, 'same'), '--node', 'tracker']),
    ]);
    says(halted, 74, /^error: The tracker has ended by itself: its ledger or its voter state cannot be used \(.*ledger\.sqlite failed/mu);
    assert.equal(
      readFileSync(join(real.folder, 'damaged', 'ledger.sqlite'), 'utf8'),
      'no database at all'.repeat(1_000),
      'it is left as it was',
    );
    says(mistyped, 78, /dataFoldr is not a known key\. Did you mean "dataFolder"\?/u);
    assert.match(mistyped.err, /limits\.uploadRat is not a known key\. Did you mean "uploadRate"\?/u);
    assert.match(mistyped.err, /limits\.peersMax must be at least 1/u);
    says(inUse, 69, /^error: The API cannot listen on 127\.0\.0\.1:\d+: the port is in use\.$/mu);
    says(same, 64, /need an address each; two of them would be at 127\.0\.0\.1:7402/u);
    says(node, 64, /--node must not be "tracker"/u);
    assert.ok(!readdirSync(real.folder).includes('same'), 'nothing is half made');
  });

  it('log files have the id of a request in three processes, and no secret', async () => {
    const { network, adminCode } = real;
    const secrets = ['first horse battery', 'second horse battery', 'wrong horse battery'] as const;
    const [first, second, wrong] = secrets;
    await network.ask('alice', 'register', { name: 'anna', password: first, code: adminCode });
    await assert.rejects(network.ask('alice', 'login', { name: 'anna', password: wrong }));
    await network.ask('alice', 'login', { name: 'anna', password: first });
    const { code } = await network.ask('alice', 'invite', { admin: true });
    await network.ask('alice', 'passwd', { oldPassword: first, newPassword: second });
    const data = join(network.folder, 'data', 'alice');
    const { token } = JSON.parse(readFileSync(join(data, 'session.json'), 'utf8')) as { token: string };
    const apiToken = readFileSync(join(data, 'api-token'), 'utf8').trim();
    const keys = ['replica', 'member'].flatMap((name) => {
      const { $schema: _schema, ...kept } = JSON.parse(readFileSync(join(network.folder, 'secrets', `${name}.json`), 'utf8')) as Record<
        string,
        string
      >;
      return Object.values(kept);
    });
    const joinCode = readFileSync(join(network.folder, 'secrets', 'join-code'), 'utf8').trim();
    await network.stop();

    const folder = join(network.folder, 'logs');
    const logOf = (name: string): string => readFileSync(join(folder, `${name}.log`), 'utf8');
    const logs = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join('\n');
    const registered = logOf('proxy-proxy')
      .split('\n')
      .find((line) => line.includes('"operation":"register","outcome":"ok"'));
    const { requestId } = JSON.parse(registered ?? '{}') as { requestId: string };
    assert.match(requestId, /^[0-9a-f]{32}:\d+$/u);
    for (const [name, message] of [
      ['tracker-main', 'request served'],
      ['tracker-main', 'change applied'],
      ['backup-backup', 'change applied'],
    ] as const) {
      assert.ok(
        logOf(name)
          .split('\n')
          .some((line) => line.includes(requestId) && line.includes(`"msg":"${message}"`)),
        `${name} has "${message}" of ${requestId}`,
      );
    }
    for (const secret of [PASSWORD, ...secrets, adminCode, code, token, apiToken, joinCode, ...keys]) {
      assert.ok(secret.length > 8);
      assert.ok(!logs.includes(secret), 'a secret is in a log');
    }
    assert.ok(!logs.includes('a mistake in the program'));
  });
});
