import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlFrame } from '../../src/protocol/control/messages.ts';
import { fail, ok } from '../../src/protocol/result.ts';
import { Recorder, type RecordedEvent } from './recorder.ts';

const heartbeat = (round: number): ControlFrame => ({ kind: 'heartbeat', epoch: 2, v: 0, round, commitSeq: 5, primary: 'main' });
const vote = (epoch: number): ControlFrame => ({ kind: 'promise', epoch, accepted: { e: 1, v: 0, primary: 'main', isr: ['main'] } });

const made = (limits = {}) => {
  let now = 0;
  const states = new Map<string, object>();
  const recorder = new Recorder({ now: () => (now += 10), status: (process) => states.get(process) ?? null }, limits);
  return { recorder, states };
};
const sentOf = (events: readonly RecordedEvent[]) => events.filter((event) => event.is === 'sent');

test('what arrives is matched with what was sent; what was overtaken is lost; what is still under way is neither', () => {
  const { recorder } = made();
  recorder.sent('tracker', 'backup', 'replica', vote(3));
  recorder.sent('tracker', 'backup', 'replica', vote(4));
  recorder.sent('tracker', 'backup', 'replica', vote(5));
  recorder.received('backup', 'tracker', 'replica', vote(4));
  const { events, lost } = recorder.recording();
  const arrived = events.find((event) => event.is === 'received');
  assert.equal(arrived?.is === 'received' && arrived.sent, sentOf(events)[1]?.n);
  assert.deepEqual(lost, [sentOf(events)[0]?.n]);
});

test('a death takes with it what was under way from there and to there, and shows in the state', () => {
  const { recorder, states } = made();
  recorder.started('backup', 1);
  recorder.sent('tracker', 'backup', 'replica', vote(3));
  recorder.sent('tracker', 'proxy1', 'proxy', vote(3));
  states.set('backup', { replica: { role: 'follower', epoch: 2, commitSeq: 7, addresses: 'left out' } });
  recorder.stepped('backup');
  recorder.stepped('backup');
  recorder.stopped('backup', 'power');
  const { events, lost, states: changes } = recorder.recording();
  assert.deepEqual(lost, [sentOf(events)[0]?.n]);
  assert.deepEqual(
    changes.map(({ state }) => state),
    [{ role: 'follower', epoch: 2, commitSeq: 7 }, { state: 'down' }],
  );
});

test('memory is bounded: heartbeats do not push out what matters, and the state of before is kept', () => {
  const { recorder, states } = made({ eventsMax: 10, chatterMax: 20, statesMax: 5 });
  recorder.transition('tracker', 'replica', 'follower.inSync', 'primary.suspected', 'candidate.collecting');
  states.set('proxy1', { proxy: { state: 'routed' } });
  recorder.stepped('proxy1');
  for (let round = 0; round < 10_000; round++) {
    recorder.sent('tracker', 'backup', 'replica', heartbeat(round));
    states.set('tracker', { replica: { role: 'primary', commitSeq: round } });
    recorder.stepped('tracker');
  }
  const { events, states: changes, total } = recorder.recording();
  assert.equal(events.filter((event) => event.is === 'transition').length, 1);
  assert.equal(sentOf(events).length, 20);
  assert.equal(total, 10_001);
  assert.ok(changes.some(({ process, state }) => process === 'proxy1' && state['state'] === 'routed'));
  assert.ok(changes.length <= 7);
  for (let index = 0; index < 1_000; index++) recorder.called(index, 'node1');
  assert.equal(recorder.recording().events.filter((event) => event.is === 'called').length, 10);
});

test('what is secret in a frame is not shown; what is shown is short', () => {
  const { recorder } = made();
  recorder.sent('node1', 'proxy1', 'member', {
    kind: 'request',
    requestId: { client: 'ab'.repeat(16), n: 7 },
    token: 'a secret token',
    operation: { op: 'login', name: 'member 1', password: 'a secret password' },
    minSeq: 4,
    require: 'any',
    deadlineMs: 10_000,
    epoch: 2,
    from: null,
    tail: new Uint8Array(0),
  });
  recorder.committed('tracker', 'append', { entries: [{ seq: 4 }, { seq: 6 }], commitSeq: 3 }, ok({}));
  recorder.committed('tracker', 'append', { entries: [], commitSeq: 3 }, fail('full', 'no room'));
  recorder.committed('tracker', 'session', { tokenHash: 'x' }, ok({}));
  recorder.answered(3, 'node1', fail('indeterminate', 'The network did not answer'));
  const { events } = recorder.recording();
  assert.deepEqual(
    events.map(({ text }) => text),
    [
      'login abab.7 minSeq 4',
      'ledger append 4 to 6, commit 3',
      'ledger append commit 3: no room',
      'indeterminate: The network did not answer',
    ],
  );
});
