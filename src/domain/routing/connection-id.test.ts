import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionIdFor, connectionSecret, isConnectionId } from './connection-id.ts';

const secret = connectionSecret(new Uint8Array(32).fill(7));
const MINUTE = 60_000;

test('an id is good for who got it, for two minutes at least, and at every gate of the network', () => {
  const id = connectionIdFor(secret, '10.0.0.1', 1_000_000);
  assert.equal(id.length, 8);
  const elsewhere = connectionSecret(new Uint8Array(32).fill(7));
  for (const later of [0, MINUTE, 2 * MINUTE]) assert.ok(isConnectionId(elsewhere, '10.0.0.1', 1_000_000 + later, id));
  // The clock of the other gate is behind.
  assert.ok(isConnectionId(elsewhere, '10.0.0.1', 1_000_000 - MINUTE, id));
});

test('it is no good for another address, later, or in another network', () => {
  const id = connectionIdFor(secret, '10.0.0.1', 1_000_000);
  assert.ok(!isConnectionId(secret, '10.0.0.2', 1_000_000, id));
  assert.ok(!isConnectionId(secret, '10.0.0.1', 1_000_000 + 4 * MINUTE, id));
  assert.ok(!isConnectionId(connectionSecret(new Uint8Array(32)), '10.0.0.1', 1_000_000, id));
  assert.ok(!isConnectionId(secret, '10.0.0.1', 1_000_000, new Uint8Array(8)));
});
