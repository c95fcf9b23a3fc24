import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { encryptsNext, type EncryptionPolicy } from '../../src/data/stream-encryption.ts';
import { seconds } from '../../src/ports/clock.ts';
import { makeTestTorrent, testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { bytesOf, putFiles, startNode } from './swarm-kit.ts';

const POLICIES: readonly EncryptionPolicy[] = ['off', 'allowed', 'preferred', 'required'];

/** Downloads from a stranger (a peer of which no node's name is known), and says whether that worked. */
const meets = (leeching: EncryptionPolicy, seeding: EncryptionPolicy): boolean => {
  const world = new World({ seed: 5 });
  const files = [{ path: [], bytes: testBytes(700_000) }];
  const torrent = makeTestTorrent(files, { name: 'one.bin', pieceLength: 65_536 });
  putFiles(world.process('seed'), torrent, files);
  const seed = startNode(world.process('seed'), torrent, true, { encryption: seeding });
  const leech = startNode(world.process('leech'), torrent, false, { encryption: leeching });
  world.runFor(1_000);
  leech.incarnation.step(() => {
    leech.exchange.learn({ host: seed.host, port: 6881 }, null, true);
    leech.exchange.connectMore();
  });
  if (!world.runUntil(() => leech.completedAt() !== null, seconds(120))) return false;
  assert.deepEqual(Buffer.from(bytesOf(leech, 0)), Buffer.from(files[0]?.bytes ?? []));
  return true;
};

for (const leeching of POLICIES)
  for (const seeding of POLICIES) {
    const hopeless = [leeching, seeding].includes('off') && [leeching, seeding].includes('required');
    test(`${leeching} meets ${seeding}: ${hopeless ? 'they cannot talk' : 'the download completes'}`, () => {
      assert.equal(meets(leeching, seeding), !hopeless);
    });
  }

test('tries alternate after each hash was tried; own nodes are met in plain text unless encryption is required', () => {
  const tries = (policy: EncryptionPolicy, node: string | null, hashes: number): string =>
    [0, 1, 2, 3, 4].map((failures) => (encryptsNext(policy, { failures, node }, hashes) ? 'e' : 'p')).join('');
  assert.equal(tries('allowed', null, 2), 'ppeep');
  assert.equal(tries('preferred', null, 1), 'epepe');
  assert.equal(tries('preferred', 'alice', 1), 'ppppp');
  assert.equal(tries('required', 'alice', 2), 'eeeee');
  assert.equal(tries('off', null, 1), 'ppppp');
});
