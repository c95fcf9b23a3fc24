import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeControl, encodeControl, type EncodedFrame, KIND_BYTES } from './codec.ts';
import type { GuestFrame } from './guest.ts';
import { GUEST_HASHES_MAX, GUEST_PEERS_MAX } from './limits.ts';

const bodyOf = (encoded: EncodedFrame): Uint8Array => new Uint8Array(Buffer.concat(encoded.parts));
const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((raw) => Buffer.from(raw).toString('hex'));
const integer = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const u32 = fc.nat({ max: 0xffff_ffff });
const u16 = fc.nat({ max: 0xffff });
const failure = fc.oneof(
  fc.constant({ kind: 'later' as const }),
  fc
    .constantFrom('passkey' as const, 'disabled' as const, 'closed' as const, 'unregistered' as const)
    .map((why) => ({ kind: 'refused' as const, why })),
);
const counts = fc.option(fc.record({ seeders: u32, leechers: u32, completed: integer }));
const peer = fc.record({ peerId: fc.option(hex(20)), host: fc.oneof(fc.ipV4(), fc.ipV6()), port: u16, seeder: fc.boolean() });

const guest: fc.Arbitrary<GuestFrame> = fc.oneof(
  fc.record({
    kind: fc.constant('guestAnnounce' as const),
    nonce: integer,
    passkeyHash: fc.option(hex(32)),
    infoHash: hex(20),
    peerId: hex(20),
    key: fc.oneof(hex(4), fc.string({ maxLength: 32 })),
    host: fc.oneof(fc.ipV4(), fc.ipV6()),
    port: u16,
    event: fc.constantFrom('none' as const, 'started' as const, 'completed' as const, 'stopped' as const, 'paused' as const),
    leftBytes: fc.option(integer),
    uploadedBytes: integer,
    downloadedBytes: integer,
    want: u16,
    family: fc.constantFrom('any' as const, 'v4' as const, 'v6' as const),
    replay: fc.boolean(),
    silentMs: u32,
  }),
  fc.record({
    kind: fc.constant('guestAnnounced' as const),
    nonce: integer,
    outcome: fc.oneof(
      failure,
      fc.record({
        kind: fc.constant('peers' as const),
        intervalSeconds: u32,
        minIntervalSeconds: u32,
        seeders: u32,
        leechers: u32,
        completed: integer,
        peers: fc.array(peer, { maxLength: 9 }),
      }),
    ),
  }),
  fc.record({
    kind: fc.constant('guestScrape' as const),
    nonce: integer,
    passkeyHash: fc.option(hex(32)),
    infoHashes: fc.array(hex(20), { maxLength: GUEST_HASHES_MAX }),
  }),
  fc.record({
    kind: fc.constant('guestScraped' as const),
    nonce: integer,
    outcome: fc.oneof(
      failure,
      fc.record({ kind: fc.constant('counts' as const), swarms: fc.array(counts, { maxLength: GUEST_HASHES_MAX }) }),
    ),
  }),
);

test('every frame about guests comes back as it was sent, on the proxy link alone', () => {
  fc.assert(
    fc.property(guest, (frame) => {
      const encoded = encodeControl(frame);
      const decoded = decodeControl('proxy', encoded.kind, bodyOf(encoded));
      assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message);
      assert.equal(JSON.stringify(decoded.value), JSON.stringify(frame));
      assert.ok(!decodeControl('member', encoded.kind, bodyOf(encoded)).ok);
    }),
    { numRuns: 400 },
  );
});

test('one that is cut short, or has a byte more, is a violation', () => {
  fc.assert(
    fc.property(guest, fc.nat(), (frame, cut) => {
      const encoded = encodeControl(frame);
      const body = bodyOf(encoded);
      assert.ok(!decodeControl('proxy', encoded.kind, body.subarray(0, cut % body.length)).ok);
      assert.ok(!decodeControl('proxy', encoded.kind, Buffer.concat([body, Buffer.of(0)])).ok);
    }),
  );
});

test('no bytes make the decoder throw, and what it takes can be sent on', () => {
  const kinds = fc.constantFrom(KIND_BYTES.guestAnnounce, KIND_BYTES.guestAnnounced, KIND_BYTES.guestScrape, KIND_BYTES.guestScraped);
  fc.assert(
    fc.property(
      kinds,
      fc.oneof(
        fc.uint8Array({ maxLength: 400 }),
        guest.map((frame) => bodyOf(encodeControl(frame))),
      ),
      (kind, body) => {
        const decoded = decodeControl('proxy', kind, body);
        if (decoded.ok) encodeControl(decoded.value);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('the most peers that an answer may have fit, one more does not', () => {
  const answer = (count: number): GuestFrame => ({
    kind: 'guestAnnounced',
    nonce: 1,
    outcome: {
      kind: 'peers',
      intervalSeconds: 300,
      minIntervalSeconds: 30,
      seeders: 0,
      leechers: count,
      completed: 0,
      peers: Array.from({ length: count }, () => ({ peerId: null, host: '10.0.0.1', port: 1, seeder: false })),
    },
  });
  const taken = (count: number): boolean => {
    const encoded = encodeControl(answer(count));
    return decodeControl('proxy', encoded.kind, bodyOf(encoded)).ok;
  };
  assert.deepEqual([taken(GUEST_PEERS_MAX), taken(GUEST_PEERS_MAX + 1)], [true, false]);
});
