import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import { type ReplicaEvent, type ReplicaEffects, replicaMachine } from './machine.ts';

/** A machine on its own; `did` collects what it made its replica do since it was last looked at. */
const machine = () => {
  const did: string[] = [];
  const names = ['follow', 'canvass', 'stand', 'activate', 'withdraw', 'lead', 'stepDown', 'quiesce', 'halt'] as const;
  const effects = Object.fromEntries(names.map((name) => [name, () => did.push(name)])) as unknown as ReplicaEffects;
  const actor = createActor(replicaMachine, { input: { effects } }).start();
  const after = (...events: (ReplicaEvent['type'] | ReplicaEvent)[]): { state: unknown; did: string[] } => {
    for (const event of events) actor.send((typeof event === 'string' ? { type: event } : event) as ReplicaEvent);
    return { state: actor.getSnapshot().value, did: did.splice(0) };
  };
  return after;
};

const SYNC: ReplicaEvent = { type: 'configuration.chosen', mode: 'SYNC' };
const SOLO: ReplicaEvent = { type: 'configuration.chosen', mode: 'SOLO' };

test('a follower: probing, truncating, installing, catching up, in sync', () => {
  const after = machine();
  assert.deepEqual(after(), { state: 'booting', did: [] });
  assert.deepEqual(after('replica.opened'), { state: { follower: 'probing' }, did: ['follow'] });
  assert.deepEqual(after('log.truncating').state, { follower: 'truncating' });
  assert.deepEqual(after('log.appended').state, { follower: 'catchingUp' });
  assert.deepEqual(after('snapshot.installing').state, { follower: 'installing' });
  assert.deepEqual(after('log.appended', 'isr.joined').state, { follower: 'inSync' });
  assert.deepEqual(after('log.appended').state, { follower: 'inSync' });
  assert.deepEqual(after('isr.left').state, { follower: 'catchingUp' });
  assert.deepEqual(after('primary.heard'), { state: { follower: 'probing' }, did: [] });
  assert.deepEqual(after('log.matched').state, { follower: 'catchingUp' });
});

test('a candidate: asks whether it would be elected, collects, activates, leads; or goes back to follow', () => {
  const after = machine();
  assert.deepEqual(after('replica.opened', 'primary.suspected'), { state: { candidate: 'preVoting' }, did: ['follow', 'canvass'] });
  assert.deepEqual(after('majority.promised').state, { candidate: 'preVoting' });
  assert.deepEqual(after('majority.granted'), { state: { candidate: 'collecting' }, did: ['stand'] });
  assert.deepEqual(after('candidacy.failed'), { state: { follower: 'probing' }, did: ['withdraw', 'follow'] });
  assert.deepEqual(after('primary.suspected', 'primary.heard').state, { follower: 'probing' });
  assert.deepEqual(after('primary.suspected', 'majority.granted', 'majority.promised').state, { candidate: 'activating' });
  assert.deepEqual(after('epoch.higher').state, 'fenced');
  assert.deepEqual(after('log.idle', 'primary.suspected', 'majority.granted', 'majority.promised', 'activation.chosen').state, {
    primary: 'solo',
  });
});

test('a follower that the primary hands over to stands at once', () => {
  const after = machine();
  assert.deepEqual(after('replica.opened', 'primary.handsOver'), { state: { candidate: 'collecting' }, did: ['follow', 'stand'] });
  assert.deepEqual(after('majority.promised', 'activation.chosen').state, { primary: 'solo' });
});

const leading = () => {
  const after = machine();
  assert.deepEqual(after('replica.opened', 'primary.suspected', 'majority.granted', 'majority.promised', 'activation.chosen'), {
    state: { primary: 'solo' },
    did: ['follow', 'canvass', 'stand', 'activate', 'withdraw', 'lead'],
  });
  return after;
};

test('a primary: solo, upgrading, sync, degrading, solo', () => {
  const after = leading();
  assert.deepEqual(after('learner.joined').state, { primary: 'upgrading' });
  assert.deepEqual(after(SYNC).state, { primary: 'sync' });
  assert.deepEqual(after('degrade.proposed').state, { primary: 'degrading' });
  assert.deepEqual(after(SOLO), { state: { primary: 'solo' }, did: [] });
  assert.deepEqual(after('learner.joined', 'degrade.proposed').state, { primary: 'degrading' });
  assert.deepEqual(after('primary.suspected', 'primary.heard').state, { primary: 'degrading' }, 'these are for followers');
});

for (const reason of ['quorum.lost', 'epoch.higher', 'disk.full'] as const) {
  test(`a primary steps down when ${reason}, and follows when its log is idle`, () => {
    const after = leading();
    assert.deepEqual(after(reason), { state: 'fenced', did: ['stepDown', 'quiesce'] });
    assert.deepEqual(after('primary.suspected', 'primary.heard').state, 'fenced');
    assert.deepEqual(after('log.idle'), { state: { follower: 'probing' }, did: ['follow'] });
  });
}

test('a log that fails halts a replica for good, whatever it was', () => {
  const after = leading();
  assert.deepEqual(after('log.failed'), { state: 'halted', did: ['stepDown', 'halt'] });
  assert.deepEqual(after('replica.opened', 'primary.suspected', 'log.idle'), { state: 'halted', did: [] });
});
