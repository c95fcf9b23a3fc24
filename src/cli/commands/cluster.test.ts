/** `status --cluster` through a node, on terminals of any width; which file the commands for operators take. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Reactor } from '../../bus/reactor.ts';
import { loadConfig } from '../../config/load.ts';
import { clusterOf, type SeenReplica } from '../../domain/routing/cluster.ts';
import { type ApiServer, openApi } from '../../gateways/api/server.ts';
import type { ClusterReport, ServerReport } from '../../protocol/control/messages.ts';
import { EXIT } from '../exit.ts';
import { displayWidth } from '../render/format.ts';
import { run } from '../run.test-kit.ts';

const report = (name: string, more: Partial<ServerReport> = {}): ServerReport => ({
  name,
  role: 'follower',
  mode: 'SYNC',
  epoch: 7,
  generation: 0,
  primary: 'main',
  waitsFor: null,
  lastSeq: 120_400,
  commitSeq: 120_398,
  appliedSeq: 120_397,
  followers: [],
  voters: ['main', 'backup', 'proxy'].map((voter) => ({ name: voter, reachable: voter !== 'proxy' })),
  lastFailover: null,
  draining: false,
  software: 'shoal/1',
  swarm: { phase: 'warming', nodes: 4, swarms: 1 },
  proxies: ['proxy'],
  requestsUnderWay: 0,
  ...more,
});
const seen = (name: string, more: Partial<ServerReport> = {}): SeenReplica => ({ name, report: report(name, more), reason: null });
const away = (name: string): SeenReplica => ({
  name,
  report: null,
  reason: '127.0.0.1:17402 refused the connection: nothing listens there',
});

const healthy = clusterOf(
  [
    seen('main', {
      role: 'primary',
      followers: [{ name: 'backup', state: 'streaming', lagEntries: 12, lagBytes: 800 }],
      lastFailover: { wallMs: Date.UTC(2026, 0, 2, 12), epoch: 7, from: 'backup', to: 'main', why: 'backup was silent for 1.0 s' },
    }),
    seen('backup'),
  ],
  null,
);
const solo = clusterOf([away('main'), seen('backup', { role: 'primary', mode: 'SOLO', epoch: 8, generation: 2 })], {
  name: 'proxy',
  state: 'routed',
});
const stuck = clusterOf([away('main'), seen('backup', { mode: 'NONE', primary: null, waitsFor: 'main' })], {
  name: 'proxy',
  state: 'softOnly',
});
const dark = clusterOf([away('main'), away('backup')], { name: 'proxy', state: 'unavailable' });

describe('status --cluster through a node', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-cluster-'));
  const config = join(folder, 'node.json');
  let server: ApiServer;
  let cluster: ClusterReport = healthy;

  before(async () => {
    assert.equal((await run(['init', folder, '--name', 'lab'])).status, 0);
    const loaded = loadConfig(config);
    assert.ok(loaded.ok);
    mkdirSync(loaded.value.dataFolder, { recursive: true });
    const opened = await openApi({
      listen: { host: '127.0.0.1', port: 0 },
      dataFolder: loaded.value.dataFolder,
      version: '0',
      reactor: new Reactor(() => 0),
      handle: (_call, _args, done) => done({ ok: true, value: cluster as never }),
    });
    assert.ok(opened.ok);
    server = opened.value;
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = (given: ClusterReport, columns = 100, more: readonly string[] = []): ReturnType<typeof run> => {
    cluster = given;
    return run(['status', '--cluster', '--config', config, ...more], { columns });
  };

  it('says who leads, how the other one is, who votes, and why it was last changed; status 0', async () => {
    const { status, out, err } = await ask(healthy);
    assert.equal(status, EXIT.ok, err);
    assert.match(out, /^primary +main, epoch 7$/mu);
    assert.match(out, /^mode +SYNC: changes are kept on both$/mu);
    assert.match(out, /^voters +main and backup answer; proxy does not$/mu);
    assert.match(out, /^swarms +warming: 4 nodes in 1 swarm$/mu);
    assert.match(out, /^failover +2026-01-0\d \d\d:\d\d:\d\d, epoch 7: from backup to main; backup was silent for 1\.0 s$/mu);
    assert.match(out, /^main +primary +7 +120400 +120398 +120397 +0/mu);
    assert.match(out, /^backup +follower +7 .* 12 +streaming/mu);
  });

  it('says that changes are on one tracker only, why the other does not answer, and that a promotion was forced', async () => {
    const { status, out } = await ask(solo);
    assert.equal(status, EXIT.ok);
    assert.match(out, /^mode +SOLO: changes are kept on backup alone/mu);
    assert.match(out, /^generation +2: 2 promotions were forced$/mu);
    assert.match(out, /^main +no answer .*\n +127\.0\.0\.1:17402 refused the connection/mu);
    assert.match(out, /^seen by +proxy, which has found the primary$/mu);
  });

  it('says what the next change does where the pair was in step and the other one is gone', async () => {
    const { out } = await ask(clusterOf([seen('main', { role: 'primary' }), away('backup')], null));
    assert.match(out, /^mode +SYNC, and backup does not answer: the next change goes on without it$/mu);
  });

  it('ends with status 75 where nobody leads, and says whom to start', async () => {
    const waiting = await ask(stuck);
    assert.equal(waiting.status, EXIT.temporary);
    assert.match(waiting.out, /^primary +none: backup waits for main, which may hold newer changes; start main$/mu);
    const none = await ask(dark);
    assert.equal(none.status, EXIT.temporary);
    assert.match(none.out, /^primary +none: neither tracker nor backup answers$/mu);
    assert.match(none.out, /^voters +not known: no tracker answers$/mu);
    const few = await ask(clusterOf([away('main'), seen('backup', { mode: 'NONE', primary: null, voters: [] })], null));
    assert.match(few.out, /^primary +none: 1 of 2 voters answer, too few to elect one$/mu);
  });

  it('fits narrow terminals: columns of least weight go first, names and roles stay', async () => {
    for (const [given, columns] of [healthy, solo, stuck, dark].flatMap((each) =>
      [80, 60, 40, 30].map((width) => [each, width] as const),
    )) {
      const { out } = await ask(given, columns);
      const table = out.slice(out.indexOf('REPLICA')).split('\n');
      for (const line of table.filter((text) => !text.startsWith(' '))) assert.ok(displayWidth(line) <= columns, `${columns}: ${line}`);
      assert.match(out, /^REPLICA +ROLE +.*LAG$|^REPLICA +ROLE +.*LAG +/mu);
    }
  });

  it('takes a terminal without a size for one of which nothing is known', async () => {
    const { out } = await ask(healthy, 0);
    assert.match(out, /^failover +.* from backup to main; backup was silent for 1\.0 s$/mu);
  });

  it('gives programs all of it', async () => {
    const { out } = await ask(solo, 100, ['--json']);
    assert.deepEqual(JSON.parse(out), JSON.parse(JSON.stringify(solo)));
  });

  it('takes an id or --cluster, not both', async () => {
    assert.equal((await run(['status', 'abcdef12', '--cluster', '--config', config])).status, EXIT.usage);
  });

  it('gives orders with the file of a tracker, backup or proxy only, and says so', async () => {
    for (const command of ['handover', 'force-promote']) {
      const node = await run([command, '--config', config]);
      assert.equal(node.status, EXIT.config);
      assert.match(node.err, /of a node; this command needs that of a tracker, backup or proxy/u);
      const empty = await run([command, '--config', tmpdir()]);
      assert.equal(empty.status, EXIT.config);
      assert.match(empty.err, /has none of tracker\.json, backup\.json, proxy\.json/u);
    }
  });
});
