import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { PeerId, WireHash } from '../bittorrent/ids.ts';
import type { Result } from '../result.ts';
import type { AnnounceRequest } from './announce-query.ts';

export const valueOf = <T>(result: Result<T>): T => {
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
};

const bytes20 = fc.uint8Array({ minLength: 20, maxLength: 20 });
export const anyHash = bytes20.map((bytes) => bytes as WireHash);
const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 });
export const anyUdpKey = fc.nat({ max: 0xffff_ffff }).map((key) => key.toString(16).padStart(8, '0'));

/** As both HTTP and UDP can say it. */
const shared = {
  infoHash: anyHash,
  peerId: bytes20.map((bytes) => bytes as PeerId),
  port: fc.nat({ max: 65_535 }),
  uploadedBytes: counter,
  downloadedBytes: counter,
  leftBytes: fc.option(counter),
  event: fc.constantFrom('none' as const, 'started' as const, 'completed' as const, 'stopped' as const, 'paused' as const),
  numwant: fc.option(fc.nat({ max: 0x7fff_ffff })),
};

export const anyRequest: fc.Arbitrary<AnnounceRequest> = fc.record(
  {
    ...shared,
    key: fc.option(fc.oneof(anyUdpKey, fc.string({ unit: fc.constantFrom(...'ghijk &=%+/'), minLength: 1, maxLength: 12 }))),
    compact: fc.boolean(),
    noPeerId: fc.boolean(),
    ip: fc.option(fc.oneof(fc.ipV4(), fc.constant('2001:db8::1'))),
    trackerId: fc.option(fc.string({ minLength: 1, maxLength: 20 })),
  },
  { noNullPrototype: true },
);

export const anyUdpRequest: fc.Arbitrary<AnnounceRequest> = fc.record(
  {
    ...shared,
    key: anyUdpKey,
    compact: fc.constant(true),
    noPeerId: fc.constant(false),
    ip: fc.option(fc.ipV4().filter((ip) => ip !== '0.0.0.0')),
    trackerId: fc.constant(null),
  },
  { noNullPrototype: true },
);
