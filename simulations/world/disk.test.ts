import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seconds } from '../../src/ports/clock.ts';
import type { Disk } from '../../src/ports/disk.ts';
import { type SimulatedProcess, World } from './index.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

const scene = () => {
  const world = new World({ seed: 1 });
  const process = world.process('an');
  /** Runs one incarnation until nothing is left to do. */
  const session = (body: (disk: Disk) => void): void => {
    process.start(({ ports }) => body(ports.disk));
    world.runFor(seconds(10));
  };
  const content = (path: string): string | null => {
    const read = process.disk.readFile(path, 1_000_000);
    return read.ok ? new TextDecoder().decode(read.value) : null;
  };
  return { world, process, session, content };
};

/** Writes 'synced' and syncs it, then writes 'unsynced' over it. */
const writeTwice = (disk: Disk): void => {
  disk.open('/file', 'write', (file) => {
    if (!file.ok) return assert.fail(file.error.message);
    disk.write(file.value, 0, text('synced  '), () => {});
    disk.sync(file.value, () => disk.write(file.value, 0, text('unsynced'), () => {}));
  });
};

describe('simulated disk', () => {
  it('keeps what was synced through a power cut, and loses what was not', () => {
    const { process, session, content } = scene();
    session(writeTwice);
    assert.equal(content('/file'), 'unsynced');
    process.cutPower();
    assert.equal(content('/file'), 'synced  ');
  });

  it('keeps everything when only the process is killed, but for a power cut that follows', () => {
    const { process, session, content } = scene();
    session(writeTwice);
    process.kill();
    assert.equal(content('/file'), 'unsynced');
    process.cutPower();
    assert.equal(content('/file'), 'synced  ');
  });

  it('loses the name of a new file that was not synced, and not the one that was renamed or written whole', () => {
    const { process, session, content } = scene();
    session((disk) => {
      for (const path of ['/new/a', '/renamed/b']) {
        disk.makeFolder(path.slice(0, -2), () => {});
        disk.open(path, 'write', (file) => file.ok && disk.write(file.value, 0, text('x'), () => {}));
      }
      disk.writeFile('/whole', text('whole'), {}, () => disk.rename('/renamed/b', '/renamed/c', () => {}));
    });
    process.cutPower();
    assert.equal(content('/new/a'), null);
    assert.equal(content('/whole'), 'whole');
    assert.equal(content('/renamed/b'), null);
    assert.equal(content('/renamed/c'), '', 'The name is durable, the content never was');
  });

  it('may bring back what was removed but not synced', () => {
    const { process, session, content } = scene();
    session((disk) => disk.writeFile('/file', text('old'), {}, () => disk.remove('/file', () => {})));
    assert.equal(content('/file'), null);
    process.cutPower();
    assert.equal(content('/file'), 'old');
  });

  it('tears a file at random pages in a torn power cut, but never one that was written whole', () => {
    const { process, session } = scene();
    const old = new Uint8Array(40 * 16_384).fill(1);
    session((disk) => {
      disk.writeFile('/whole', old, {}, () => disk.writeFile('/whole', new Uint8Array(old.length).fill(2), {}, () => {}));
      disk.writeFile('/torn', old, {}, () => {
        disk.open('/torn', 'write', (file) => file.ok && disk.write(file.value, 0, new Uint8Array(old.length).fill(2), () => {}));
      });
    });
    process.cutPower({ torn: true });
    const kinds = (path: string): Set<number> => {
      const read = process.disk.readFile(path, old.length);
      assert.ok(read.ok && read.value.length === old.length);
      return new Set(read.value);
    };
    assert.deepEqual(kinds('/whole'), new Set([2]));
    assert.deepEqual(kinds('/torn').size, 2);
  });

  it('restores the size of a file that was truncated or extended without a sync', () => {
    const { process, session, content } = scene();
    session((disk) => {
      disk.writeFile('/file', text('0123456789'), {}, () => {
        disk.open('/file', 'write', (file) => {
          if (!file.ok) return;
          disk.truncate(file.value, 3, () => {});
          disk.write(file.value, 100_000, text('far'), () => {});
        });
      });
    });
    assert.equal(content('/file')?.length, 100_003);
    process.cutPower();
    assert.equal(content('/file'), '0123456789');
  });

  const codesOfWrites = (process: SimulatedProcess, session: (body: (disk: Disk) => void) => void, count: number): string[] => {
    const codes: string[] = [];
    session((disk) => {
      disk.open('/file', 'write', (file) => {
        if (!file.ok) return;
        for (let i = 0; i < count; i++) {
          disk.write(file.value, i * 16_384, new Uint8Array(16_384), (result) => codes.push(result.ok ? 'ok' : result.error.code));
        }
      });
    });
    process.kill();
    return codes;
  };

  it('fills up, and goes on when there is room again', () => {
    const { process, session } = scene();
    process.disk.capacityBytes = 3 * 16_384;
    assert.deepEqual(codesOfWrites(process, session, 4), ['ok', 'ok', 'ok', 'full']);
    process.disk.capacityBytes *= 2;
    assert.deepEqual(codesOfWrites(process, session, 5), ['ok', 'ok', 'ok', 'ok', 'ok']);
    assert.equal(process.disk.usedBytes(), 5 * 16_384);
  });

  it('fails where a fault is injected', () => {
    const { process, session } = scene();
    process.diskFault = (operation, path) => (operation === 'write' && path === '/file' ? 'io' : null);
    assert.deepEqual(codesOfWrites(process, session, 2), ['io', 'io']);
  });
});
