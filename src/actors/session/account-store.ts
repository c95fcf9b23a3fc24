/** Who is signed in at this node, kept across restarts: `session.json` in the data folder, mode 0600. */
import { z } from 'zod';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';

export interface SignedIn {
  readonly account: string;
  readonly admin: boolean;
  /** Secret. */
  readonly token: string;
  readonly expiresMs: number;
}

const FILE_BYTES_MAX = 65_536;
const schema = z.object({
  version: z.literal(1),
  account: z.string().max(512),
  admin: z.boolean(),
  token: z.string().min(1).max(1_024),
  expiresMs: z.int(),
});

export class AccountStore {
  #current: SignedIn | null = null;
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #path: string;

  constructor(disk: Disk, log: Log, dataFolder: string) {
    this.#disk = disk;
    this.#log = log;
    this.#path = `${dataFolder}/session.json`;
  }

  get current(): SignedIn | null {
    return this.#current;
  }

  /** Reads what an earlier process kept. A file that cannot be read means that nobody is signed in. */
  load(done: () => void): void {
    this.#disk.readFile(this.#path, FILE_BYTES_MAX, (result) => {
      if (result.ok) this.#current = this.#parse(result.value);
      else if (result.error.code !== 'missing') this.#log.warn({ reason: result.error.message }, 'the kept session cannot be read');
      done();
    });
  }

  /** Answers when it is on disk, or could not be put there (then it lasts as long as the process). */
  set(signedIn: SignedIn | null, done: () => void): void {
    this.#current = signedIn;
    const answered = (result: { readonly ok: boolean; readonly error?: { readonly message: string } }): void => {
      if (!result.ok) this.#log.warn({ reason: result.error?.message }, 'the session cannot be kept across a restart');
      done();
    };
    if (signedIn === null) return this.#disk.remove(this.#path, answered);
    const text = `${JSON.stringify({ version: 1, ...signedIn }, null, 2)}\n`;
    this.#disk.writeFile(this.#path, new Uint8Array(Buffer.from(text, 'utf8')), { secret: true }, answered);
  }

  #parse(bytes: Uint8Array): SignedIn | null {
    let json: unknown = null;
    try {
      json = JSON.parse(Buffer.from(bytes).toString('utf8'));
    } catch {
      // Falls through to the schema, which refuses null.
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success) {
      this.#log.warn({}, 'the kept session is damaged; sign in again');
      return null;
    }
    const { account, admin, token, expiresMs } = parsed.data;
    return { account, admin, token, expiresMs };
  }
}
