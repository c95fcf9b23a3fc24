import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, SimulatedClock } from 'xstate';
import { type TransferEffects, type TransferInput, type TransferMessage, transferMachine } from './machine.ts';

const start = (begin: TransferInput['begin'] = 'check', clock = new SimulatedClock()) => {
  const log: string[] = [];
  const effects: TransferEffects = {
    check: (all) => void log.push(all ? 'check all' : 'check'),
    queue: () => void log.push('queue'),
    exchange: () => void log.push('exchange'),
    place: () => void log.push('place'),
    seed: () => void log.push('seed'),
    rest: () => void log.push('rest'),
    move: () => void log.push('move'),
    halt: () => void log.push('halt'),
    entered: () => {},
  };
  const actor = createActor(transferMachine, { input: { effects, begin }, clock }).start();
  return {
    log,
    send: (...messages: TransferMessage[]): void => {
      for (const message of messages) actor.send(message);
    },
    get phase() {
      const { value } = actor.getSnapshot();
      return typeof value === 'string' ? value : Object.values(value)[0];
    },
    get reason() {
      return actor.getSnapshot().context.reason;
    },
  };
};

test('a download goes from the check through its turn, waiting and downloading to seeding', () => {
  const transfer = start();
  assert.equal(transfer.phase, 'checking');
  transfer.send({ type: 'transfer.checked', complete: false });
  assert.equal(transfer.phase, 'queued');
  transfer.send({ type: 'slot.granted' });
  assert.equal(transfer.phase, 'waiting');
  transfer.send({ type: 'transfer.first' });
  assert.equal(transfer.phase, 'downloading');
  transfer.send({ type: 'transfer.stalled' });
  assert.equal(transfer.phase, 'waiting');
  transfer.send({ type: 'transfer.first' }, { type: 'transfer.complete' });
  assert.equal(transfer.phase, 'completing');
  transfer.send({ type: 'transfer.placed', turn: true });
  assert.equal(transfer.phase, 'seeding');
  assert.deepEqual(transfer.log, ['halt', 'check', 'queue', 'exchange', 'place', 'seed']);
});

test('what is complete already is seeded without meeting anybody first', () => {
  const transfer = start();
  transfer.send({ type: 'transfer.checked', complete: true }, { type: 'transfer.placed', turn: true });
  assert.deepEqual(transfer.log, ['halt', 'check', 'place', 'seed']);
});

test('a full disk pauses once, keeps its reason, and it goes on where it was: when told to, or by itself', () => {
  const clock = new SimulatedClock();
  const transfer = start('check', clock);
  transfer.send(
    { type: 'transfer.checked', complete: false },
    { type: 'slot.granted' },
    { type: 'disk.full', reason: 'full' },
    { type: 'disk.full', reason: 'again' },
  );
  assert.equal(transfer.phase, 'full');
  assert.equal(transfer.reason, 'full');
  assert.equal(transfer.log.filter((entry) => entry === 'halt').length, 2);
  transfer.send({ type: 'transfer.resume' });
  assert.equal(transfer.log.at(-1), 'check');
  transfer.send({ type: 'disk.full', reason: 'full' });
  clock.increment(15_000);
  assert.equal(transfer.phase, 'checking');
  transfer.send({ type: 'disk.full', reason: 'full' }, { type: 'transfer.pause' });
  clock.increment(60_000);
  assert.equal(transfer.phase, 'paused', 'what a user has paused stays so');
});

test('a fault stops a seeding transfer, the first reason stays, and a resume hashes everything', () => {
  const transfer = start();
  transfer.send(
    { type: 'transfer.checked', complete: true },
    { type: 'transfer.placed', turn: true },
    { type: 'transfer.fault', reason: 'gone' },
    { type: 'transfer.fault', reason: 'later' },
  );
  assert.equal(transfer.phase, 'failed');
  assert.equal(transfer.reason, 'gone');
  assert.equal(transfer.log.at(-1), 'halt');
  transfer.send({ type: 'transfer.resume' });
  assert.equal(transfer.log.at(-1), 'check all');
});

test('a user can pause at any time, also from the start on, and ask for a re-check', () => {
  const transfer = start('paused');
  assert.equal(transfer.phase, 'paused');
  transfer.send({ type: 'transfer.checked', complete: true }, { type: 'slot.granted' });
  assert.equal(transfer.phase, 'paused', 'late answers change nothing');
  transfer.send({ type: 'transfer.resume' });
  assert.equal(transfer.phase, 'checking');
  transfer.send({ type: 'transfer.recheck' });
  assert.deepEqual(transfer.log.slice(-2), ['halt', 'check all']);
  transfer.send({ type: 'transfer.checked', complete: false }, { type: 'transfer.pause' });
  assert.equal(transfer.phase, 'paused');
  assert.equal(transfer.reason, null);
});

test('a download gives its turn back, and a complete one waits for its turn to seed', () => {
  const transfer = start();
  transfer.send(
    { type: 'transfer.checked', complete: false },
    { type: 'slot.granted' },
    { type: 'transfer.first' },
    { type: 'slot.taken' },
  );
  assert.equal(transfer.phase, 'queued');
  transfer.send({ type: 'slot.granted' }, { type: 'transfer.complete' }, { type: 'transfer.placed', turn: false });
  assert.equal(transfer.phase, 'resting');
  transfer.send({ type: 'slot.granted' });
  assert.equal(transfer.phase, 'seeding');
  transfer.send({ type: 'slot.taken' });
  assert.equal(transfer.phase, 'resting');
  assert.deepEqual(transfer.log, [
    'halt',
    'check',
    'queue',
    'exchange',
    'halt',
    'queue',
    'exchange',
    'place',
    'halt',
    'rest',
    'seed',
    'halt',
    'rest',
  ]);
});

test('what has reached its goal is paused, and goes on when told to', () => {
  const transfer = start();
  transfer.send({ type: 'transfer.checked', complete: true }, { type: 'transfer.placed', turn: true }, { type: 'transfer.goal' });
  assert.equal(transfer.phase, 'paused');
  assert.equal(transfer.reason, null);
  transfer.send({ type: 'transfer.resume' });
  assert.equal(transfer.phase, 'checking');
});

test('nothing comes between while files are moved; what was asked for meanwhile is done then', () => {
  const transfer = start();
  transfer.send(
    { type: 'transfer.move' },
    { type: 'transfer.pause' },
    { type: 'transfer.fault', reason: 'late' },
    { type: 'transfer.recheck' },
  );
  assert.equal(transfer.phase, 'moving');
  transfer.send({ type: 'transfer.moved', paused: false });
  assert.equal(transfer.phase, 'checking');
  assert.deepEqual(transfer.log, ['halt', 'check', 'halt', 'move', 'halt', 'check all']);
});

test('a move that a crash interrupted goes on first, and one that was paused is so afterwards', () => {
  const transfer = start('moving');
  assert.equal(transfer.phase, 'moving');
  transfer.send({ type: 'transfer.moved', paused: true });
  assert.equal(transfer.phase, 'paused');
  assert.deepEqual(transfer.log, ['halt', 'move', 'halt']);
});
