import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { sha1, toHex } from '../digest.ts';
import { type WireHash, wireHashFrom } from './ids.ts';
import { Rc4 } from './rc4.ts';
import {
  paddingBytesMax,
  privateKeyBytes,
  StreamInitiator,
  type StreamMethod,
  StreamResponder,
  type StreamStep,
  torrentMark,
} from './stream-encryption.ts';

const torrent = wireHashFrom(sha1(Buffer.from('a torrent'))) as WireHash;
const secrets = (seed: number, padding = 100) => ({
  privateKey: sha1(Buffer.from(`private ${seed}`)).subarray(0, privateKeyBytes),
  padding: new Uint8Array(padding).fill(seed),
});
const knows = (mark: string): WireHash | null => (mark === toHex(torrentMark(torrent)) ? torrent : null);

/** Lets the two sides talk, bytes cut as `cuts` says, until both have ended. */
const talk = (initiator: StreamInitiator, responder: Pick<StreamResponder, 'push'>, cut: (bytes: Uint8Array) => readonly Uint8Array[]) => {
  const ends: { initiator: StreamStep | null; responder: StreamStep | null } = { initiator: null, responder: null };
  const wire: { to: 'initiator' | 'responder'; bytes: Uint8Array }[] = [{ to: 'responder', bytes: initiator.hello() }];
  for (let item = wire.shift(); item !== undefined; item = wire.shift()) {
    const { to, bytes } = item;
    for (const chunk of cut(bytes)) {
      if (ends[to] !== null) throw new Error(`bytes after the handshake: ${chunk.length}`);
      const step = (to === 'initiator' ? initiator : responder).push(chunk);
      if (step.kind !== 'more') ends[to] = step;
      const send = 'send' in step ? step.send : null;
      if (send !== null) wire.push({ to: to === 'initiator' ? 'responder' : 'initiator', bytes: send });
      if (step.kind === 'failed') return ends;
    }
  }
  return ends;
};

const whole = (bytes: Uint8Array): readonly Uint8Array[] => [bytes];
const agreementOf = (step: StreamStep | null) => {
  if (step?.kind !== 'agreed') throw new Error(`no agreement: ${JSON.stringify(step)}`);
  return step.agreement;
};

test('RC4 is RC4 (RFC 6229: key 0102030405, offsets 0 and 1024)', () => {
  const streamAt = (drop: number): string => {
    const into = new Uint8Array(16);
    new Rc4(Uint8Array.of(1, 2, 3, 4, 5), drop).crypt(new Uint8Array(16), into);
    return toHex(into);
  };
  assert.equal(streamAt(0), 'b2396305f03dc027ccc3524a0a1118a8');
  assert.equal(streamAt(1024), '30abbcc7c20b01609f23ee2d5f6bb7df');
});

test('both sides agree, whatever the padding, however the bytes are cut, and understand each other from the first byte on', () => {
  const methods = fc.constantFrom<readonly StreamMethod[]>(['plain', 'rc4'], ['rc4', 'plain'], ['rc4'], ['plain']);
  fc.assert(
    fc.property(
      fc.record({
        offered: methods,
        taken: methods,
        padding: fc.tuple(fc.nat(paddingBytesMax), fc.nat(paddingBytesMax)),
        initial: fc.uint8Array({ maxLength: 300 }),
        chunk: fc.integer({ min: 1, max: 700 }),
      }),
      ({ offered, taken, padding, initial, chunk }) => {
        const cut = (bytes: Uint8Array): readonly Uint8Array[] =>
          Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, n) => bytes.subarray(n * chunk, (n + 1) * chunk));
        const initiator = new StreamInitiator(secrets(1, padding[0]), torrent, offered, () => initial);
        const responder = new StreamResponder(() => secrets(2, padding[1]), knows, taken, true);
        const ends = talk(initiator, responder, cut);
        const method = taken.find((one) => offered.includes(one)) ?? null;
        if (method === null) return assert.equal(ends.responder?.kind, 'failed');
        const [a, b] = [agreementOf(ends.initiator), agreementOf(ends.responder)];
        assert.deepEqual([a.method, b.method], [method, method]);
        assert.deepEqual([...b.early], [...initial]);
        for (const [from, to] of [[a, b] as const, [b, a] as const]) {
          const words = Buffer.from('pieces and blocks');
          const sent = new Uint8Array(words);
          from.encrypt?.crypt(sent, sent);
          assert.equal(from.encrypt === null, method === 'plain');
          to.decrypt?.crypt(sent, sent);
          assert.deepEqual([...sent], [...words]);
        }
        return undefined;
      },
    ),
    { numRuns: 60 },
  );
});

test('who does not encrypt is told by its first bytes, however they are cut, and refused where encryption is demanded', () => {
  const opening = Buffer.from('\u0013BitTorrent protocol and more', 'latin1');
  const responder = new StreamResponder(() => assert.fail('no secrets are wanted'), knows, ['plain'], true);
  assert.equal(responder.push(opening.subarray(0, 7)).kind, 'more');
  const step = responder.push(opening.subarray(7));
  assert.equal(step.kind === 'plain' && Buffer.from(step.early).equals(opening), true);
  const strict = new StreamResponder(() => assert.fail('no secrets are wanted'), knows, ['rc4'], false);
  assert.deepEqual(strict.push(opening), { kind: 'failed', reason: 'it does not encrypt' });
});

test('a torrent that is not here, a weak key, endless padding and noise end it, with bounded memory', () => {
  const fresh = (): StreamResponder => new StreamResponder(() => secrets(2), knows, ['plain', 'rc4'], true);
  const other = wireHashFrom(sha1(Buffer.from('another'))) as WireHash;
  const stranger = talk(new StreamInitiator(secrets(1), other, ['rc4'], () => new Uint8Array(0)), fresh(), whole);
  assert.deepEqual(stranger.responder, { kind: 'failed', reason: 'a torrent that is not here' });
  assert.deepEqual(fresh().push(new Uint8Array(96)), { kind: 'failed', reason: 'a weak key' });
  const noisy = fresh();
  assert.equal(noisy.push(new Uint8Array(96).fill(7)).kind, 'more');
  assert.deepEqual(noisy.push(new Uint8Array(paddingBytesMax + 20).fill(9)), { kind: 'failed', reason: 'no request where it should be' });
  const initiator = new StreamInitiator(secrets(1), torrent, ['rc4'], () => new Uint8Array(0));
  assert.equal(initiator.push(new Uint8Array(96).fill(7)).kind, 'more');
  assert.deepEqual(initiator.push(new Uint8Array(paddingBytesMax + 8).fill(9)), {
    kind: 'failed',
    reason: 'no verification where it should be',
  });
});

test('noise of any length and cut never throws', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 6 }), (chunks) => {
      const responder = new StreamResponder(() => secrets(2), knows, ['plain', 'rc4'], true);
      const initiator = new StreamInitiator(secrets(1), torrent, ['plain', 'rc4'], () => new Uint8Array(0));
      for (const side of [responder, initiator]) for (const chunk of chunks) if (side.push(chunk).kind !== 'more') break;
    }),
    { numRuns: 60 },
  );
});
