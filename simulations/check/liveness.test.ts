import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnnouncedFrame, AnnounceFrame } from '../../src/protocol/control/messages.ts';
import type { Fault, Operation } from '../plan/types.ts';
import { configuration, planOf, replyOf, requestOf, Told } from './check.test-kit.ts';
import type { MakeChecker } from './checker.ts';
import { electionsEnd, hasOneFault, syncWhenReachable, viewIsTrue, writesResume } from './liveness.ts';
import { progressAfterHealing } from './progress.ts';

const register = (id: number): Operation => ({ id, atMs: 0, node: 'node1', do: 'register', account: id });
const plan = planOf({ operations: [register(1)] });
const asked = { call: 'register', args: {}, account: null };

const status = (role: string, mode = 'SYNC', epoch = 3): object => ({ replica: { role, mode, epoch, appliedSeq: 1, lastSeq: 1 } });

/** A calm in which the tracker is what it is; a frame is sent every half second, so that checkers look. */
class CalmRun extends Told {
  constructor(make: MakeChecker, state: object | null = status('primary'), lived = plan) {
    super(make, lived);
    if (state !== null) this.statuses.set('tracker', state);
    this.phase = 'calm';
    this.tick();
  }

  tick(): this {
    return this.sent('proxy1', 'tracker', 'proxy', requestOf({}));
  }

  until(seconds: number): this {
    for (; this.nowMs < seconds * 1_000; this.nowMs += 500) this.tick();
    return this;
  }
}

describe('L1', () => {
  it('gives a healed core its time', () => {
    new CalmRun(progressAfterHealing, status('follower')).until(14).statuses.set('tracker', status('primary'));
    const run = new CalmRun(progressAfterHealing).until(20).tell('called', 1, 'node1', asked).until(28);
    run.tell('answered', 1, 'node1', { ok: true, value: {} }).until(50).tell('stopped', 'node1', 'ended').checker.end?.();
  });

  it('finds a core that nobody leads', () => {
    assert.throws(
      () => new CalmRun(progressAfterHealing, status('follower')).until(20),
      /L1: nobody leads 15\.5 s after the core was healed: tracker is follower/u,
    );
    assert.throws(() => new Told(progressAfterHealing, plan).checker.end?.(), /L1: nobody ever led/u);
  });

  it('finds a request that is not answered, and one that is answered without progress', () => {
    const late = (): CalmRun => new CalmRun(progressAfterHealing).until(20).tell('called', 1, 'node1', asked) as CalmRun;
    assert.throws(() => late().until(40), /L1: operation 1 \(register\) at node1 is not answered, 10\.5 s after it was asked/u);
    const failed = { ok: false, error: { code: 'unavailable', message: 'no' } } as const;
    assert.throws(
      () => late().until(25).tell('answered', 1, 'node1', failed),
      /L1: operation 1 .* asked 20\.0 s after the core was healed, and answered unavailable/u,
    );
  });
});

describe('L1 of a primary that is slow for good', () => {
  const waits = (core: readonly string[], forMs: number): void => {
    const fault = { kind: 'ledgerSlow', id: 1, atMs: 0, forMs, process: 'tracker', factor: 900 } as const;
    const slow = planOf({ operations: [register(1)], core, faults: [fault] });
    const main = { replica: { name: 'main', role: 'primary', mode: 'SYNC', epoch: 3, appliedSeq: 1, lastSeq: 1 } };
    const run = new CalmRun(progressAfterHealing, main, slow).until(20).tell('called', 1, 'node1', asked) as CalmRun;
    run.until(40);
  };

  it('lets requests wait for it, where it was not healed', () => {
    waits(['backup', 'proxy1', 'node1'], 500_000);
    assert.throws(() => waits(['tracker', 'backup', 'proxy1', 'node1'], 500_000), /L1: operation 1 \(register\) at node1/u);
    assert.throws(() => waits(['backup', 'proxy1', 'node1'], 1_000), /L1: operation 1 \(register\) at node1/u);
  });
});

describe('L1 of a primary that leads for others', () => {
  const waits = (primaryProxies: readonly string[], coreProxies: readonly string[]): void => {
    const backup = { name: 'backup', role: 'primary', mode: 'SYNC', epoch: 3, appliedSeq: 1, lastSeq: 1 };
    const partial = planOf({ operations: [register(1)], core: ['tracker', 'proxy1', 'node1'] });
    const run = new CalmRun(progressAfterHealing, { replica: { role: 'follower' }, proxies: coreProxies }, partial);
    run.statuses.set('backup', { replica: backup, proxies: primaryProxies });
    (run.until(20).tell('called', 1, 'node1', asked) as CalmRun).until(40);
  };

  it('lets it stay where it has a proxy that the core lacks, and finds one that should have handed over', () => {
    waits(['proxy2'], ['proxy1']);
    assert.throws(() => waits(['proxy2'], ['proxy1', 'proxy2']), /L1: operation 1 \(register\) at node1/u);
  });
});

describe('L2', () => {
  it('lets the other replica catch up', () => {
    const run = new CalmRun(syncWhenReachable, status('primary', 'SOLO')).until(20);
    run.statuses.set('tracker', status('primary'));
    run.until(50);
  });

  it('finds a pair that stays alone', () => {
    assert.throws(
      () => new CalmRun(syncWhenReachable, status('primary', 'SOLO')).until(30),
      /L2: 25\.5 s after the core was healed the pair is SOLO/u,
    );
  });
});

describe('L3', () => {
  const announce = (node: string): AnnounceFrame => ({
    kind: 'announce',
    node,
    incarnation: 'i',
    sequence: 1,
    items: [{ content: 'c'.repeat(64), event: 'started', leftBytes: 0, uploadedBytes: 0, downloadedBytes: 0, want: 5 }],
  });
  const counted = (seeders: number): AnnouncedFrame => ({
    kind: 'announced',
    node: 'a',
    sequence: 2,
    intervalSeconds: 60,
    warming: false,
    unknownNode: false,
    items: [{ content: 'c'.repeat(64), seeders, leechers: 0, peers: [] }],
  });
  const swarm = (): Told =>
    new CalmRun(viewIsTrue)
      .until(20)
      .tell('received', 'tracker', 'proxy1', 'proxy', announce('a'))
      .tell('received', 'tracker', 'proxy1', 'proxy', announce('b'));
  const answer = (seeders: number): void => {
    const told = swarm() as CalmRun;
    told.until(22).sent('tracker', 'proxy1', 'proxy', counted(seeders));
  };

  it('lets a primary count who has announced', () => {
    answer(2);
  });

  it('lets who has lost all that it had be counted twice for a while', () => {
    const fault = { kind: 'forget', id: 1, atMs: 0, forMs: 10, process: 'node1', what: 'all' } as const;
    const count = (faults: readonly Fault[]): void => {
      const told = new Told(viewIsTrue, planOf({ faults }));
      told.statuses.set('tracker', status('primary'));
      told.phase = 'calm';
      told.sent('tracker', 'proxy1', 'proxy', counted(1));
      told.nowMs = 20_000;
      told.sent('tracker', 'proxy1', 'proxy', counted(3));
    };
    count([fault]);
    assert.throws(() => count([{ ...fault, what: 'voter' }]), /L3: tracker counts 3 .* there are 2/u);
  });

  it('does not demand whom it has refused, for it does not know the node or the content', () => {
    for (const refusal of [counted(0), { ...counted(0), unknownNode: true, items: [] }]) {
      const told = swarm().sent('tracker', 'proxy1', 'proxy', { ...refusal, node: 'b' }) as CalmRun;
      told.until(22).sent('tracker', 'proxy1', 'proxy', counted(1));
    }
  });

  it('finds nodes that are not counted, and such as do not exist', () => {
    assert.throws(() => answer(1), /L3: tracker counts 1 in the swarm of cccccccc…; 2 have announced of late/u);
    assert.throws(() => answer(9), /L3: tracker counts 9/u);
  });
});

describe('L4', () => {
  const kill: Fault = { kind: 'kill', id: 1, atMs: 0, forMs: 10_000, process: 'tracker', afterSteps: 0 };
  const run = (faults: readonly Fault[], seconds: number): void => {
    const told = new Told(writesResume, planOf({ faults, operations: [register(1)] }));
    told.tell('called', 1, 'node1', asked);
    for (; told.nowMs < seconds * 1_000; told.nowMs += 500) told.sent('proxy1', 'tracker', 'proxy', requestOf({}));
    told.tell('answered', 1, 'node1', { ok: true, value: {} });
  };

  it('lets a failover take its time, and says nothing of plans with more faults', () => {
    run([kill], 6);
    run([kill, { ...kill, id: 2 }], 12);
  });

  it('finds a writer that waits too long', () => {
    assert.throws(() => run([kill], 8), /L4: write 1 at node1 is not answered after 6\.5 s, with one fault/u);
  });

  it('lets who guesses passwords wait as long as they are told, and nobody else', () => {
    const told = (what: 'login' | 'register'): Told => {
      const operation = what === 'login' ? ({ id: 1, atMs: 0, node: 'node1', do: 'login', account: 1, password: 0 } as const) : register(1);
      const run = new Told(writesResume, planOf({ faults: [kill], operations: [operation] })).tell('called', 1, 'node1', asked);
      const body = { ok: false, code: 'busy', message: 'Too many wrong passwords', retryAfterMs: 4_000 } as const;
      return run.tell('received', 'node1', 'proxy1', 'member', replyOf({ body }));
    };
    const until = (run: Told, seconds: number): void => {
      for (; run.nowMs < seconds * 1_000; run.nowMs += 500) run.sent('proxy1', 'tracker', 'proxy', requestOf({}));
    };
    until(told('login'), 10);
    assert.throws(() => until(told('login'), 12), /L4: write 1 at node1 is not answered after 10\.5 s/u);
    assert.throws(() => until(told('register'), 8), /L4: write 1 at node1 is not answered after 6\.5 s/u);
  });

  it('knows which faults it is about', () => {
    const cluster = { ...planOf().cluster, proxies: 1 };
    const one = (fault: Fault, proxies = 1): boolean => hasOneFault({ faults: [fault], cluster: { ...cluster, proxies } });
    assert.equal(one(kill), true);
    assert.equal(one({ ...kill, process: 'proxy1' }), false);
    assert.equal(one({ ...kill, process: 'proxy1' }, 2), true);
    assert.equal(one({ kind: 'cut', id: 1, atMs: 0, forMs: 1, from: ['tracker'], to: ['backup'], bothWays: false }), true);
    assert.equal(one({ kind: 'cut', id: 1, atMs: 0, forMs: 1, from: ['tracker'], to: ['backup'], bothWays: true }), false);
    assert.equal(one({ kind: 'diskFull', id: 1, atMs: 0, forMs: 1, process: 'tracker' }), false);
  });
});

describe('L5', () => {
  const elect = (seconds: number): void => {
    const told = new CalmRun(electionsEnd).until(seconds);
    told.chosen(configuration(4, 0, 'backup')).leads('backup', 4);
  };

  it('lets a core elect while it settles', () => {
    elect(10);
  });

  it('finds elections without an end', () => {
    assert.throws(() => elect(30), /L5: backup was elected for epoch 4, 30\.0 s after the core was healed, where epoch 3 stood/u);
  });
});
