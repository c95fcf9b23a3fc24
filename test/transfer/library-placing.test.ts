/** A download lies under a partial name until it is complete, and a process that ends anywhere on the way loses nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, type LibraryNode, put, read, share, startLibrary } from './library-kit.ts';

const DOWNLOADS = '/home/downloads';

interface Scene {
  readonly world: World;
  readonly tracker: FakeTracker;
  readonly binh: LibraryNode;
  readonly id: string;
  /** Where the files are to lie, with their bytes. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const KINDS = ['file', 'folder', 'part of a folder'] as const;

const scene = (kind: (typeof KINDS)[number], uploadRate = 0): Scene => {
  const world = new World({ seed: 50 });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker, { uploadRate });
  const files = new Map<string, Uint8Array>();
  const names = kind === 'file' ? ['one.bin'] : ['set/a.bin', 'set/deep/b.bin', 'set/c.bin'];
  for (const [n, name] of names.entries()) {
    put(anna, `/home/${name}`, testBytes(100_000, n));
    if (kind !== 'part of a folder' || name !== 'set/c.bin') files.set(`${DOWNLOADS}/${name}`, testBytes(100_000, n));
  }
  const id = share(world, anna, [kind === 'file' ? '/home/one.bin' : '/home/set']);
  const binh = startLibrary(world, 'binh', tracker);
  assert.ok(get(binh, id, { files: kind === 'part of a folder' ? ['a.bin', 'b.bin'] : [] }).ok);
  return { world, tracker, binh, id, files };
};

const names = (node: LibraryNode): readonly string[] => {
  const listed = node.process.disk.list(DOWNLOADS);
  return listed.ok ? listed.value.map((entry) => entry.name) : [];
};

const complete = (node: LibraryNode, { id, files }: Scene): void => {
  assert.ok(node.until(id, 'seeding'), JSON.stringify(node.transfer(id)));
  for (const [path, bytes] of files) assert.ok(Buffer.from(bytes).equals(read(node, path) ?? Buffer.alloc(0)), `${path} has other bytes`);
  assert.deepEqual(
    names(node).filter((name) => name.startsWith('.')),
    [],
  );
};

for (const kind of KINDS) {
  test(`a ${kind} that is downloaded has its name only when all of it is there and verified`, () => {
    const own = scene(kind, 50_000);
    const { world, binh, id } = own;
    assert.ok(world.runUntil(() => (binh.transfer(id)?.doneBytes ?? 0) > 60_000, seconds(60)));
    const [name, ...others] = names(binh);
    assert.deepEqual(others, []);
    assert.match(name ?? '', /^\..*\.shoal-part$/u);
    complete(binh, own);
  });

  for (const how of ['kill', 'cutPower'] as const) {
    test(`a ${kind} that was renamed when the process ended (${how}), with no word of it in the journal, is found complete`, () => {
      const own = scene(kind);
      const { world, tracker, binh, id, files } = own;
      const [first] = files.keys();
      assert.ok(world.runUntil(() => read(binh, first ?? '') !== null, seconds(60)));
      assert.equal(binh.transfer(id)?.state, 'downloading', 'the journal is not written yet');
      const journal = JSON.parse(Buffer.from(read(binh, `/home/shoal/transfers/${id}.json`) ?? []).toString('utf8')) as { placed: boolean };
      assert.equal(journal.placed, false);
      binh.process[how]();
      tracker.swarms.get(id)?.delete('binh');
      const again = startLibrary(world, 'binh', tracker);
      complete(again, own);
      assert.equal(again.transfer(id)?.downloadedBytes, 100_000 * files.size, 'nothing is fetched again');
    });
  }
}

test('a node that is stopped while it checks what is there loses none of it', () => {
  const own = scene('file', 20_000);
  const { world, tracker, binh, id } = own;
  assert.ok(world.runUntil(() => (binh.transfer(id)?.doneBytes ?? 0) > 60_000, seconds(60)));
  world.runFor(seconds(1));
  binh.process.kill();
  for (let n = 0; n < 3; n++) {
    tracker.swarms.get(id)?.delete('binh');
    startLibrary(world, 'binh', tracker).stop();
  }
  const again = startLibrary(world, 'binh', tracker);
  assert.ok(world.runUntil(() => again.transfer(id)?.state !== 'checking', seconds(60)));
  assert.ok((again.transfer(id)?.doneBytes ?? 0) >= 32_768, JSON.stringify(again.transfer(id)));
  complete(again, own);
});

test('after a sync that failed for one of several files, and a power cut, nothing is trusted that was not synced', () => {
  const own = scene('folder', 50_000);
  const { world, tracker, binh, id } = own;
  const journal = (): string => Buffer.from(read(binh, `/home/shoal/transfers/${id}.json`) ?? []).toString('utf8');
  const had = (): number => Buffer.from((JSON.parse(journal()) as { have: string }).have, 'base64').reduce((sum, byte) => sum + byte, 0);
  const doneBytes = (): number => binh.transfer(id)?.doneBytes ?? 0;
  assert.ok(
    world.runUntil(() => had() > 0, seconds(60)),
    'a first journal, with what files looked like',
  );
  const before = had();
  let failed = 0;
  binh.process.diskFault = (operation, path) => (operation === 'sync' && path.includes('.shoal-part') && failed++ === 0 ? 'full' : null);
  assert.ok(world.runUntil(() => failed > 0, seconds(60)));
  world.runFor(1_000_000);
  assert.equal(had(), before, 'the journal says nothing of what was not synced');
  assert.equal(binh.transfer(id)?.state, 'paused');
  assert.ok(doneBytes() < 300_000);
  assert.ok(
    world.runUntil(() => had() !== before, seconds(60)),
    'it goes on by itself',
  );
  binh.process.cutPower();
  tracker.swarms.get(id)?.delete('binh');
  complete(startLibrary(world, 'binh', tracker), own);
});
