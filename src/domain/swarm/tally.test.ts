import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Network, PATHS } from './tally.test-kit.ts';
import { tallySource } from './tally.ts';

test('a hybrid announced by both of its info-hashes and over two addresses counts once', () => {
  const network = new Network();
  for (const path of PATHS) network.say({ path, event: 'started', uploadedBytes: 0 });
  for (const path of PATHS) network.say({ path, uploadedBytes: 500, downloadedBytes: 100 });
  assert.equal(network.flush(), 1);
  for (const path of PATHS) network.say({ path, event: 'completed', leftBytes: 0, uploadedBytes: 700, downloadedBytes: 200 });
  network.flush();
  assert.deepEqual(network.counted(), { uploadedBytes: 700, downloadedBytes: 200, completed: 1 });
  assert.equal(network.flush(), 0, 'nothing new is nothing to write');
});

test('a client that begins to count anew is counted on, by whichever way it says so first', () => {
  const network = new Network();
  for (const path of PATHS) network.say({ path, uploadedBytes: 500 });
  network.pass(600);
  for (const path of PATHS) network.say({ path, event: 'started', uploadedBytes: 0 });
  network.pass(600);
  network.say({ uploadedBytes: 40 });
  network.pass(600);
  network.say({ event: 'started', uploadedBytes: 2 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 542);
  network.pass(600);
  network.say({ uploadedBytes: 10 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 550);
});

test('a counter that goes back without a start is an old packet', () => {
  const network = new Network();
  for (const uploadedBytes of [500, 300, 500, 510]) network.say({ uploadedBytes });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 510);
});

test('packets that are late do not count: the first start again, the start by another way, the run that is over', () => {
  const network = new Network();
  const counts = (uploadedBytes: number, why: string): void => {
    network.flush();
    assert.equal(network.counted().uploadedBytes, uploadedBytes, why);
  };
  network.say({ uploadedBytes: 10 });
  network.pass(60);
  network.say({ uploadedBytes: 50 });
  network.say({ event: 'started', uploadedBytes: 0 });
  network.say({ uploadedBytes: 60 });
  counts(60, 'the first start came twice');
  network.say({ path: PATHS[1], uploadedBytes: 60 });
  network.pass(600);
  network.say({ path: PATHS[0], event: 'started', uploadedBytes: 70 });
  network.pass(30);
  network.say({ path: PATHS[1], event: 'started', uploadedBytes: 65 });
  network.say({ path: PATHS[1], uploadedBytes: 80 });
  counts(80, 'it was resumed, and the start by the second way came late');
  network.pass(600);
  network.say({ event: 'started', uploadedBytes: 0 });
  network.say({ path: PATHS[1], event: 'stopped', uploadedBytes: 90 });
  network.pass(600);
  network.say({ uploadedBytes: 20 });
  counts(100, 'the end of the first run came after the start of the second');
});

test('a node numbers its announces: one that goes back with a higher number is a new run, one with a lower number is late', () => {
  const network = new Network();
  const node = { source: tallySource('node', 'n1', 'i1'), path: '' };
  network.say({ ...node, sequence: 7, uploadedBytes: 500 });
  network.say({ ...node, sequence: 6, uploadedBytes: 900 });
  network.say({ ...node, sequence: 8, uploadedBytes: 20 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 520);
});

test('a node that another account signs in at goes on counting: each has what was transferred under it, nobody both', () => {
  for (const failover of [false, true]) {
    const network = new Network();
    const node = { source: tallySource('node', 'n1', 'i1'), path: '' };
    network.say({ ...node, sequence: 1, uploadedBytes: 100 });
    network.say({ ...node, account: 'Bình', sequence: 2, uploadedBytes: 130 });
    network.flush();
    if (failover) network.failover(true);
    network.say({ ...node, account: 'Bình', sequence: 3, uploadedBytes: 150 });
    network.say({ ...node, account: 'An', sequence: 4, uploadedBytes: 155 });
    network.flush();
    assert.deepEqual([network.counted('an').uploadedBytes, network.counted('bình').uploadedBytes], [105, 50]);
  }
});

test('a run that began while another primary led is not begun again with each announce (found by the simulator)', () => {
  const network = new Network();
  const node = { source: tallySource('node', 'n1', 'i1'), path: '' };
  network.say({ ...node, sequence: 1, uploadedBytes: 500 });
  network.flush();
  network.failover(true);
  for (const sequence of [5, 6, 7]) {
    network.say({ ...node, sequence, uploadedBytes: 0, downloadedBytes: 400 });
    network.flush();
  }
  assert.deepEqual(network.counted(), { uploadedBytes: 500, downloadedBytes: 400, completed: 0 });
  network.say({ ...node, sequence: 8, uploadedBytes: 30, downloadedBytes: 0 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 530);
});

test('somebody who announces another’s peer id takes nothing from them', () => {
  const network = new Network();
  network.say({ account: 'Bình', uploadedBytes: 1_000_000 });
  network.say({ uploadedBytes: 500 });
  network.flush();
  assert.deepEqual(network.counted().uploadedBytes, 500);
});

test('what a primary had not written is counted by the next one, and what it had written is not counted again', () => {
  const network = new Network();
  network.say({ uploadedBytes: 500 });
  network.flush();
  network.say({ uploadedBytes: 800 });
  network.failover(true);
  network.say({ uploadedBytes: 500, replay: true });
  assert.equal(network.tally.pending, 0, 'what the ledger knows is not written again');
  network.say({ uploadedBytes: 900 });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 900);
});

test('sessions of long ago are forgotten, those that are there are not, whatever they say', () => {
  const network = new Network();
  network.say({ source: 'gone', uploadedBytes: 5 });
  network.say({ source: 'here', uploadedBytes: 7 });
  for (let day = 0; day < 40; day++) {
    network.flush();
    network.pass(86_400);
    network.say({ source: 'here', uploadedBytes: 7 });
  }
  network.say({ source: 'new', uploadedBytes: 1 });
  network.flush();
  const known = network.ledger.run('tallySessions', { after: null, limit: 10 }).map(({ source }) => source);
  assert.deepEqual(known, ['here', 'new']);
  assert.equal(network.counted().uploadedBytes, 13);
});

test('a liar’s counters stay numbers', () => {
  const network = new Network();
  for (const source of ['a', 'b', 'c'])
    for (const uploadedBytes of [Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, Number.NaN, -5]) network.say({ source, uploadedBytes });
  network.flush();
  assert.equal(network.counted().uploadedBytes, 2 ** 52);
});
