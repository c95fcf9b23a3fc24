import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { cryptoContract } from '../ports/crypto.contract.ts';
import type { CryptoFailure } from '../ports/crypto.ts';
import { ask } from '../ports/harness.contract.ts';
import { toHex } from '../protocol/digest.ts';
import type { Result } from '../protocol/result.ts';
import { type CryptoOptions, createCrypto } from './crypto.ts';
import { systemHarness } from './harness.contract.ts';
import { moduleUrl } from './source-url.ts';

const setup = (options: CryptoOptions) => {
  const harness = systemHarness(() => crypto.close());
  const crypto = createCrypto(harness.reactor, options);
  return { ...harness, crypto, passwordsMax: (options.passwordsUnderWayMax ?? 2) + (options.passwordQueueMax ?? 256) };
};

cryptoContract('system', () => setup({ passwordsUnderWayMax: 2, passwordQueueMax: 6 }));

describe('system crypto', () => {
  it('is argon2id', async () => {
    // A vector of the reference implementation (phc-winner-argon2, src/test.c).
    const { crypto, ...harness } = setup({});
    const salt = new TextEncoder().encode('somesalt');
    const tag = await ask<Result<Uint8Array, CryptoFailure>>(harness, (done) =>
      crypto.hashPassword('password', salt, { memoryKib: 256, passes: 2, lanes: 1 }, done),
    );
    assert.equal(tag.ok && toHex(tag.value), '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe');
    await harness.close();
  });

  it('keeps the process alive while it hashes a piece, and not afterwards', { timeout: 30_000 }, () => {
    const program = `
      Promise.all(process.argv.slice(1).map((url) => import(url))).then(([{ Reactor }, { monotonicMicros }, { createCrypto }]) => {
        const reactor = new Reactor(monotonicMicros);
        const crypto = createCrypto(reactor);
        const plan = { sha1: true, merkleLeaves: 0, sha1ZeroTail: 0 };
        reactor.step({ port: 'process', id: 0, kind: 'test' }, () =>
          crypto.pieceDigests(crypto.allocate(10), plan, (result) => console.log(result.ok)));
      });
    `;
    const modules = ['../bus/reactor', './clock', './crypto'].map((path) => moduleUrl(path, import.meta.url).href);
    assert.equal(execFileSync(process.execPath, ['-e', program, ...modules], { encoding: 'utf8', timeout: 20_000 }), 'true\n');
  });

  it('fails with busy when too many pieces wait', async () => {
    const { crypto, ...harness } = setup({ hashQueueMax: 2 });
    const codes: string[] = [];
    harness.inStep(() => {
      for (let i = 0; i < 3; i++) {
        crypto.pieceDigests(crypto.allocate(10), { sha1: true, merkleLeaves: 0, sha1ZeroTail: 0 }, (result) =>
          codes.push(result.ok ? 'ok' : result.error.code),
        );
      }
    });
    await harness.until(() => codes.length === 3);
    assert.deepEqual(codes.toSorted(), ['busy', 'ok', 'ok']);
    await harness.close();
  });
});
