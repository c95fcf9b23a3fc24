/** Who owns what, in the catalog, as it is: through outages, restarts, lost files and other accounts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { FakeTracker, get, type LibraryNode, put, share, startLibrary } from './library-kit.ts';

const FILE = '/home/a.bin';

const sharing = (seed: number): { world: World; tracker: FakeTracker; anna: LibraryNode; id: string; owned: () => boolean } => {
  const world = new World({ seed });
  const tracker = new FakeTracker();
  const anna = startLibrary(world, 'anna', tracker);
  put(anna, FILE, testBytes(100_000));
  const id = share(world, anna, [FILE]);
  return { world, tracker, anna, id, owned: () => tracker.catalog.get(id)?.owners.has('anna') === true };
};

for (const trouble of ['offline', 'signed out'] as const) {
  for (const call of ['unshare', 'remove'] as const) {
    test(`${call} while the node is ${trouble} is answered at once; the catalog hears of it afterwards, also after a crash`, () => {
      const { world, tracker, anna, id, owned } = sharing(30);
      if (trouble === 'offline') tracker.online = false;
      else tracker.signedIn = false;
      const before = world.now();
      assert.ok(call === 'unshare' ? anna.call(call, { id }).ok : anna.call(call, { id, data: false }).ok);
      assert.ok(world.now() - before < seconds(1));
      world.runFor(seconds(30));
      assert.ok(owned(), 'it could not be told');
      anna.process.kill();
      startLibrary(world, 'anna', tracker);
      world.runFor(seconds(200));
      tracker.online = tracker.signedIn = true;
      assert.ok(
        world.runUntil(() => !owned(), seconds(120)),
        'the catalog names an owner that is none',
      );
      let asked = 0;
      tracker.refuse = (operation) => {
        if (operation.op === 'disown') asked++;
        return null;
      };
      world.runFor(seconds(300));
      assert.equal(asked, 0, 'once the network has said so, that is that');
    });
  }
}

test('a removal that failed half-way, and was made all the same, is no reason to ask forever', () => {
  const { world, tracker, anna, id, owned } = sharing(31);
  let asked = 0;
  tracker.refuse = (operation) => {
    if (operation.op !== 'disown') return null;
    if (++asked > 1) return null;
    tracker.catalog.get(id)?.owners.delete('anna');
    return { code: 'indeterminate', message: 'The network did not answer in time.' };
  };
  assert.ok(anna.call('unshare', { id }).ok);
  world.runFor(seconds(300));
  assert.equal(owned(), false);
  assert.equal(asked, 2, 'what is not found is done');
});

test('a share of the same content takes the removal back that was not told yet', () => {
  const { world, tracker, anna, id, owned } = sharing(32);
  tracker.online = false;
  assert.ok(anna.call('unshare', { id }).ok);
  world.runFor(seconds(10));
  tracker.online = true;
  assert.equal(share(world, anna, [FILE]), id);
  world.runFor(seconds(300));
  assert.ok(owned());
  anna.stop();
  startLibrary(world, 'anna', tracker);
  world.runFor(seconds(300));
  assert.ok(owned(), 'nothing is left of the removal');
});

test('what one account owned is not forgotten by asking as another: it waits until that one is signed in', () => {
  const { world, tracker, anna, id, owned } = sharing(33);
  let asked = 0;
  tracker.refuse = (operation) => {
    if (operation.op === 'disown') asked++;
    return operation.op === 'disown' && tracker.account !== 'anna' ? { code: 'not-found', message: 'It is no owner.' } : null;
  };
  tracker.account = 'binh';
  assert.ok(anna.call('unshare', { id }).ok);
  put(anna, '/home/b.bin', testBytes(50_000, 2));
  share(world, anna, ['/home/b.bin']);
  world.runFor(seconds(200));
  assert.deepEqual([asked, owned()], [0, true]);
  tracker.account = 'anna';
  assert.ok(world.runUntil(() => !owned(), seconds(120)));
});

test('a share whose file is gone is no owner; put back and resumed, it is one again', () => {
  const { world, tracker, anna, id, owned } = sharing(34);
  const { disk } = anna.process;
  assert.ok(disk.rename(FILE, '/home/elsewhere').ok);
  anna.call('recheck', { id });
  assert.ok(anna.until(id, 'failed'));
  assert.ok(world.runUntil(() => !owned(), seconds(10)));
  assert.equal(anna.transfer(id)?.owned, false);
  assert.ok(disk.rename('/home/elsewhere', FILE).ok);
  anna.call('resume', { id });
  assert.ok(anna.until(id, 'seeding'));
  assert.ok(world.runUntil(owned, seconds(10)));
  assert.equal(anna.transfer(id)?.owned, true);
  assert.equal(tracker.catalog.size, 1);
});

test('a share whose file vanished during an outage is forgotten after it, also by the next process; put back, it goes on by itself', () => {
  const { world, tracker, anna, id, owned } = sharing(35);
  const { disk } = anna.process;
  tracker.online = false;
  assert.ok(disk.rename(FILE, '/home/elsewhere').ok);
  anna.call('recheck', { id });
  assert.ok(anna.until(id, 'failed'));
  world.runFor(seconds(5));
  anna.stop();
  tracker.online = true;
  const again = startLibrary(world, 'anna', tracker);
  assert.ok(again.until(id, 'failed'));
  assert.ok(world.runUntil(() => !owned(), seconds(120)));
  again.stop();
  assert.ok(disk.rename('/home/elsewhere', FILE).ok);
  const third = startLibrary(world, 'anna', tracker);
  assert.ok(third.until(id, 'seeding'), JSON.stringify(third.transfer(id)));
  assert.ok(world.runUntil(owned, seconds(10)));
});

test('a download that loses pieces is no owner until it has them again', () => {
  const { world, tracker, id } = sharing(36);
  const binh = startLibrary(world, 'binh', tracker);
  assert.ok(get(binh, id).ok);
  const owns = (): boolean => tracker.catalog.get(id)?.owners.has('binh') === true;
  assert.ok(binh.until(id, 'seeding') && world.runUntil(owns, seconds(10)));
  const file = binh.process.disk.openForReading('/home/downloads/a.bin');
  assert.ok(file.ok);
  file.value.body.write(40_000, Uint8Array.of(1, 2, 3));
  let disowned = 0;
  tracker.refuse = (operation) => {
    if (operation.op === 'disown') disowned++;
    return null;
  };
  binh.call('recheck', { id });
  assert.ok(world.runUntil(() => disowned === 1, seconds(30)));
  assert.ok(binh.until(id, 'seeding') && world.runUntil(owns, seconds(10)));
  assert.equal(binh.transfer(id)?.owned, true);
});

test('what was moved is shared from where it lies now; what is being downloaded is not owned by sharing a copy', () => {
  const { world, tracker, anna, id, owned } = sharing(37);
  anna.process.disk.makeFolder('/home/new');
  assert.ok(anna.process.disk.rename(FILE, '/home/new/a.bin').ok);
  anna.call('recheck', { id });
  assert.ok(anna.until(id, 'failed'));
  assert.equal(share(world, anna, ['/home/new/a.bin']), id);
  assert.ok(anna.until(id, 'seeding'));
  assert.equal(anna.transfer(id)?.folder, '/home/new');
  assert.ok(world.runUntil(owned, seconds(10)));
  anna.call('pause', { id });
  const binh = startLibrary(world, 'binh', tracker);
  assert.ok(get(binh, id).ok);
  assert.ok(binh.until(id, 'waiting'));
  put(binh, '/home/copy/a.bin', testBytes(100_000));
  assert.throws(() => share(world, binh, ['/home/copy/a.bin']), /being downloaded to \/home\/downloads/u);
  world.runFor(seconds(10));
  assert.equal(tracker.catalog.get(id)?.owners.has('binh'), false);
});

/** A forced promotion to a tracker that has heard of no share; the node enters there. */
const override = (tracker: FakeTracker, node: LibraryNode, generation: number): void => {
  tracker.catalog.clear();
  node.incarnation.step(() => node.library.entered(generation));
};

/** Counts what the catalog is told. */
const counted = (tracker: FakeTracker): { own: number } => {
  const told = { own: 0 };
  tracker.refuse = (operation) => {
    if (operation.op === 'own') told.own++;
    return null;
  };
  return told;
};

test('what a forced promotion overrode comes back to the catalog by itself, torrent and all, once', () => {
  const { world, tracker, anna, id, owned } = sharing(38);
  put(anna, '/home/b.bin', testBytes(50_000, 2));
  const other = share(world, anna, ['/home/b.bin']);
  override(tracker, anna, 1);
  assert.equal(owned(), false);
  assert.ok(
    world.runUntil(() => owned() && tracker.catalog.get(other)?.owners.has('anna') === true, seconds(5)),
    'nobody needs to share it again',
  );
  assert.ok((tracker.catalog.get(id)?.torrent.length ?? 0) > 0);
  world.runFor(seconds(10));
  const told = counted(tracker);
  anna.incarnation.step(() => anna.library.entered(1));
  anna.incarnation.step(() => anna.library.entered(0));
  world.runFor(seconds(60));
  assert.equal(told.own, 0, 'a primary of the same generation has it');
});

test('a node that was off while a promotion was forced notices when it is back; after that it has no reason to ask again', () => {
  const { world, tracker, anna, id, owned } = sharing(39);
  anna.stop();
  tracker.catalog.clear();
  tracker.online = false;
  const again = startLibrary(world, 'anna', tracker);
  assert.ok(again.until(id, 'seeding'));
  tracker.online = true;
  again.incarnation.step(() => again.library.entered(2));
  assert.ok(world.runUntil(owned, seconds(120)));
  world.runFor(seconds(60));
  // Stopped and started: what is remembered is on disk.
  again.stop();
  const third = startLibrary(world, 'anna', tracker);
  assert.ok(third.until(id, 'seeding'));
  world.runFor(seconds(10));
  const told = counted(tracker);
  third.incarnation.step(() => third.library.entered(2));
  world.runFor(seconds(60));
  assert.ok(told.own <= 1, 'once more at most: it was told at the start, before the generation was known');
  third.incarnation.step(() => third.library.entered(2));
  world.runFor(seconds(60));
  assert.ok(told.own <= 1);
});

test('what was shared under another account is not told under this one; in whatever letters its own account is written, it is', () => {
  const { world, tracker, anna, owned } = sharing(40);
  world.runFor(seconds(10));
  tracker.account = 'binh';
  override(tracker, anna, 1);
  world.runFor(seconds(30));
  assert.equal(owned(), false);
  tracker.account = 'Anna';
  anna.incarnation.step(() => anna.library.entered(1));
  assert.ok(world.runUntil(owned, seconds(10)));
});

test('after a forced promotion the catalog is told of ten contents a second at most', () => {
  const { world, tracker, anna } = sharing(41);
  for (let n = 0; n < 15; n++) {
    put(anna, `/home/more-${n}.bin`, testBytes(1_000, n + 3));
    share(world, anna, [`/home/more-${n}.bin`]);
  }
  const told = counted(tracker);
  override(tracker, anna, 1);
  world.runFor(seconds(1));
  // Two questions each: the catalog wants the torrent.
  assert.ok(told.own > 4 && told.own <= 20, `${told.own}`);
  assert.ok(world.runUntil(() => tracker.catalog.size === 16, seconds(10)));
});
