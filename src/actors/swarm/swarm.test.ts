import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, SimulatedClock } from 'xstate';
import { Office } from '../desk/office.test-kit.ts';
import { swarmMachine, type SwarmPhase } from './machine.ts';

test('cold until primary, then warming for its time, then warm; cold again when the role is lost', () => {
  const phases: SwarmPhase[] = [];
  const clock = new SimulatedClock();
  const actor = createActor(swarmMachine, { clock, input: { warmingMs: 30_000, changed: (phase) => phases.push(phase) } }).start();
  actor.send({ type: 'primary.lost' });
  actor.send({ type: 'primary.gained' });
  clock.increment(29_999);
  assert.deepEqual(phases, ['cold', 'warming']);
  clock.increment(1);
  actor.send({ type: 'primary.gained' });
  actor.send({ type: 'primary.lost' });
  actor.send({ type: 'primary.gained' });
  actor.send({ type: 'primary.lost' });
  clock.increment(60_000);
  assert.deepEqual(phases, ['cold', 'warming', 'warm', 'cold', 'warming', 'cold']);
});

test('announces say that the swarm is warming until it is warm', () => {
  const office = new Office();
  office.step(() => office.swarm.start());
  const token = office.member('An');
  office.enter(token);
  const announce = () =>
    office.swarm.announce(
      { kind: 'announce', node: 'n1', incarnation: 'i-n1', sequence: 1, items: [] },
      { proxy: 'p1', host: '127.0.0.1' },
    );
  assert.equal(announce().warming, true);
  office.step(() => office.swarm.primaryChanged(true, 1));
  office.step(() => office.swarm.primaryChanged(true, 1));
  office.wait(29);
  assert.equal(announce().warming, true);
  office.wait(2);
  assert.deepEqual([announce().warming, announce().intervalSeconds], [false, 30]);
  office.step(() => office.swarm.primaryChanged(false, 1));
  assert.equal(announce().warming, true);
  office.step(() => office.swarm.stop());
  office.step(() => office.swarm.start());
  assert.equal(office.swarm.phase, 'cold');
});
