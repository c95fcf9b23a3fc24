import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SwarmRegistry } from '../../domain/swarm/registry.ts';
import { type Clock, seconds } from '../../ports/clock.ts';
import { type Due, DueHeap } from '../../ports/due-heap.ts';
import type { SwarmDeltaFrame } from '../../protocol/control/messages.ts';
import { Feeder } from './feeder.ts';

/** A replica's feeder, what it sends, and time that the test moves. */
class Replica {
  now = 0;
  queuedBytes = 0;
  readonly registry = new SwarmRegistry({ announceIntervalSeconds: 30, removeSeconds: 60 });
  readonly sent: SwarmDeltaFrame[] = [];
  readonly feeder: Feeder;
  readonly heap = new DueHeap();

  constructor() {
    const clock: Clock = {
      now: () => this.now,
      wallNow: () => 0,
      setTimer: (delay, fire) => this.heap.add(this.now + delay, fire) as unknown as number,
      clearTimer: (id) => this.heap.remove(id as unknown as Due),
    };
    const peers = { send: (_to: string, frame: SwarmDeltaFrame) => void this.sent.push(frame), queuedBytes: () => this.queuedBytes };
    this.feeder = new Feeder(clock, this.registry, peers, 30);
  }

  enter(node: string): void {
    const facts = { node, name: node, account: 'An', incarnation: 'i1', addresses: [] };
    this.registry.enter(facts, { proxy: 'p1', host: '10.0.0.1' }, this.now);
  }

  pass(passSeconds: number): void {
    const end = this.now + seconds(passSeconds);
    for (let due = this.heap.first(); due !== undefined && due.at <= end; due = this.heap.first()) {
      this.heap.take();
      this.now = due.at;
      due.fire();
    }
    this.now = end;
  }
}

const delta = (epoch: number, batch: number, node: string): SwarmDeltaFrame => {
  const facts = { node, incarnation: 'i1', name: node, account: 'An', passkeyHash: '', addresses: [], proxy: 'p1', host: '10.0.0.1' };
  return { kind: 'swarmDelta', epoch, batch, nodes: [{ ...facts, uploadedBytes: 0, silentMs: 0, items: [] }], gone: [], dropped: [] };
};

test('only who leads tells, only while somebody is there to be told, and every frame has a number of its epoch', () => {
  const replica = new Replica();
  replica.feeder.up('backup');
  replica.enter('a');
  replica.pass(3);
  assert.equal(replica.sent.length, 0);
  replica.feeder.leads(true, 4);
  replica.pass(2);
  replica.enter('b');
  replica.pass(1);
  const told = replica.sent.splice(0);
  assert.deepEqual(
    told.map(({ epoch, batch, nodes }) => [epoch, batch, nodes.map(({ node }) => node)]),
    [
      [4, 1, ['a']],
      [4, 2, ['b']],
    ],
  );
  replica.feeder.down('backup');
  assert.equal(replica.heap.first(), undefined, 'nothing is left to do');
  replica.feeder.up('backup');
  replica.feeder.leads(false, 5);
  replica.pass(3);
  assert.equal(replica.sent.length, 0);
});

test('whose link is full is told nothing, and the newest state when it has room again', () => {
  const replica = new Replica();
  replica.feeder.leads(true, 1);
  replica.feeder.up('backup');
  replica.queuedBytes = 1_048_577;
  for (const node of ['a', 'b', 'c']) replica.enter(node);
  replica.pass(5);
  assert.equal(replica.sent.length, 0);
  replica.registry.exit('b', 'i1', 0);
  replica.queuedBytes = 0;
  replica.pass(1);
  const told = new Set(replica.sent.flatMap(({ nodes }) => nodes.map(({ node }) => node)));
  assert.deepEqual(told, new Set(['a', 'c']));
});

test('of an older epoch, a late batch, or while this replica leads itself, nothing is taken', () => {
  const replica = new Replica();
  const knows = () => [...replica.registry.nodes()].map(({ node }) => node).join(' ');
  replica.feeder.leads(false, 3);
  replica.feeder.received(delta(2, 9, 'old'));
  assert.equal(knows(), '');
  replica.feeder.received(delta(3, 5, 'a'));
  replica.feeder.received(delta(3, 4, 'late'));
  replica.feeder.received(delta(3, 5, 'twice'));
  assert.equal(knows(), 'a');
  replica.feeder.received(delta(4, 1, 'b'));
  replica.feeder.received(delta(3, 6, 'before'));
  assert.equal(knows(), 'a b');
  replica.feeder.leads(true, 5);
  replica.feeder.received(delta(6, 1, 'usurper'));
  assert.equal(knows(), 'a b');
});
