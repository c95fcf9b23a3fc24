/** What a sync of the storage promises, when syncs fail and when writes come meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import type { PieceIndex } from '../../src/protocol/bittorrent/ids.ts';
import { makeTestTorrent, type TestFile, testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import type { Result } from '../../src/protocol/result.ts';
import { bytesOf, startNode } from './swarm-kit.ts';

const PIECE = 32_768;

/** A node with three files of one piece each, none of which is there. */
const scene = () => {
  const world = new World({ seed: 60 });
  const files: TestFile[] = ['a', 'b', 'c'].map((name, n) => ({ path: [name], bytes: testBytes(PIECE, n) }));
  const process = world.process('node');
  const node = startNode(process, makeTestTorrent(files, { name: 'set', pieceLength: PIECE }), false);
  const { storage } = node.content;
  const ask = <T>(run: (done: (result: T) => void) => void): T => {
    let answer: T | undefined;
    node.incarnation.step(() => run((result) => (answer = result)));
    assert.ok(world.runUntil(() => answer !== undefined, seconds(10)));
    return answer as T;
  };
  const bytes = (file: number): Uint8Array => files[file]?.bytes ?? new Uint8Array(0);
  return {
    node,
    process,
    storage,
    bytes,
    write: (file: number): Result<void> => ask((done) => storage.write(file as PieceIndex, bytes(file), done)),
    sync: (): Result<readonly number[]> => ask((done) => storage.sync(done)),
    ask,
  };
};

for (const failing of [0, 1, 2]) {
  test(`after the sync of file ${failing} of three has failed, the next one covers all that was written`, () => {
    const { node, process, bytes, write, sync } = scene();
    for (const file of [0, 1, 2]) assert.ok(write(file).ok);
    process.diskFault = (operation, path) => (operation === 'sync' && path === node.path(failing) ? 'full' : null);
    const failed = sync();
    assert.equal(!failed.ok && failed.error.code, 'full');
    process.diskFault = () => null;
    assert.deepEqual(sync(), { ok: true, value: [0, 1, 2] });
    assert.deepEqual(sync(), { ok: true, value: [] }, 'once is enough');
    process.cutPower();
    for (const file of [0, 1, 2]) assert.ok(Buffer.from(bytesOf(node, file)).equals(bytes(file)), `file ${file}`);
  });
}

test('what is written while a sync is under way is covered by the next one', () => {
  const { node, process, storage, bytes, write, sync, ask } = scene();
  assert.ok(write(0).ok);
  const both = ask<readonly boolean[]>((done) => {
    const answers: boolean[] = [];
    const answered = (result: Result<unknown>): void => {
      answers.push(result.ok);
      if (answers.length === 3) done(answers);
    };
    // One write is under way as the sync begins, the other one comes after it.
    storage.write(1 as PieceIndex, bytes(1), answered);
    storage.sync(answered);
    storage.write(0 as PieceIndex, bytes(0), answered);
  });
  assert.deepEqual(both, [true, true, true]);
  const next = sync();
  assert.deepEqual(next.ok && next.value.toSorted(), [0, 1]);
  process.cutPower();
  for (const file of [0, 1]) assert.ok(Buffer.from(bytesOf(node, file)).equals(bytes(file)), `file ${file}`);
});
