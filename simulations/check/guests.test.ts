import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestAnnounceFrame, GuestRefusal } from '../../src/protocol/control/messages.ts';
import { Told } from './check.test-kit.ts';
import { Violation } from './checker.ts';
import { refusedForCause } from './guests.ts';

const HASH = 'ab'.repeat(20);
const announce = (nonce: number): GuestAnnounceFrame => ({
  kind: 'guestAnnounce',
  nonce,
  passkeyHash: null,
  infoHash: HASH,
  peerId: 'cd'.repeat(20),
  key: '',
  host: '10.0.0.9',
  port: 6_881,
  event: 'none',
  leftBytes: 1,
  uploadedBytes: 0,
  downloadedBytes: 0,
  want: 1,
  family: 'any',
  replay: false,
  silentMs: 0,
});

/** A guest announces, and the tracker refuses it. */
const refused = (why: GuestRefusal, catalog: readonly object[]): void => {
  const told = new Told(refusedForCause);
  told.rows.set('tracker', catalog as never);
  told.tell('received', 'tracker', 'proxy1', 'proxy', announce(1));
  told.sent('tracker', 'proxy1', 'proxy', { kind: 'guestAnnounced', nonce: 1, outcome: { kind: 'refused', why } });
};

test('a torrent that the catalog does not have may be refused', () => {
  refused('unregistered', []);
});

test('one that it has may not, and nobody is refused for a passkey where none is needed', () => {
  assert.throws(() => refused('unregistered', [{ id: 'x' }]), Violation);
  assert.throws(() => refused('closed', []), Violation);
});

test('an answer of a proxy, or to an announce of before a start, says nothing of a replica', () => {
  const told = new Told(refusedForCause);
  told.rows.set('tracker', [{ id: 'x' }] as never);
  told.tell('received', 'tracker', 'proxy1', 'proxy', announce(1)).tell('started', 'tracker', 2);
  told.sent('tracker', 'proxy1', 'proxy', { kind: 'guestAnnounced', nonce: 1, outcome: { kind: 'refused', why: 'unregistered' } });
});
