import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createActor } from 'xstate';
import { LAN_TIMING } from '../../domain/replication/timing.ts';
import type { VotingFrame } from '../../protocol/control/messages.ts';
import { createRandom } from '../../ports/counter-random.ts';
import { silentLog } from '../../ports/log.ts';
import { Bench, FakeDisk } from './bench.test-kit.ts';
import { voterMachine } from './machine.ts';
import { FIRST_START_MARKER } from './store.ts';
import { Voter } from './voter.ts';
import { decodeVoterCopy, encodeVoterCopy } from './voter-file.ts';

const MARKER = `/voter/${FIRST_START_MARKER}`;
const CONFIGURATION = { e: 1, v: 0, primary: 'main', isr: ['main'] };

/** The witness `proxy` on a bench; what it sends is collected. */
const witness = (files: Map<string, Uint8Array> = new Map([[MARKER, new Uint8Array(0)]])) => {
  const bench = new Bench();
  const sent: { to: string; frame: VotingFrame }[] = [];
  const disk = new FakeDisk(files, (run) => bench.later(1_000, run));
  const voter = new Voter({
    reactor: bench.reactor,
    clock: bench.clock,
    random: createRandom(1),
    log: silentLog,
    disk: disk.port,
    folder: '/voter',
    name: 'proxy',
    voters: ['main', 'backup', 'proxy'],
    replicas: ['main', 'backup'],
    timing: LAN_TIMING,
    peers: {
      send: (to, frame) => {
        sent.push({ to, frame: frame as VotingFrame });
        return true;
      },
    },
  });
  bench.step(() => voter.start());
  bench.run(20);
  const say = (from: string, frame: VotingFrame): void => bench.step(() => voter.receive(from, frame));
  return { bench, disk, voter, files, say, take: () => sent.splice(0) };
};

describe('a voter', () => {
  test('answers a vote after both copies are on disk, and remembers it after a crash', () => {
    const first = witness();
    first.say('main', { kind: 'vote', epoch: 1, candidate: 'main', handOver: false });
    first.bench.run(1.5);
    assert.deepEqual(first.take(), [], 'one copy is not enough');
    first.bench.run(1);
    assert.deepEqual(first.take(), [
      { to: 'main', frame: { kind: 'promise', epoch: 1, accepted: { e: 0, v: 0, primary: null, isr: ['main', 'backup'] } } },
    ]);
    assert.equal(first.voter.status().phase, 'promised');
    const second = witness(first.files);
    second.say('backup', { kind: 'vote', epoch: 1, candidate: 'backup', handOver: false });
    second.bench.run(5);
    assert.deepEqual(second.take(), [{ to: 'backup', frame: { kind: 'voteDenied', epoch: 1, promised: 1, reason: 'promised' } }]);
  });

  test('accepts a configuration, and is idle again; an older one is denied', () => {
    const { bench, voter, say, take } = witness();
    say('main', { kind: 'vote', epoch: 1, candidate: 'main', handOver: false });
    bench.run(5);
    take();
    say('main', { kind: 'propose', configuration: CONFIGURATION });
    bench.run(5);
    assert.deepEqual(take(), [{ to: 'main', frame: { kind: 'accepted', epoch: 1, v: 0 } }]);
    assert.equal(voter.status().phase, 'idle');
    say('backup', { kind: 'propose', configuration: { e: 0, v: 5, primary: 'backup', isr: ['backup'] } });
    assert.deepEqual(take(), [{ to: 'backup', frame: { kind: 'proposeDenied', epoch: 0, v: 5, promised: 1 } }]);
  });

  test('ignores other candidates while it hears a primary, but not that primary itself', () => {
    const { bench, say, take } = witness();
    say('main', { kind: 'heartbeat', epoch: 1, v: 0, round: 4, commitSeq: 0, primary: 'main' });
    assert.deepEqual(take(), [{ to: 'main', frame: { kind: 'heartbeatAck', epoch: 1, round: 4, proxyReach: 0 } }]);
    say('backup', { kind: 'vote', epoch: 2, candidate: 'backup', handOver: false });
    assert.deepEqual(take(), [{ to: 'backup', frame: { kind: 'voteDenied', epoch: 2, promised: 0, reason: 'primary-alive' } }]);
    say('main', { kind: 'vote', epoch: 2, candidate: 'main', handOver: false });
    bench.run(5);
    assert.equal(take()[0]?.frame.kind, 'promise');
    bench.run(LAN_TIMING.primaryAliveMs);
    say('backup', { kind: 'vote', epoch: 3, candidate: 'backup', handOver: false });
    bench.run(5);
    assert.equal(take()[0]?.frame.kind, 'promise');
  });

  test('tells a primary of an older epoch what it has promised since', () => {
    const { bench, say, take } = witness();
    say('backup', { kind: 'vote', epoch: 5, candidate: 'backup', handOver: false });
    bench.run(5);
    take();
    say('main', { kind: 'heartbeat', epoch: 4, v: 0, round: 1, commitSeq: 0, primary: 'main' });
    assert.deepEqual(take(), [{ to: 'main', frame: { kind: 'heartbeatAck', epoch: 5, round: 1, proxyReach: 0 } }]);
  });

  test('without its state denies votes, asks the others, and takes the maxima of two', () => {
    const { bench, voter, say, take, files } = witness(new Map());
    assert.equal(voter.status().phase, 'rejoining');
    const asked = take();
    assert.deepEqual(asked.map(({ to, frame }) => `${to} ${frame.kind}`).slice(0, 2), ['main voterRead', 'backup voterRead']);
    const first = asked[0]?.frame;
    assert.ok(first?.kind === 'voterRead');
    const { id } = first;
    say('main', { kind: 'vote', epoch: 9, candidate: 'main', handOver: false });
    say('main', { kind: 'voterRead', id: 1, reader: 'main' });
    assert.deepEqual(take(), [{ to: 'main', frame: { kind: 'voteDenied', epoch: 9, promised: 0, reason: 'rejoining' } }]);
    say('main', { kind: 'voterState', id: id + 1, reader: 'proxy', voter: 'main', promised: 99, accepted: CONFIGURATION });
    say('main', { kind: 'voterState', id, reader: 'proxy', voter: 'main', promised: 7, accepted: CONFIGURATION });
    say('main', { kind: 'voterState', id, reader: 'proxy', voter: 'main', promised: 7, accepted: CONFIGURATION });
    bench.run(5);
    assert.equal(voter.status().phase, 'rejoining', 'one other is not enough');
    say('backup', {
      kind: 'voterState',
      id,
      reader: 'proxy',
      voter: 'backup',
      promised: 3,
      accepted: { e: 3, v: 1, primary: 'backup', isr: ['backup', 'main'] },
    });
    bench.run(10);
    assert.deepEqual(voter.status(), {
      phase: 'promised',
      promised: 7,
      accepted: { e: 3, v: 1, primary: 'backup', isr: ['backup', 'main'] },
    });
    assert.ok(files.has('/voter/voter.0') && files.has('/voter/voter.1'));
  });

  test('asks again until it is answered', () => {
    const { bench, take } = witness(new Map());
    take();
    bench.run(LAN_TIMING.heartbeatMs * 2 + 1);
    assert.equal(take().length, 2);
  });

  test('what the others told and could not be written is asked for again, until there is room', () => {
    for (const copies of [0, 1]) {
      const { bench, disk, voter, say, take } = witness(new Map());
      const tell = (): void => {
        for (const { to, frame } of take())
          if (frame.kind === 'voterRead')
            say(to, { kind: 'voterState', id: frame.id, reader: 'proxy', voter: to, promised: 7, accepted: CONFIGURATION });
        bench.run(10);
      };
      disk.writesLeft = copies;
      tell();
      assert.equal(voter.status().phase, 'rejoining');
      say('main', { kind: 'vote', epoch: 9, candidate: 'main', handOver: false });
      assert.deepEqual(take(), [{ to: 'main', frame: { kind: 'voteDenied', epoch: 9, promised: 0, reason: 'rejoining' } }]);
      disk.writesLeft = null;
      bench.run(LAN_TIMING.heartbeatMs * 2 + 1);
      tell();
      assert.deepEqual([voter.status().phase, voter.status().promised], ['promised', 7]);
    }
  });

  test('one rotten copy is made good by the other; two are amnesia, first start or not', () => {
    const before = witness();
    before.say('main', { kind: 'vote', epoch: 6, candidate: 'main', handOver: false });
    before.bench.run(5);
    for (const name of ['/voter/voter.0', '/voter/voter.1']) {
      const files = new Map([...before.files].map(([path, bytes]) => [path, bytes.slice()]));
      const rotten = files.get(name) as Uint8Array;
      rotten[20] = (rotten[20] as number) ^ 1;
      assert.equal(witness(files).voter.status().promised, 6);
      for (const other of files.values()) if (other.length > 0) other.fill(0);
      assert.equal(witness(files).voter.status().phase, 'rejoining');
    }
    assert.ok(!before.files.has(MARKER), 'the marker of the first start is gone');
  });

  test('says nothing that it could not write, and takes nothing back that is on its disk', () => {
    // So many of the two copies can be written: what the next vote finds on the disk.
    for (const [copies, promised] of [
      [0, 0],
      [1, 1],
    ] as const) {
      const { bench, disk, say, take, voter } = witness();
      disk.writesLeft = copies;
      say('main', { kind: 'vote', epoch: 1, candidate: 'main', handOver: false });
      bench.run(5);
      assert.deepEqual(
        take().map(({ frame }) => frame.kind),
        ['voteDenied'],
      );
      assert.equal(voter.status().promised, promised);
    }
  });
});

test('the copies of a voter: whole or nothing', () => {
  const copy = { generation: 7, record: { promised: 3, accepted: CONFIGURATION, holdsLog: true, distrustedThrough: -1 } };
  const bytes = encodeVoterCopy(copy);
  assert.deepEqual(decodeVoterCopy(bytes), copy);
  for (let cut = 0; cut < bytes.length; cut++) assert.equal(decodeVoterCopy(bytes.subarray(0, cut)), null);
  for (let at = 0; at < bytes.length; at++) {
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] as number) ^ 0x10;
    assert.equal(decodeVoterCopy(flipped), null, `byte ${at}`);
  }
});

test('the machine of a voter: opening, rejoining, idle, promised, failed', () => {
  let asked = 0;
  const start = () => createActor(voterMachine, { input: { effects: { askOthers: () => asked++, askAgainMs: 1_000_000 } } }).start();
  const usual = start();
  assert.equal(usual.getSnapshot().value, 'opening');
  for (const [type, state] of [
    ['state.read', 'idle'],
    ['epoch.promised', 'promised'],
    ['configuration.accepted', 'idle'],
  ] as const) {
    usual.send({ type });
    assert.equal(usual.getSnapshot().value, state);
  }
  const amnesiac = start();
  amnesiac.send({ type: 'state.missing' });
  assert.deepEqual([amnesiac.getSnapshot().value, asked], ['rejoining', 1]);
  amnesiac.send({ type: 'epoch.promised' });
  assert.equal(amnesiac.getSnapshot().value, 'rejoining');
  amnesiac.send({ type: 'state.recovered' });
  assert.equal(amnesiac.getSnapshot().value, 'idle');
  amnesiac.stop();
  const broken = start();
  broken.send({ type: 'disk.failed' });
  assert.equal(broken.getSnapshot().value, 'failed');
});
