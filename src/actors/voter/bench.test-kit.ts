/** A reactor, a virtual clock and a disk of files in memory: all that a test of one actor needs. */
import { Reactor } from '../../bus/reactor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import { type Due, DueHeap } from '../../ports/due-heap.ts';
import { fail, ok, type Result } from '../../protocol/result.ts';

/** Time that moves only when the test says so. */
export class Bench {
  readonly heap = new DueHeap();
  #now = 0;
  readonly reactor = new Reactor(() => this.#now);
  readonly #timers = new Map<number, Due>();
  #ids = 0;

  readonly clock: Clock = {
    now: () => this.reactor.now(),
    wallNow: () => 1_700_000_000_000,
    setTimer: (delay, fire) => {
      const id = ++this.#ids;
      this.#timers.set(id, this.later(delay, fire));
      return id;
    },
    clearTimer: (id) => {
      const due = this.#timers.get(id);
      if (due) this.heap.remove(due);
    },
  };

  /** A step now. */
  step(run: () => void): void {
    this.reactor.step({ port: 'process', id: 0, kind: 'test' }, run);
  }

  /** A step after a while. */
  later(delay: number, run: () => void): Due {
    return this.heap.add(this.#now + delay, () => this.step(run));
  }

  /** Runs what is due within so many milliseconds. */
  run(ms: number): void {
    const end = this.#now + ms * 1_000;
    for (let due = this.heap.first(); due && due.at <= end; due = this.heap.first()) {
      this.heap.take();
      this.#now = due.at;
      due.fire();
    }
    this.#now = end;
  }
}

/** Files in memory, as much of the disk port as voters and the quarantine use. What was written is synced. */
export class FakeDisk {
  readonly files: Map<string, Uint8Array>;
  readonly #later: (run: () => void) => void;
  /** The next writes fail with this many left to succeed; null where all succeed. */
  writesLeft: number | null = null;
  readonly #isFull: () => boolean;
  readonly #open = new Map<number, string>();
  #handles = 0;

  constructor(files: Map<string, Uint8Array>, later: (run: () => void) => void, isFull: () => boolean = () => false) {
    this.files = files;
    this.#later = later;
    this.#isFull = isFull;
  }

  makeFolder(_path: string, done: (result: Result<void, never>) => void): void {
    this.#later(() => done(ok(undefined)));
  }

  open(path: string, _mode: string, done: (result: Result<number, never>) => void): void {
    this.#later(() => {
      this.#open.set(++this.#handles, path);
      done(ok(this.#handles));
    });
  }

  write(file: number, offset: number, bytes: Uint8Array, done: (result: Result<void, never>) => void): void {
    this.#later(() => {
      const path = this.#open.get(file) as string;
      const before = this.files.get(path) ?? new Uint8Array(0);
      if (this.#isFull()) return done(fail('full', 'the disk is full') as Result<void, never>);
      const after = new Uint8Array(Math.max(before.length, offset + bytes.length));
      after.set(before);
      after.set(bytes, offset);
      this.files.set(path, after);
      done(ok(undefined));
    });
  }

  sync(_file: number, done: (result: Result<void, never>) => void): void {
    this.#later(() => done(ok(undefined)));
  }

  close(file: number, done: (result: Result<void, never>) => void): void {
    this.#later(() => {
      this.#open.delete(file);
      done(ok(undefined));
    });
  }

  remove(path: string, done: (result: Result<void, never>) => void): void {
    this.#later(() => {
      this.files.delete(path);
      done(ok(undefined));
    });
  }

  readFile(path: string, _bytesMax: number, done: (result: Result<Uint8Array, never>) => void): void {
    this.#later(() => {
      const bytes = this.files.get(path);
      done((bytes ? ok(bytes.slice()) : fail('missing', `${path} is missing`)) as Result<Uint8Array, never>);
    });
  }

  writeFile(path: string, bytes: Uint8Array, _options: object, done: (result: Result<void, never>) => void): void {
    this.#later(() => {
      if (this.writesLeft === 0 || this.#isFull()) {
        done(fail('full', 'the disk is full') as Result<void, never>);
        return;
      }
      if (this.writesLeft !== null) this.writesLeft--;
      this.files.set(path, bytes.slice());
      done(ok(undefined));
    });
  }

  stat(path: string, done: (result: Result<object, never>) => void): void {
    this.#later(() => done((this.files.has(path) ? ok({}) : fail('missing', 'missing')) as Result<object, never>));
  }

  rename(from: string, to: string, done: (result: Result<void, never>) => void): void {
    this.#later(() => {
      const bytes = this.files.get(from);
      if (!bytes) {
        done(fail('missing', 'missing') as Result<void, never>);
        return;
      }
      this.files.delete(from);
      this.files.set(to, bytes);
      done(ok(undefined));
    });
  }

  /** As the port. What a voter does not use is not there. */
  get port(): Disk {
    return this as unknown as Disk;
  }
}
