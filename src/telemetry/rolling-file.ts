import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, symlinkSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface RollingFileSettings {
  /** The files stand here, `<name>.<number>.log`; made where it is missing. */
  readonly folder: string;
  readonly name: string;
  /** A link to the file that is being written. */
  readonly link: string;
  readonly bytesMax: number;
  /** Older files that are kept beside the one being written. */
  readonly olderMax: number;
}

/**
 * A file of lines that begins anew when it has grown to its limit; the oldest are removed. Lines are written at once, so
 * that a crash loses none. What cannot be written (a full disk) is dropped: that must not end the process that would
 * report it.
 */
export class RollingFile {
  readonly #settings: RollingFileSettings;
  #number: number;
  #bytes = 0;
  #file: number | null = null;

  /** @throws where the folder cannot be made or written. */
  constructor(settings: RollingFileSettings) {
    this.#settings = settings;
    mkdirSync(settings.folder, { recursive: true });
    this.#number = Math.max(1, ...this.#numbers());
    this.#file = this.#open();
  }

  write(line: string): void {
    if (this.#file === null) return;
    try {
      const bytes = Buffer.from(line);
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#settings.bytesMax) this.#roll();
      this.#bytes += writeSync(this.#file, bytes);
    } catch {
      // See above.
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #numbers(): number[] {
    const { folder, name } = this.#settings;
    return readdirSync(folder).flatMap((entry) => {
      const number = entry.startsWith(`${name}.`) && entry.endsWith('.log') ? entry.slice(name.length + 1, -'.log'.length) : '';
      return /^\d{1,15}$/u.test(number) ? [Number(number)] : [];
    });
  }

  #pathOf(number: number): string {
    return join(this.#settings.folder, `${this.#settings.name}.${number}.log`);
  }

  #roll(): void {
    const before = this.#file;
    this.#number++;
    this.#file = this.#open();
    if (before !== null) closeSync(before);
    const old = this.#numbers().sort((a, b) => a - b);
    for (const number of old.slice(0, Math.max(0, old.length - 1 - this.#settings.olderMax))) rmSync(this.#pathOf(number), { force: true });
  }

  #open(): number {
    const path = this.#pathOf(this.#number);
    const file = openSync(path, 'a');
    this.#bytes = statSync(path).size;
    const { folder, link, name } = this.#settings;
    try {
      rmSync(link, { force: true });
      symlinkSync(join(basename(folder), `${name}.${this.#number}.log`), link);
    } catch {
      // A system without links (Windows without the right to them): the numbered files are there all the same.
    }
    return file;
  }
}
