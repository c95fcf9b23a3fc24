import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { millis, seconds } from '../../src/ports/clock.ts';
import { bankTransactions } from '../../src/ports/database.contract.ts';
import { busyWorld, quiet } from './busy-world.test-kit.ts';
import { ProcessFault, World } from './index.ts';

describe('world', () => {
  it('repeats a run from its seed, in another process as well', () => {
    const first = busyWorld(1).report();
    assert.ok(first.events > 500, `${first.events} events`);
    assert.deepEqual(busyWorld(1).report(), first);
    const kit = new URL('busy-world.test-kit.ts', import.meta.url).href;
    const program = `const { busyWorld } = await import(${JSON.stringify(kit)}); console.log(JSON.stringify(busyWorld(1).report()));`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    assert.deepEqual(JSON.parse(said), first);
  });

  it('tells runs apart by seed, and by the bytes that were sent', () => {
    const hashes = [busyWorld(1), busyWorld(2), busyWorld(1, 'hellp')].map((world) => world.report().traceHash);
    assert.equal(new Set(hashes).size, 3);
    assert.match(hashes[0] as string, /^[0-9a-f]{16}$/u);
  });

  it('runs until a time, until something happens, or until nothing is left to happen', () => {
    const world = new World({ seed: 1 });
    const fired: number[] = [];
    world.process('an').start(({ ports }) => {
      for (const s of [1, 2, 3]) ports.clock.setTimer(seconds(s), () => fired.push(s));
    });
    world.run({ until: seconds(1) });
    assert.deepEqual(fired, [1]);
    assert.equal(
      world.runUntil(() => fired.includes(2), seconds(10)),
      true,
    );
    assert.equal(world.now(), seconds(2));
    assert.equal(
      world.runUntil(() => fired.includes(4), seconds(10)),
      false,
    );
    assert.equal(world.now(), seconds(12));
    world.run();
    assert.deepEqual(fired, [1, 2, 3]);
  });

  it('stops a run that does not come to rest', () => {
    const world = new World({ seed: 1 });
    world.process('an').start(({ ports }) => {
      const again = (): void => void ports.clock.setTimer(0, again);
      again();
    });
    assert.throws(() => world.run({ eventsMax: 1_000 }), /did not come to rest within 1000 events/u);
  });

  it('refuses to go on from within an event: time would pass in the middle of a step', () => {
    const world = new World({ seed: 1 });
    assert.throws(() => world.process('an').start(() => world.runFor(1)), /from within one of its events/u);
  });

  it('names the process and the time of a mistake that ends a run', () => {
    const world = new World({ seed: 1 });
    world.process('an').start(({ ports }) => {
      ports.clock.setTimer(millis(1_500), () => {
        throw new Error('a mistake');
      });
    });
    assert.throws(() => world.run(), new ProcessFault('an', 1_500_000, new Error('a mistake')));
  });

  it('keeps what processes log, with who and when', () => {
    const world = new World({ seed: 1, logLinesMax: 2 });
    world.process('an').start(({ ports }) => {
      for (const s of [1, 2, 3]) ports.clock.setTimer(seconds(s), () => ports.log.child({ actor: 'voter' }).warn({ s }, 'a line'));
    });
    world.run();
    assert.deepEqual(
      world.log.lines().map(({ at, process, level, fields }) => [at, process, level, fields]),
      [2, 3].map((s) => [seconds(s), 'an', 'warn', { actor: 'voter', s }]),
    );
  });
});

describe('simulated crash', () => {
  it('delivers nothing any more to what was there before: no timer, no answer', () => {
    const world = new World({ seed: 1 });
    const an = world.process('an');
    const late: string[] = [];
    an.start((incarnation) => {
      const { clock, disk, crypto } = incarnation.ports;
      clock.setTimer(1, () => late.push('timer'));
      disk.stat('/', () => late.push('disk'));
      crypto.hashPassword('x', new Uint8Array(16), { memoryKib: 8, passes: 1, lanes: 1 }, () => late.push('crypto'));
      incarnation.database('bank', bankTransactions).run('open', null, () => late.push('database'));
    });
    const before = an.incarnation;
    an.kill();
    an.kill();
    assert.equal(before?.alive, false);
    assert.throws(() => before?.step(() => {}), /does not run any more/u);
    const again = an.start();
    assert.equal(again.number, 2);
    world.run();
    assert.deepEqual(late, []);
  });

  it('refuses to start a process that runs', () => {
    const an = new World({ seed: 1 }).process('an');
    an.start();
    assert.throws(() => an.start(), /runs already/u);
  });

  it('gives each incarnation other secrets and other decisions', () => {
    const an = new World({ seed: 1 }).process('an');
    const draw = (): string => {
      let drawn = '';
      an.start(({ ports }) => {
        drawn = `${ports.random.u32('x')} ${ports.crypto.secretBytes(8).join(' ')}`;
      });
      an.kill();
      return drawn;
    };
    assert.notEqual(draw(), draw());
  });

  it('loses no committed transaction, and none half', () => {
    const world = new World({ seed: 1 });
    const an = world.process('an');
    const balances: (number | null)[] = [];
    for (let crashAt = 0; crashAt < 6; crashAt++) {
      let answered = 0;
      an.start((incarnation) => {
        const bank = incarnation.database('bank', bankTransactions);
        bank.run('open', null, () => {});
        for (let i = 0; i < 5; i++) bank.run('deposit', { to: 'An', amount: 1 }, () => answered++);
      });
      const before = balances.at(-1) ?? 0;
      world.runUntil(() => answered === crashAt, seconds(1));
      an.cutPower();
      an.start((incarnation) => {
        const bank = incarnation.database('bank', bankTransactions);
        bank.run('open', null, () => {});
        bank.run('balance', { of: 'An' }, (result) => balances.push(result.ok ? result.value : null));
      });
      world.runFor(seconds(1));
      an.kill();
      const after = balances.at(-1) ?? 0;
      assert.ok(after >= before + answered && after <= before + 5, `${before} + ${answered} answered, then ${after}`);
    }
  });

  it('is heard by peers as a reset when killed, and not at all when the power fails', () => {
    for (const [how, expected] of [
      ['kill', 'reset'],
      ['cutPower', 'nothing'],
    ] as const) {
      const world = new World({ seed: 1 });
      const server = world.process('server', { host: '10.9.0.1' });
      server.start(({ ports }) =>
        ports.transport.listen({ host: '10.9.0.1', port: 80 }, {}, { listening() {}, connection: () => quiet, failed() {} }),
      );
      let opened = false;
      let heard = 'nothing';
      world.runFor(seconds(1));
      world.process('client').start(({ ports }) =>
        ports.transport.dial(
          { host: '10.9.0.1', port: 80 },
          { timeoutMs: 1_000 },
          {
            ...quiet,
            open: () => {
              opened = true;
            },
            closed: (reason) => {
              heard = reason.kind === 'failed' ? reason.error.code : reason.kind;
            },
          },
        ),
      );
      world.runFor(seconds(1));
      assert.ok(opened);
      server[how]();
      world.runFor(seconds(5));
      assert.equal(heard, expected);
    }
  });
});
