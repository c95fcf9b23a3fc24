/** The passkey of this node itself, with which it writes torrent files for other clients: `passkey.json`, mode 0600. */
import { z } from 'zod';
import type { RequestFailure } from '../../data/network.ts';
import { foldName } from '../../domain/accounts/names.ts';
import { isPasskey, passkeyHash, passkeyIdOf } from '../../domain/accounts/passkeys.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import type { OperationResults } from '../../protocol/control/messages.ts';
import { type Done, fail, ok } from '../../protocol/result.ts';
import type { Answer } from './asking.ts';

export interface OwnPasskeyWays {
  readonly disk: Disk;
  readonly log: Log;
  readonly dataFolder: string;
  /** The node's name. */
  readonly device: string;
  /** Who is signed in. */
  readonly account: () => string | null;
  readonly makeNew: (device: string, done: Done<Answer<'passkey.new'>, RequestFailure>) => void;
  readonly list: (done: Done<Answer<'passkeys'>, RequestFailure>) => void;
}

interface Kept {
  readonly account: string;
  /** Secret. */
  readonly passkey: string;
}

const FILE_BYTES_MAX = 4_096;
const WAITING_MAX = 100;
const schema = z.object({ version: z.literal(1), account: z.string().max(512), passkey: z.string().refine(isPasskey) });

export class OwnPasskey {
  readonly #ways: OwnPasskeyWays;
  readonly #path: string;
  #kept: Kept | null = null;
  #loaded = false;
  readonly #waiting: Done<string, RequestFailure>[] = [];

  constructor(ways: OwnPasskeyWays) {
    this.#ways = ways;
    this.#path = `${ways.dataFolder}/passkey.json`;
  }

  /** The passkey; asked for on first use, and again where the network does not take the one of before any more. */
  get(done: Done<string, RequestFailure>): void {
    if (this.#waiting.length >= WAITING_MAX) return done(fail('busy', 'The node is asking for its passkey already.'));
    if (this.#waiting.push(done) > 1) return;
    this.#load(() => this.#check());
  }

  /** A passkey was made at this node: where it is for this device, it has taken the place of the one that was kept. */
  made(account: string | null, { device, passkey }: OperationResults['passkey.new'], then: () => void): void {
    if (account === null || foldName(device) !== foldName(this.#ways.device)) return then();
    this.#keep({ account, passkey }, then);
  }

  /** What is kept may have been revoked or replaced elsewhere: the list of the account says so. */
  #check(): void {
    const account = this.#ways.account();
    const kept = this.#kept;
    if (account === null || kept === null || kept.account !== account) return this.#make();
    const id = passkeyIdOf(passkeyHash(kept.passkey));
    this.#ways.list((result) => {
      const isGone =
        result.ok && !result.value.stale && !result.value.value.passkeys.some((passkey) => passkey.id === id && passkey.expiresMs === null);
      if (isGone) this.#make();
      else this.#answer(ok(kept.passkey));
    });
  }

  #make(): void {
    this.#ways.makeNew(this.#ways.device, (result) => {
      if (!result.ok) return this.#answer(result);
      const { value } = result.value;
      this.made(this.#ways.account(), value, () => this.#answer(ok(value.passkey)));
    });
  }

  #answer(result: Parameters<Done<string, RequestFailure>>[0]): void {
    for (const done of this.#waiting.splice(0)) done(result);
  }

  #load(then: () => void): void {
    if (this.#loaded) return then();
    const { disk, log } = this.#ways;
    disk.readFile(this.#path, FILE_BYTES_MAX, (result) => {
      this.#loaded = true;
      if (result.ok) this.#kept ??= parse(result.value);
      if (result.ok ? this.#kept === null : result.error.code !== 'missing')
        log.warn({}, 'the passkey that this node kept cannot be read; it asks for another');
      then();
    });
  }

  /** Where it cannot be put on disk it lasts as long as the process. */
  #keep(kept: Kept, then: () => void): void {
    const { disk, log } = this.#ways;
    this.#kept = kept;
    this.#loaded = true;
    const text = `${JSON.stringify({ version: 1, ...kept }, null, 2)}\n`;
    disk.writeFile(this.#path, new Uint8Array(Buffer.from(text, 'utf8')), { secret: true }, (result) => {
      if (!result.ok) log.warn({ reason: result.error.message }, 'the passkey of this node cannot be kept across a restart');
      then();
    });
  }
}

const parse = (bytes: Uint8Array): Kept | null => {
  let json: unknown = null;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // Falls through to the schema, which refuses null.
  }
  const parsed = schema.safeParse(json);
  return parsed.success ? { account: parsed.data.account, passkey: parsed.data.passkey } : null;
};
