import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metadataReason, type OutsideFacts, outsideReason, trackerTrouble, webSeedReason } from './waiting-reason.ts';

const outside = (facts: Partial<OutsideFacts>): string =>
  outsideReason({ trackers: [{ state: 'working', message: null }], peersConnected: 0, peersKnown: 0, peersFailed: 0, ...facts });

test('a download of elsewhere says what of peers and trackers holds it up', () => {
  assert.match(outside({ trackers: [] }), /names no tracker/u);
  assert.match(outside({ trackers: [{ state: 'asking', message: null }] }), /are being asked/u);
  assert.match(outside({}), /know nobody who has it/u);
  assert.match(outside({ peersKnown: 3, peersFailed: 1 }), /^Connecting to 2 peers\.$/u);
  assert.match(outside({ peersKnown: 3, peersFailed: 3 }), /^None of the 3 peers known could be reached/u);
  assert.match(outside({ peersConnected: 1, trackers: [] }), /^The one peer connected lacks/u);
});

test('trackers that all refuse are quoted; one that may still answer is waited for', () => {
  const failed = (message: string | null) => ({ state: 'failed' as const, message });
  assert.equal(trackerTrouble([]), null);
  assert.equal(trackerTrouble([failed('gone'), { state: 'asking', message: null }]), null);
  assert.equal(
    trackerTrouble([failed('unregistered torrent.')]),
    'Its tracker does not help: unregistered torrent. It is asked again and again.',
  );
  assert.equal(trackerTrouble([failed(null), failed('gone')]), 'None of its 2 trackers helps: gone. They are asked again and again.');
  assert.equal(trackerTrouble([failed(null)]), 'Its tracker does not help. It is asked again and again.');
});

test('a link says how far its torrent is', () => {
  const none = {
    phase: 'info',
    peers: 0,
    peersKnown: 0,
    infoBytes: 0,
    infoBytesTotal: 0,
    hashRuns: 0,
    hashRunsTotal: 0,
    trackers: [],
  } as const;
  assert.match(metadataReason(none), /names no tracker/u);
  assert.equal(metadataReason({ ...none, peers: 1 }), 'Asking one peer for its torrent.');
  assert.equal(
    metadataReason({ ...none, peers: 2, infoBytes: 16_384, infoBytesTotal: 120_000 }),
    'Fetching its torrent from peers: 17 KB of 120 KB.',
  );
  assert.equal(
    metadataReason({ ...none, phase: 'layers', peers: 2, hashRuns: 3, hashRunsTotal: 10 }),
    'Fetching the hashes of its pieces: 3 of 10 parts.',
  );
});

test('web seeds that do not help are named with what is wrong', () => {
  assert.equal(webSeedReason([]), null);
  assert.equal(webSeedReason([{ state: 'idle', reason: null }]), null);
  assert.equal(webSeedReason([{ state: 'lacking', reason: 'it answers 404' }]), 'Its web seed does not help: it answers 404.');
  assert.match(
    webSeedReason([
      { state: 'banned', reason: 'it sent wrong data' },
      { state: 'failed', reason: 'it answers 500' },
    ]) ?? '',
    /^None of its 2 web seeds helps: it sent wrong data\. They are tried/u,
  );
});
