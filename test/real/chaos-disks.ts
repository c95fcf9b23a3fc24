/** A small file system that a test can fill: where the user may mount one. */
import { spawnSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEBIBYTES = 64;
const BALLAST = 'ballast';

const run = (command: string, ...args: readonly string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

export class Disk {
  readonly folder: string;
  #mounted = true;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Why there can be none here; null where there can. */
  static whyNot(): string | null {
    if (process.getuid?.() !== 0) return 'only root may mount a small file system';
    const folder = mkdtempSync(join(tmpdir(), 'shoal-mount-'));
    try {
      if (!run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder)) return 'this machine lets nobody mount a tmpfs';
      run('umount', folder);
      return null;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Mounts one over this folder; what is in the folder is copied into it. */
  static mount(folder: string): Disk {
    const before = mkdtempSync(join(tmpdir(), 'shoal-before-'));
    cpSync(folder, before, { recursive: true });
    const mounted = run('mount', '-t', 'tmpfs', '-o', `size=${MEBIBYTES}m,mode=700`, 'tmpfs', folder);
    if (!mounted) throw new Error(`No tmpfs could be mounted on ${folder}`);
    cpSync(before, folder, { recursive: true });
    rmSync(before, { recursive: true, force: true });
    return new Disk(folder);
  }

  /** Takes all the room there is. */
  fill(): void {
    const file = openSync(join(this.folder, BALLAST), 'a');
    try {
      for (let bytes = 1_048_576; bytes >= 512; bytes /= 2) {
        const chunk = Buffer.alloc(bytes);
        while (this.#written(file, chunk));
      }
    } finally {
      closeSync(file);
    }
  }

  /** Gives it back. */
  clear(): void {
    rmSync(join(this.folder, BALLAST), { force: true });
  }

  /** `keep`: its files stay in the folder below. Safe to call twice. */
  unmount(keep: boolean): void {
    if (!this.#mounted) return;
    this.#mounted = false;
    this.clear();
    const kept = keep ? mkdtempSync(join(tmpdir(), 'shoal-kept-')) : null;
    if (kept !== null) cpSync(this.folder, kept, { recursive: true });
    if (!run('umount', this.folder)) run('umount', '-l', this.folder);
    if (kept === null) return;
    mkdirSync(this.folder, { recursive: true });
    for (const name of readdirSync(kept)) cpSync(join(kept, name), join(this.folder, name), { recursive: true });
    rmSync(kept, { recursive: true, force: true });
  }

  #written(file: number, chunk: Buffer): boolean {
    try {
      return writeSync(file, chunk) === chunk.length;
    } catch {
      return false;
    }
  }
}
