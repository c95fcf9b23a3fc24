import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestFailure } from '../../data/network.ts';
import { passkeyHash, passkeyIdOf } from '../../domain/accounts/passkeys.ts';
import type { Disk } from '../../ports/disk.ts';
import { silentLog } from '../../ports/log.ts';
import type { PasskeySummary } from '../../protocol/control/messages.ts';
import { type Done, fail, ok } from '../../protocol/result.ts';
import type { Answer } from './asking.ts';
import { OwnPasskey } from './own-passkey.ts';

/** A network that gives passkeys, and a disk that outlives the node's processes. */
class Home {
  account: string | null = 'An';
  offline = false;
  stale = false;
  made = 0;
  readonly files = new Map<string, { bytes: Uint8Array; secret: boolean }>();
  passkeys: PasskeySummary[] = [];

  readonly #disk = {
    readFile: (path, _bytesMax, done) => {
      const file = this.files.get(path);
      done(file === undefined ? fail('missing', 'not there') : ok(file.bytes));
    },
    writeFile: (path, bytes, options, done) => {
      this.files.set(path, { bytes, secret: options.secret === true });
      done(ok(undefined));
    },
  } as Partial<Disk> as Disk;

  start(): OwnPasskey {
    return new OwnPasskey({
      disk: this.#disk,
      log: silentLog,
      dataFolder: '/data',
      device: 'an-pc',
      account: () => this.account,
      makeNew: (device, done) => done(this.#answer(() => this.#make(device))),
      list: (done) => done(this.#answer(() => ({ passkeys: this.passkeys }))),
    });
  }

  #make(device: string): Answer<'passkey.new'>['value'] {
    const passkey = (++this.made).toString(16).padStart(32, '0');
    const id = passkeyIdOf(passkeyHash(passkey));
    this.passkeys = [{ id, device, createdMs: 1, expiresMs: null }];
    return { passkey, id, device, replacedUntilMs: null };
  }

  #answer<T>(value: () => T): ReturnType<typeof ok<never>> | ReturnType<typeof fail<string>> {
    if (this.offline) return fail('offline', 'no proxy answers');
    return ok({ value: value(), tail: new Uint8Array(0), epoch: 1, stale: this.stale, durability: 'replicated' } as never);
  }
}

const get = (own: OwnPasskey): string => {
  let answer: Parameters<Done<string, RequestFailure>>[0] | null = null;
  own.get((result) => (answer = result));
  const result = answer as Parameters<Done<string, RequestFailure>>[0] | null;
  assert.ok(result !== null);
  return result.ok ? result.value : result.error.code;
};
const nth = (n: number): string => n.toString(16).padStart(32, '0');

test('a node asks for its passkey once, and keeps it across restarts in a file of its own user', () => {
  const home = new Home();
  const own = home.start();
  assert.equal(get(own), nth(1));
  assert.equal(get(own), nth(1));
  assert.equal(get(home.start()), nth(1));
  assert.equal(home.files.get('/data/passkey.json')?.secret, true);
  assert.equal(home.made, 1);
});

test('one that was revoked, or replaced elsewhere, is asked for anew; while nobody can say so it is taken as it is', () => {
  const home = new Home();
  const own = home.start();
  get(own);
  home.passkeys = [];
  home.stale = true;
  assert.equal(get(own), nth(1), 'a follower may lack the newest');
  home.stale = false;
  home.offline = true;
  assert.equal(get(own), nth(1));
  home.offline = false;
  assert.equal(get(own), nth(2));
  home.passkeys = home.passkeys.map((passkey) => ({ ...passkey, expiresMs: 5 }));
  assert.equal(get(own), nth(3));
});

test('another account has another passkey, and nobody has none', () => {
  const home = new Home();
  const own = home.start();
  get(own);
  home.account = 'Eve';
  assert.equal(get(own), nth(2));
  home.account = null;
  home.offline = true;
  assert.equal(get(own), 'offline', 'the network says why');
});

test('a passkey that the user makes for this very device is the node’s from then on, one for another device is not', () => {
  const home = new Home();
  const own = home.start();
  const value = { passkey: nth(9), id: passkeyIdOf(passkeyHash(nth(9))), device: 'AN-PC', replacedUntilMs: null };
  own.made('An', { ...value, passkey: nth(8), device: 'laptop' }, () => {});
  assert.equal(home.files.size, 0);
  own.made('An', value, () => {});
  home.passkeys = [{ id: value.id, device: 'AN-PC', createdMs: 1, expiresMs: null }];
  assert.equal(get(own), nth(9));
  assert.equal(home.made, 0);
});

test('a damaged file is no passkey', () => {
  const home = new Home();
  for (const text of ['', '{', '{"version":1,"account":"An","passkey":"short"}', '{"version":2}']) {
    home.files.set('/data/passkey.json', { bytes: new Uint8Array(Buffer.from(text)), secret: true });
    assert.equal(get(home.start()), nth(home.made), text);
  }
  assert.equal(home.made, 4);
});
