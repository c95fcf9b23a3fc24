/** What this node owns no more and the network has not been told yet: `removals.json`, kept across restarts. */
import { z } from 'zod';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';

export interface Removal {
  /** The content's id in the catalog. */
  readonly content: string;
  /** The account under which the catalog names this node; null where that is not known. */
  readonly account: string | null;
}

/** Removals that wait; the oldest go first. */
export const REMOVALS_MAX = 10_000;
const FILE_BYTES_MAX = 16 * 1024 * 1024;

const schema = z.object({
  version: z.literal(1),
  removals: z.array(z.object({ content: z.string().max(64), account: z.string().max(512).nullable() })).max(REMOVALS_MAX),
});

const parse = (bytes: Uint8Array): readonly Removal[] | null => {
  try {
    const read = schema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return read.success ? read.data.removals : null;
  } catch {
    return null;
  }
};

export class RemovalsFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #log: Log;
  #newest: readonly Removal[] | null = null;
  #writing = false;
  #waiting: (() => void)[] = [];

  constructor(disk: Disk, path: string, log: Log) {
    this.#disk = disk;
    this.#path = path;
    this.#log = log;
  }

  /** What cannot be read is logged and costs owners in the catalog that are none, nothing else. */
  load(done: (removals: readonly Removal[]) => void): void {
    this.#disk.readFile(this.#path, FILE_BYTES_MAX, (bytes) => {
      const removals = bytes.ok ? parse(bytes.value) : null;
      if (removals === null && (bytes.ok || bytes.error.code !== 'missing'))
        this.#log.error({ file: this.#path }, 'What the catalog is to forget could not be read');
      done(removals ?? []);
    });
  }

  /** Replaces the file. Answers when it holds these or newer ones, or cannot be written, which is logged. */
  save(removals: readonly Removal[], done: () => void): void {
    this.#newest = removals;
    this.#waiting.push(done);
    this.#write();
  }

  #write(): void {
    if (this.#writing || this.#newest === null) return;
    this.#writing = true;
    const removals = this.#newest;
    const answers = this.#waiting.splice(0);
    this.#newest = null;
    this.#disk.writeFile(this.#path, Buffer.from(JSON.stringify({ version: 1, removals })), {}, (written) => {
      if (!written.ok)
        this.#log.warn({ file: this.#path, reason: written.error.message }, 'What the catalog is to forget could not be kept');
      this.#writing = false;
      for (const answer of answers) answer();
      this.#write();
    });
  }
}
