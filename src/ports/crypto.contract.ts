import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sha1, sha256, toHex } from '../protocol/digest.ts';
import type { Result } from '../protocol/result.ts';
import type { Crypto, CryptoFailure, PasswordCost, PieceDigests } from './crypto.ts';
import { ask, type Harness } from './harness.contract.ts';

/** `passwordsMax`: how many passwords may be hashed or wait at once. */
type Setup = () => Harness & { readonly crypto: Crypto; readonly passwordsMax: number };

/** The least that argon2 takes: these tests want many. */
const cheap: PasswordCost = { memoryKib: 8, passes: 1, lanes: 1 };

const value = <T>(result: Result<T, CryptoFailure>): T => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};

const leafBytes = 16 * 1024;
const node = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(Buffer.concat([left, right]));
const zeroHash = new Uint8Array(32);

/** What every crypto port does. */
export const cryptoContract = (name: string, setup: Setup): void => {
  describe(`crypto contract: ${name}`, () => {
    const scene = async (body: (harness: ReturnType<Setup>) => Promise<void>): Promise<void> => {
      const harness = setup();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    };
    const digests = (
      harness: ReturnType<Setup>,
      ...[bytes, plan]: [Uint8Array, Parameters<Crypto['pieceDigests']>[1]]
    ): Promise<PieceDigests> =>
      ask<Result<PieceDigests, CryptoFailure>>(harness, (done) => harness.crypto.pieceDigests(bytes, plan, done)).then(value);
    const password = (harness: ReturnType<Setup>, text: string, salt: Uint8Array): Promise<Result<Uint8Array, CryptoFailure>> =>
      ask(harness, (done) => harness.crypto.hashPassword(text, salt, cheap, done));

    it('takes the SHA-1 of memory of its own, of a part of it, and of memory from elsewhere', () =>
      scene(async (harness) => {
        const plan = { sha1: true, merkleLeaves: 0, sha1ZeroTail: 0 };
        const own = harness.crypto.allocate(100_000);
        for (let i = 0; i < own.length; i++) own[i] = (i * 7) & 0xff;
        for (const bytes of [own, own.subarray(33, 70_000), new Uint8Array(own), new Uint8Array(0)]) {
          const { sha1: digest, merkleRoot } = await digests(harness, bytes, plan);
          assert.equal(toHex(digest as Uint8Array), toHex(sha1(new Uint8Array(bytes))));
          assert.equal(merkleRoot, null);
        }
      }));

    it('covers padding by zeros under SHA-1 (hybrid torrents)', () =>
      scene(async (harness) => {
        const data = harness.crypto.allocate(20_000).fill(5);
        for (const sha1ZeroTail of [1, 12_768, 100_000]) {
          const { sha1: digest } = await digests(harness, data, { sha1: true, merkleLeaves: 0, sha1ZeroTail });
          const padded = new Uint8Array(data.length + sha1ZeroTail);
          padded.set(data);
          assert.equal(toHex(digest as Uint8Array), toHex(sha1(padded)));
        }
      }));

    it('takes the merkle root of BEP 52: a short leaf as it is, missing leaves as zero hashes', () =>
      scene(async (harness) => {
        const data = harness.crypto.allocate(leafBytes + 100).fill(3);
        const first = sha256(new Uint8Array(leafBytes).fill(3));
        const second = sha256(new Uint8Array(100).fill(3));
        const expected = [
          [2, node(first, second)],
          [4, node(node(first, second), node(zeroHash, zeroHash))],
        ] as const;
        for (const [merkleLeaves, root] of expected) {
          const { sha1: digest, merkleRoot } = await digests(harness, data, { sha1: false, merkleLeaves, sha1ZeroTail: 0 });
          assert.equal(toHex(merkleRoot as Uint8Array), toHex(root));
          assert.equal(digest, null);
        }
        const { merkleRoot } = await digests(harness, data.subarray(0, leafBytes), { sha1: false, merkleLeaves: 1, sha1ZeroTail: 0 });
        assert.equal(toHex(merkleRoot as Uint8Array), toHex(first));
      }));

    it('answers each of many pieces with its own digest', () =>
      scene(async (harness) => {
        const got = new Map<number, string>();
        const pieces = Array.from({ length: 30 }, (_, i) => harness.crypto.allocate(30_000 - i).fill(i));
        harness.inStep(() => {
          for (const [i, piece] of pieces.entries()) {
            harness.crypto.pieceDigests(piece, { sha1: true, merkleLeaves: 2, sha1ZeroTail: 0 }, (result) =>
              got.set(i, toHex(value(result).sha1 as Uint8Array)),
            );
          }
        });
        await harness.until(() => got.size === pieces.length);
        for (const [i, piece] of pieces.entries()) assert.equal(got.get(i), toHex(sha1(new Uint8Array(piece))));
      }));

    it('hashes a password the same way again, and another or with another salt differently', () =>
      scene(async (harness) => {
        const salt = new Uint8Array(16).fill(1);
        const tag = value(await password(harness, 'mật khẩu', salt));
        assert.equal(tag.length, 32);
        assert.deepEqual(value(await password(harness, 'mật khẩu', salt)), tag);
        assert.notDeepEqual(value(await password(harness, 'mat khau', salt)), tag);
        assert.notDeepEqual(value(await password(harness, 'mật khẩu', new Uint8Array(16).fill(2))), tag);
      }));

    it('fails with busy when too many passwords wait, and serves those that were taken', () =>
      scene(async (harness) => {
        const codes: string[] = [];
        const asked = harness.passwordsMax + 5;
        harness.inStep(() => {
          for (let i = 0; i < asked; i++) {
            harness.crypto.hashPassword('secret', new Uint8Array(16), cheap, (result) => codes.push(result.ok ? 'ok' : result.error.code));
          }
        });
        await harness.until(() => codes.length === asked);
        assert.equal(codes.filter((code) => code === 'ok').length, harness.passwordsMax);
        assert.equal(codes.filter((code) => code === 'busy').length, 5);
        assert.ok((await password(harness, 'secret', new Uint8Array(16))).ok);
      }));

    it('gives secret bytes, never the same ones again', () =>
      scene(async (harness) => {
        harness.inStep(() => {
          const seen = new Set(Array.from({ length: 100 }, () => toHex(harness.crypto.secretBytes(16))));
          assert.equal(seen.size, 100);
          assert.equal(harness.crypto.secretBytes(37).length, 37);
        });
      }));
  });
};
