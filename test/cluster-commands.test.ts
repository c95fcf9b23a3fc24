/** The commands of an operator, on a network of real processes. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Ended, run } from '../src/cli/run.test-kit.ts';
import type { ClusterReport } from '../src/protocol/control/messages.ts';
import { openNetwork, type RealNetwork, startServers, untilBothFollow } from './real/network.ts';

describe('operators', () => {
  let real: RealNetwork<'alice'>;
  before(async () => {
    real = await openNetwork(['alice']);
    await startServers(real.network);
  });
  after(() => real.close());

  const shoal = (args: readonly string[], file = ''): Promise<Ended> => run([...args, '--config', join(real.network.folder, file)]);
  const status = async (file = ''): Promise<ClusterReport> =>
    JSON.parse((await shoal(['status', '--cluster', '--json'], file)).out) as ClusterReport;
  const role = ({ replicas }: ClusterReport, name: string): string | undefined =>
    replicas.find((replica) => replica.name === name)?.report?.role;

  it('sees the pair by the folder of its files and by any of them', async () => {
    for (const file of ['', 'tracker.json', 'backup.json', 'proxy.json']) {
      const cluster = await status(file);
      assert.deepEqual([cluster.primary, cluster.mode, role(cluster, 'backup')], ['main', 'SYNC', 'follower'], file);
      assert.equal(cluster.proxy, null);
      assert.deepEqual(
        cluster.voters.map(({ name, witness, answers }) => [name, witness, answers]),
        [
          ['main', false, true],
          ['backup', false, true],
          ['proxy', true, true],
        ],
      );
    }
  });

  it('hands over without loss, waits until the other leads, and says how long changes were held', async () => {
    const handed = await shoal(['handover', '--json']);
    assert.equal(handed.status, 0, handed.err);
    const { from, to, epoch, heldMs } = JSON.parse(handed.out) as { from: string; to: string; epoch: number; heldMs: number };
    assert.deepEqual([from, to], ['main', 'backup']);
    assert.ok(heldMs >= 0);
    const cluster = await status();
    assert.deepEqual([cluster.primary, cluster.epoch], ['backup', epoch]);
    assert.deepEqual([cluster.lastFailover?.from, cluster.lastFailover?.to, cluster.lastFailover?.epoch], ['main', 'backup', epoch]);
    await untilBothFollow(real.network);
  });

  it('needs no force while somebody leads', async () => {
    const refused = await shoal(['force-promote', '--accept-data-loss'], 'tracker.json');
    assert.notEqual(refused.status, 0);
    assert.match(refused.err, /backup leads \(epoch \d+\): nothing needs to be forced/u);
  });

  it('shows a replica that is down, and why; one that waits for the other; and explains what force would lose', async () => {
    await real.network.child('backup').kill();
    const down = await status();
    assert.equal(role(down, 'backup'), undefined);
    assert.match(down.replicas[1]?.reason ?? '', /refused/u);
    await real.network.start('alice');
    const registered = await run(['register', 'an', '--password-stdin', '--json', '--config', join(real.network.folder, 'alice.json')], {
      stdin: 'correct horse\n',
    });
    assert.equal((JSON.parse(registered.out) as { durability: string }).durability, 'local', registered.err);
    const strict = ['register', 'binh', '--password-stdin', '--require-replicated', '--config', join(real.network.folder, 'alice.json')];
    const refused = await run(strict, { stdin: 'correct horse\n' });
    assert.equal(refused.status, 75);
    assert.match(refused.err, /^error: Nothing was changed: only one tracker is there/u);
    await real.network.child('main').kill();
    await real.network.start('backup');
    let stuck = await status();
    for (const end = performance.now() + 30_000; stuck.waitsFor !== 'main' && performance.now() < end;) stuck = await status();
    assert.deepEqual([stuck.primary, stuck.waitsFor], [null, 'main']);
    assert.equal((await shoal(['status', '--cluster'])).status, 75);
    const byNode = await shoal(['status', '--cluster'], 'alice.json');
    assert.equal(byNode.status, 75);
    assert.match(byNode.out, /none: backup waits for main/u);
    assert.equal((await shoal(['handover'])).status, 75);
    const explained = await shoal(['force-promote'], 'backup.json');
    assert.equal(explained.status, 64);
    assert.match(explained.err, /Nothing was done[^]*First try to start main: then nothing is lost/u);
    assert.equal((await status()).primary, null);
  });

  it('forces a promotion: the other leads, in a new generation; what the one that died had is kept in quarantine when it returns', async () => {
    const forced = await shoal(['force-promote', '--accept-data-loss', '--json'], 'backup.json');
    assert.equal(forced.status, 0, forced.err);
    const { primary, generation } = JSON.parse(forced.out) as { primary: string; generation: number };
    assert.deepEqual([primary, generation], ['backup', 1]);
    const cluster = await status();
    assert.deepEqual([cluster.primary, cluster.generation, cluster.mode], ['backup', 1, 'SOLO']);
    const again = await run(['register', 'an', '--password-stdin', '--config', join(real.network.folder, 'alice.json')], {
      stdin: 'another horse\n',
    });
    assert.equal(again.status, 0, `the name was overridden with the account: ${again.err}`);
    await real.network.start('main');
    assert.equal(await untilBothFollow(real.network), 'backup');
    const folder = join(real.network.folder, 'data', 'main', 'quarantine');
    assert.ok(readdirSync(folder).length > 0);
  });
});
