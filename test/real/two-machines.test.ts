/** Three machines, each a network namespace: the servers on one, a node on each of the others, joined by join code. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { compare, digestsOf } from '../../src/cli/up/files.ts';
import { until } from '../../src/cli/up/network.ts';
import { type Ended, shoal, type ShoalOptions, startRole } from './shoal.ts';

const hub = '10.77.0.1';
const hosts = { one: '10.77.0.2', two: '10.77.0.3' } as const;
type MachineName = 'hub' | keyof typeof hosts;
/** Names of namespaces and interfaces: unlike those of another run, and at most 15 characters. */
const tag = `sh${process.pid.toString(36)}`;
const namespaceOf = (machine: MachineName): string => `${tag}-${machine}`;

const ip = (...args: readonly string[]): { readonly ok: boolean; readonly why: string } => {
  const { status, error, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  return { ok: status === 0, why: error?.message ?? stderr.trim() };
};
const mustIp = (...args: readonly string[]): void => {
  const { ok, why } = ip(...args);
  assert.ok(ok, `ip ${args.join(' ')}: ${why}`);
};
const on = (machine: MachineName): string[] => ['ip', 'netns', 'exec', namespaceOf(machine)];

/** What has to be possible before a test can be made of it. */
const attempts: readonly (readonly string[])[] = [
  ['netns', 'add', namespaceOf('hub')],
  ['netns', 'exec', namespaceOf('hub'), 'true'],
  ['-n', namespaceOf('hub'), 'link', 'add', 'br0', 'type', 'bridge'],
  ['-n', namespaceOf('hub'), 'link', 'add', 'tried', 'type', 'veth', 'peer', 'name', 'tried-too'],
];

/** A switch on the hub, and a cable to each of the others. */
const layCables = (): void => {
  for (const machine of ['one', 'two'] as const) mustIp('netns', 'add', namespaceOf(machine));
  const atHub = ['-n', namespaceOf('hub')];
  mustIp(...atHub, 'link', 'set', 'lo', 'up');
  mustIp(...atHub, 'addr', 'add', `${hub}/24`, 'dev', 'br0');
  mustIp(...atHub, 'link', 'set', 'br0', 'up');
  for (const [machine, address] of Object.entries(hosts) as [keyof typeof hosts, string][]) {
    const there = ['-n', namespaceOf(machine)];
    mustIp(...atHub, 'link', 'add', `to-${machine}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespaceOf(machine));
    mustIp(...atHub, 'link', 'set', `to-${machine}`, 'master', 'br0', 'up');
    mustIp(...there, 'link', 'set', 'lo', 'up');
    mustIp(...there, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    mustIp(...there, 'link', 'set', 'eth0', 'up');
  }
};

/** With the namespaces go the interfaces in them. */
const removeMachines = (): void => {
  for (const machine of ['one', 'two', 'hub'] as const) ip('netns', 'del', namespaceOf(machine));
};

/** Why this machine cannot pretend to be three; false where it can. */
const cannot = (): string | false => {
  const failed = attempts.map((args) => ip(...args)).find(({ ok }) => !ok);
  if (failed === undefined) return false;
  removeMachines();
  return `network namespaces cannot be had here (${failed.why}): they need the command ip and the right to make them`;
};

const PASSWORD = 'correct horse\n';

const skip = cannot();

describe('a network of several machines', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-machines-'));
  const lab = join(folder, 'lab');
  const stops: (() => Promise<void>)[] = [];
  process.once('exit', removeMachines);
  after(async () => {
    await Promise.all(stops.map((stop) => stop()));
    removeMachines();
    rmSync(folder, { recursive: true, force: true });
  });

  const configOf = (machine: keyof typeof hosts): string => join(folder, machine, 'node.json');
  const start = async (machine: MachineName, role: string, config: string): Promise<void> => {
    stops.push(await startRole([role, '--config', config], on(machine)));
  };
  const run = async (machine: MachineName, args: readonly string[], options: ShoalOptions = {}): Promise<Ended> => {
    const at = machine === 'hub' ? [] : ['--config', configOf(machine)];
    const ended = await shoal([...args, ...at], { ...options, on: on(machine) });
    assert.equal(ended.status, 0, `shoal ${args.join(' ')} on ${machine}: ${ended.err}`);
    return ended;
  };
  const ask = async (machine: MachineName, args: readonly string[]): Promise<unknown> =>
    JSON.parse((await run(machine, [...args, '--json'])).out) as unknown;

  it('two join by join code, sign in, share, find and download from each other', async () => {
    layCables();
    const { joinCode } = (await ask('hub', ['init', lab, '--host', hub])) as { joinCode: string };
    await Promise.all(['proxy', 'tracker', 'backup'].map((role) => start('hub', role, join(lab, `${role}.json`))));
    await Promise.all(
      (['one', 'two'] as const).map(async (machine) => {
        const joined = await shoal(['join', '-', '--dir', join(folder, machine), '--name', machine], { input: joinCode, on: on(machine) });
        assert.equal(joined.status, 0, joined.err);
        await start(machine, 'node', configOf(machine));
        await run(machine, ['register', machine, '--password-stdin'], { input: PASSWORD });
        await run(machine, ['login', machine, '--password-stdin'], { input: PASSWORD });
      }),
    );

    const original = join(folder, 'dữ liệu.bin');
    writeFileSync(original, randomFillSync(Buffer.alloc(20_000_000)));
    const { id } = (await ask('one', ['share', original])) as { id: string };
    assert.match((await run('two', ['search', 'du', 'lieu'])).out, new RegExp(`^${id.slice(0, 12)} .* one$`, 'mu'));
    await run('two', ['get', id]);
    assert.equal(
      compare(await digestsOf(original), await digestsOf(join(folder, 'two', 'downloads', 'dữ liệu.bin')), 'the copy on two'),
      1,
    );

    // Each is known by the address of its own machine, and owns the content now.
    const { nodes } = await until('Both as owners', async () => {
      const found = (await ask('one', ['nodes'])) as { nodes: { name: string; addresses: { host: string }[]; shares: unknown[] }[] };
      return found.nodes.length === 2 && found.nodes.every(({ shares }) => shares.length === 1) ? found : null;
    });
    for (const { name, addresses } of nodes)
      assert.deepEqual(
        addresses.map(({ host }) => host),
        [hosts[name as keyof typeof hosts]],
      );
  });
});
