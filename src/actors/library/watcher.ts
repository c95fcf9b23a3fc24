/** A folder in which torrents and magnets are dropped: looked at every few seconds, each taken once, when it is complete. */
import { each } from '../../data/each.ts';
import { type Clock, seconds, type TimerId } from '../../ports/clock.ts';
import type { Disk, FileStat } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import { type Done, ok } from '../../protocol/result.ts';
import { joinPath } from '../transfer/placement.ts';

export interface WatcherSettings {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly log: Log;
  /** Absolute. */
  readonly folder: string;
  readonly seconds: number;
  /** What was taken is deleted; otherwise it gets another name. */
  readonly delete: boolean;
  readonly torrentBytesMax: number;
  /** Takes the bytes of a torrent file, or a link. Errors: those of the call behind it. */
  take(dropped: { readonly torrent: Uint8Array } | { readonly magnet: string }, done: Done<unknown>): void;
}

const MAGNET_BYTES_MAX = 64 * 1024;
/** Files that are taken at one look; the others at the next. */
const TAKEN_PER_LOOK_MAX = 100;
/** The network, or the node, is not ready: tried again at the next look. */
const PASSING: ReadonlySet<string> = new Set(['offline', 'not-logged-in', 'indeterminate', 'busy', 'unavailable', 'degraded']);

/** What is looked at: by how its name ends. */
const kindOf = (name: string): 'torrent' | 'magnet' | null =>
  name.startsWith('.') ? null : /\.torrent$/iu.test(name) ? 'torrent' : /\.magnet$/iu.test(name) ? 'magnet' : null;

export class Watcher {
  readonly #settings: WatcherSettings;
  /** How each looked at the last look: one that still grows is left alone. */
  #seen = new Map<string, Pick<FileStat, 'size' | 'modifiedMs'>>();
  /** Those that wait for the network, so that the log says so once. */
  readonly #waiting = new Set<string>();
  #timer: TimerId | null = null;
  #stopped = false;
  #folderMissing = false;

  constructor(settings: WatcherSettings) {
    this.#settings = settings;
  }

  start(): void {
    this.#settings.disk.makeFolder(this.#settings.folder, (made) => {
      if (!made.ok)
        this.#settings.log.warn({ folder: this.#settings.folder, reason: made.error.message }, 'The watched folder cannot be made');
      this.#look();
    });
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) this.#settings.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #later(): void {
    if (!this.#stopped) this.#timer = this.#settings.clock.setTimer(seconds(this.#settings.seconds), () => this.#look());
  }

  #look(): void {
    const { disk, folder, log } = this.#settings;
    if (this.#stopped) return;
    disk.list(folder, (listed) => {
      if (!listed.ok) {
        if (!this.#folderMissing) log.warn({ folder, reason: listed.error.message }, 'The watched folder cannot be looked at');
        this.#folderMissing = true;
        return this.#later();
      }
      this.#folderMissing = false;
      const names = listed.value.filter(({ kind, name }) => kind === 'file' && kindOf(name) !== null).map(({ name }) => name);
      const now = new Map<string, Pick<FileStat, 'size' | 'modifiedMs'>>();
      let taken = 0;
      const see = (name: string, next: Done<void, never>): void =>
        disk.stat(joinPath(folder, name), (stat) => {
          if (!stat.ok) return next(ok(undefined));
          const { modifiedMs, size } = stat.value;
          const before = this.#seen.get(name);
          now.set(name, { size, modifiedMs });
          const settled = before !== undefined && before.size === size && before.modifiedMs === modifiedMs;
          if (!settled || size === 0 || taken++ >= TAKEN_PER_LOOK_MAX || this.#stopped) return next(ok(undefined));
          return this.#read(name, () => next(ok(undefined)));
        });
      return each(names.toSorted(), see, () => {
        this.#seen = now;
        for (const name of this.#waiting) if (!now.has(name)) this.#waiting.delete(name);
        this.#later();
      });
    });
  }

  #read(name: string, done: () => void): void {
    const { disk, folder, torrentBytesMax } = this.#settings;
    const torrent = kindOf(name) === 'torrent';
    disk.readFile(joinPath(folder, name), torrent ? torrentBytesMax : MAGNET_BYTES_MAX, (read) => {
      if (!read.ok) return this.#failed(name, read.error.message, done);
      const dropped = torrent ? { torrent: read.value } : { magnet: Buffer.from(read.value).toString('utf8').trim() };
      return this.#settings.take(dropped, (taken) => {
        if (taken.ok) this.#took(name, done);
        else if (PASSING.has(taken.error.code)) this.#waits(name, taken.error.message, done);
        else this.#failed(name, taken.error.message, done);
      });
    });
  }

  #took(name: string, done: () => void): void {
    const { disk, folder, log } = this.#settings;
    log.info({ file: name }, 'Taken from the watched folder');
    const path = joinPath(folder, name);
    const over = this.#over(name, done);
    if (this.#settings.delete) disk.remove(path, over);
    else disk.rename(path, `${path}.added`, over);
  }

  #waits(name: string, reason: string, done: () => void): void {
    if (!this.#waiting.has(name)) this.#settings.log.info({ file: name, reason }, 'A file in the watched folder waits');
    this.#waiting.add(name);
    done();
  }

  #failed(name: string, reason: string, done: () => void): void {
    const { disk, folder, log } = this.#settings;
    log.warn({ file: name, reason }, 'A file in the watched folder cannot be taken; it is called .failed now');
    const path = joinPath(folder, name);
    disk.rename(path, `${path}.failed`, this.#over(name, done));
  }

  /** What can be neither renamed nor deleted would be taken at every look: that ends the watch. */
  #over(name: string, done: () => void): Done<void> {
    return (result) => {
      this.#waiting.delete(name);
      if (!result.ok) {
        this.#settings.log.error(
          { file: name, reason: result.error.message },
          'The watched folder is watched no more: its files cannot be renamed',
        );
        this.stop();
      }
      done();
    };
  }
}
