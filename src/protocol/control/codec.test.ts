import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeControl, encodeControl, type EncodedFrame, KIND_BYTES } from './codec.ts';
import { ANNOUNCE_ITEMS_MAX, FRAME_BYTES_MAX } from './limits.ts';
import type { ControlFrame, LinkType, RequestFrame, SwarmDeltaFrame } from './messages.ts';
import { statusFrame } from './report.test-kit.ts';
import { checkOperation } from './schemas.ts';
import { swarmItemBytes, swarmNodeBytes } from './swarm-delta.ts';

const bodyOf = (encoded: EncodedFrame): Uint8Array => new Uint8Array(Buffer.concat(encoded.parts));
const links: readonly LinkType[] = ['member', 'proxy', 'replica', 'swarm', 'operator'];

const integer = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const hex = (digits: number) => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits });
const name = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), hex(32), hex(40), hex(64), hex(7));
const bytes = fc.uint8Array({ maxLength: 200 });
/** Digests are Buffers, which JSON sees otherwise than other bytes. */
const hash = fc
  .tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.boolean())
  .map(([bytes, buffer]) => (buffer ? Buffer.from(bytes) : bytes));
const position = fc.record({ seq: integer, epoch: integer, hash });
const requestId = fc.record({ client: hex(32), n: integer });
const configuration = fc.record(
  { e: integer, v: integer, primary: fc.option(name), isr: fc.array(name, { maxLength: 5 }), generation: integer },
  { requiredKeys: ['e', 'v', 'primary', 'isr'] },
);
const u32 = fc.nat({ max: 0xffff_ffff });
const u16 = fc.nat({ max: 0xffff });

const rated: fc.Arbitrary<ControlFrame> = fc.oneof(
  fc.record({ kind: fc.constant('heartbeat' as const), epoch: integer, v: u32, round: integer, commitSeq: integer, primary: name }),
  fc.record({ kind: fc.constant('heartbeatAck' as const), epoch: integer, round: integer, proxyReach: u16 }),
  fc.record({ kind: fc.constant('appendAck' as const), epoch: integer, durableSeq: integer, appliedSeq: integer }),
  fc.record({
    kind: fc.constant('append' as const),
    epoch: integer,
    before: position,
    commitSeq: integer,
    entries: fc.array(fc.record({ seq: integer, epoch: integer, hash, requestId: fc.option(requestId), payload: bytes, wallMs: integer }), {
      maxLength: 5,
    }),
  }),
  fc.record({
    kind: fc.constant('announce' as const),
    node: name,
    incarnation: name,
    sequence: integer,
    items: fc.array(
      fc.record({
        content: name,
        event: fc.constantFrom('started' as const, 'completed' as const, 'stopped' as const, 'none' as const),
        leftBytes: integer,
        uploadedBytes: integer,
        downloadedBytes: integer,
        want: u16,
      }),
      { maxLength: ANNOUNCE_ITEMS_MAX },
    ),
  }),
  fc.record({
    kind: fc.constant('announced' as const),
    node: name,
    sequence: integer,
    intervalSeconds: u32,
    warming: fc.boolean(),
    unknownNode: fc.boolean(),
    items: fc.array(
      fc.record({
        content: name,
        seeders: u32,
        leechers: u32,
        peers: fc.array(fc.record({ node: name, host: fc.ipV6(), port: u16, seeder: fc.boolean() }), { maxLength: 9 }),
      }),
      { maxLength: 4 },
    ),
  }),
);

const address = fc.record({ host: fc.ipV6(), port: u16 });
const swarmItem = fc.record({
  content: name,
  sequence: integer,
  leftBytes: integer,
  uploadedBytes: integer,
  stopped: fc.boolean(),
  paused: fc.boolean(),
  silentMs: u32,
});
const swarmNode = fc.record({
  node: name,
  incarnation: name,
  name: fc.string({ unit: 'grapheme', maxLength: 64 }),
  account: fc.string({ unit: 'grapheme', maxLength: 64 }),
  passkeyHash: fc.oneof(hex(64), fc.constant('')),
  addresses: fc.array(address, { maxLength: 8 }),
  proxy: name,
  host: fc.ipV4(),
  uploadedBytes: integer,
  silentMs: u32,
  items: fc.array(swarmItem, { maxLength: 4 }),
});
const swarmDelta = fc.record({
  kind: fc.constant('swarmDelta' as const),
  epoch: integer,
  batch: integer,
  nodes: fc.array(swarmNode, { maxLength: 4 }),
  gone: fc.array(fc.record({ node: name, incarnation: name }), { maxLength: 3 }),
  dropped: fc.array(name, { maxLength: 3 }),
});

const headed: fc.Arbitrary<ControlFrame> = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    requestId,
    token: fc.option(fc.string()),
    operation: fc.oneof(
      fc.record({ op: fc.constant('login' as const), name: fc.string(), password: fc.string() }),
      fc.record({ op: fc.constant('need' as const), words: fc.string(), offset: integer, limit: fc.nat({ max: 200 }) }),
      fc.record({ op: fc.constant('disown' as const), content: name, node: name }),
    ),
    minSeq: integer,
    require: fc.constantFrom('any' as const, 'replicated' as const),
    deadlineMs: integer,
    epoch: integer,
    from: fc.option(fc.record({ node: name, host: fc.ipV4() })),
    tail: bytes,
  }),
  fc
    .record({
      kind: fc.constant('reply' as const),
      requestId,
      epoch: integer,
      seq: integer,
      durability: fc.constantFrom('replicated' as const, 'local' as const, 'none' as const),
      body: fc.oneof(
        fc.record({ ok: fc.constant(true as const), value: fc.record({ id: fc.string(), total: integer }) }),
        fc.record({ ok: fc.constant(false as const), code: fc.constant('busy' as const), message: fc.string(), retryAfterMs: integer }),
        fc.record({ ok: fc.constant(false as const), code: fc.constant('name-taken' as const), message: fc.string() }),
      ),
      tail: bytes,
    })
    .chain((reply) => fc.constantFrom(reply, { ...reply, stale: true as const })),
  fc.record({ kind: fc.constant('preVote' as const), epoch: integer, candidate: name, ballot: fc.record({ e: integer, v: integer }) }),
  fc.record({
    kind: fc.constant('preVoteReply' as const),
    epoch: integer,
    promised: integer,
    accepted: configuration,
    refused: fc.option(fc.constantFrom('promised' as const, 'primary-alive' as const, 'ineligible' as const, 'rejoining' as const)),
  }),
  fc.record({ kind: fc.constant('vote' as const), epoch: integer, candidate: name, handOver: fc.boolean() }),
  fc.record({ kind: fc.constant('voterRead' as const), id: integer, reader: name }),
  fc.record({
    kind: fc.constant('voterState' as const),
    id: integer,
    reader: name,
    voter: name,
    promised: integer,
    accepted: configuration,
  }),
  fc.record({ kind: fc.constant('promise' as const), epoch: integer, accepted: configuration }),
  fc.record({ kind: fc.constant('propose' as const), configuration }),
  fc.record({
    kind: fc.constant('probe' as const),
    epoch: integer,
    at: position,
    failover: fc.option(
      fc.record({ wallMs: integer, epoch: integer, from: fc.option(name), to: name, why: fc.constant('main was silent') }),
    ),
  }),
  fc.record(
    {
      kind: fc.constant('probed' as const),
      epoch: integer,
      matches: fc.boolean(),
      last: position,
      appliedSeq: integer,
      diverged: fc.constant(true as const),
    },
    { requiredKeys: ['kind', 'epoch', 'matches', 'last', 'appliedSeq'] },
  ),
  fc.record({ kind: fc.constant('timeoutNow' as const), epoch: integer, seq: integer, why: fc.string({ maxLength: 120 }) }),
  fc.record({ kind: fc.constant('snapshotChunk' as const), epoch: integer, position, index: integer, done: fc.boolean(), bytes }),
  fc.record({ kind: fc.constant('ping' as const), nonce: integer, node: fc.option(name) }),
  fc.record({
    kind: fc.constant('route' as const),
    epoch: integer,
    primary: fc.option(name),
    reader: fc.option(name),
    waitsFor: fc.option(name),
    spreadMs: fc.nat({ max: 60_000 }),
  }),
  statusFrame,
  fc.record({
    kind: fc.constant('order' as const),
    id: integer,
    order: fc.constantFrom({ do: 'report' as const }, { do: 'handover' as const }, { do: 'forcePromote' as const }),
  }),
  fc.record({
    kind: fc.constant('ordered' as const),
    id: integer,
    outcome: fc.oneof(
      fc.record({ ok: fc.constant(true as const), value: fc.record({ epoch: integer, generation: integer }) }),
      fc.record({
        ok: fc.constant(false as const),
        code: fc.constantFrom('busy' as const, 'indeterminate' as const),
        message: fc.string(),
      }),
    ),
  }),
);

const linkOf = (frame: ControlFrame): LinkType =>
  links.find((link) => decodeControl(link, KIND_BYTES[frame.kind], new Uint8Array(0)).ok || !isMisplaced(link, frame)) as LinkType;
const isMisplaced = (link: LinkType, frame: ControlFrame): boolean => {
  const decoded = decodeControl(link, KIND_BYTES[frame.kind], new Uint8Array(0));
  return !decoded.ok && decoded.error.message.includes('has no place');
};
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, function (this: Record<string, unknown>, key, v: unknown) {
      const raw = this[key];
      return raw instanceof Uint8Array ? Buffer.from(raw).toString('hex') : v;
    }),
  );

test('every frame comes back as it was sent', () => {
  fc.assert(
    fc.property(fc.oneof(rated, headed, swarmDelta), (frame) => {
      const encoded = encodeControl(frame);
      const decoded = decodeControl(linkOf(frame), encoded.kind, bodyOf(encoded));
      assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message);
      assert.deepEqual(plain(decoded.value), plain(frame));
    }),
    { numRuns: 400 },
  );
});

test('a frame cut short, or with one byte more, is a violation', () => {
  fc.assert(
    fc.property(fc.oneof(rated, headed, swarmDelta), fc.nat(), (frame, cut) => {
      const encoded = encodeControl(frame);
      const body = bodyOf(encoded);
      const short = decodeControl(linkOf(frame), encoded.kind, body.subarray(0, cut % body.length));
      const hasTail = 'tail' in frame || 'bytes' in frame;
      if (!hasTail) assert.ok(!short.ok);
      const long = decodeControl(linkOf(frame), encoded.kind, Buffer.concat([body, Buffer.of(0)]));
      if (!hasTail) assert.ok(!long.ok);
    }),
    { numRuns: 200 },
  );
});

test('no bytes make a decoder throw', () => {
  const kind = fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...Object.values(KIND_BYTES)));
  const json = fc.json().map((text) => {
    const head = Buffer.from(text);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(head.length);
    return new Uint8Array(Buffer.concat([size, head]));
  });
  fc.assert(
    fc.property(fc.constantFrom(...links), kind, fc.oneof(fc.uint8Array({ maxLength: 300 }), json), (link, byte, body) => {
      decodeControl(link, byte, body);
    }),
    { numRuns: 2_000 },
  );
});

const request = (operation: object): RequestFrame => ({
  kind: 'request',
  requestId: { client: '00'.repeat(16), n: 1 },
  token: null,
  operation: operation as RequestFrame['operation'],
  minSeq: 0,
  require: 'any',
  deadlineMs: 1,
  epoch: 0,
  from: null,
  tail: new Uint8Array(0),
});

const reasonOf = (link: LinkType, frame: ControlFrame): string => {
  const encoded = encodeControl(frame);
  const decoded = decodeControl(link, encoded.kind, bodyOf(encoded));
  assert.ok(!decoded.ok, 'expected a violation');
  return decoded.error.message;
};

test('what is wrong with a frame is said', () => {
  assert.match(reasonOf('member', request({ op: 'mine-bitcoin' })), /bad request frame \(operation\.op /u);
  assert.match(reasonOf('member', request({ op: 'logout', extra: 1 })), /operation must not have .*extra/u);
  assert.match(reasonOf('member', request({ op: 'login', name: 'x'.repeat(600), password: '' })), /operation\.name/u);
  assert.match(
    reasonOf('member', { kind: 'heartbeatAck', epoch: 1, round: 1, proxyReach: 0 }),
    /heartbeatAck frame has no place on a member link/u,
  );
  assert.match(reasonOf('replica', request({ op: 'logout' })), /no place on a replica link/u);
  assert.match(reasonOf('operator', request({ op: 'logout' })), /no place on an operator link/u);
  assert.match(reasonOf('proxy', { kind: 'order', id: 1, order: { do: 'forcePromote' } }), /order frame has no place on a proxy link/u);
  assert.match(reasonOf('operator', { kind: 'order', id: 1, order: { do: 'shutdown' } as never }), /bad order frame \(order\.do /u);
  const unknown = decodeControl('member', 250, new Uint8Array(0));
  assert.ok(!unknown.ok && unknown.error.message === 'unknown frame kind 250');
});

test('frames over the limits of their link are violations', () => {
  const big = decodeControl('member', KIND_BYTES.request, new Uint8Array(FRAME_BYTES_MAX.member + 1));
  assert.ok(!big.ok);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0xffff_ffff);
  const lie = decodeControl('member', KIND_BYTES.request, head);
  assert.ok(!lie.ok && lie.error.message.includes('4294967295'));
});

test('a count that lies does not make the reader allocate', () => {
  const encoded = encodeControl({ kind: 'announce', node: 'n', incarnation: 'i', sequence: 1, items: [] });
  const body = bodyOf(encoded);
  body[body.length - 1] = 64;
  const decoded = decodeControl('member', encoded.kind, body);
  assert.ok(!decoded.ok && decoded.error.message.includes('a count of 64'));
});

test('what a node and its items take in a frame is never estimated too low', () => {
  const bytesOf = (nodes: SwarmDeltaFrame['nodes']): number =>
    bodyOf(encodeControl({ kind: 'swarmDelta', epoch: 1, batch: 1, nodes, gone: [], dropped: [] })).length;
  const ascii = fc.record({ node: hex(64), name: fc.string({ unit: 'grapheme', maxLength: 64 }) });
  fc.assert(
    fc.property(swarmNode, ascii, (node, plain) => {
      // Ids are printable characters of ASCII (the desk sees to that); names are not.
      const ids = {
        ...node,
        ...plain,
        incarnation: 'i1',
        proxy: 'proxy',
        items: node.items.map((item) => ({ ...item, content: plain.node })),
      };
      const estimated = swarmNodeBytes(ids) + ids.items.reduce((sum, item) => sum + swarmItemBytes(item), 0);
      assert.ok(bytesOf([ids]) - bytesOf([]) <= estimated);
    }),
  );
});

test('the hello of another version is understood as such, whatever else it holds', () => {
  const head = Buffer.from('{"version":7,"futuristic":true}');
  const size = Buffer.alloc(4);
  size.writeUInt32BE(head.length);
  const decoded = decodeControl('member', KIND_BYTES.hello, Buffer.concat([size, head]));
  assert.ok(decoded.ok && decoded.value.kind === 'hello' && decoded.value.version === 7);
});

test('whatever was taken from a link can be sent on: no bytes make an encoder throw either', () => {
  const body = fc.tuple(fc.uint8Array({ minLength: 150, maxLength: 255 }), fc.constantFrom(0, 1)).map(([name, form]) => {
    const announce = encodeControl({ kind: 'announce', node: '', incarnation: 'i', sequence: 1, items: [] });
    const rest = bodyOf(announce).subarray(2);
    return new Uint8Array(Buffer.concat([Buffer.of(form, name.length), name, rest]));
  });
  fc.assert(
    fc.property(body, (bytes) => {
      const decoded = decodeControl('member', KIND_BYTES.announce, bytes);
      if (decoded.ok) encodeControl(decoded.value);
    }),
    { numRuns: 500 },
  );
});

test('an answer too large for a frame becomes an error of its own', () => {
  const names = Array.from({ length: 60_000 }, (_, i) => ({ id: String(i), name: 'x'.repeat(80) }));
  const reply: ControlFrame = {
    kind: 'reply',
    requestId: { client: '00'.repeat(16), n: 1 },
    epoch: 1,
    seq: 1,
    durability: 'none',
    body: { ok: true, value: { names } },
    tail: new Uint8Array(0),
  };
  const encoded = encodeControl(reply);
  const decoded = decodeControl('proxy', encoded.kind, bodyOf(encoded));
  assert.ok(decoded.ok && decoded.value.kind === 'reply' && !decoded.value.body.ok && decoded.value.body.code === 'too-large');
});

test('a log entry may stand where a position is due: no more of it is sent', () => {
  const entry = { seq: 3, epoch: 1, hash: Buffer.alloc(32, 7), requestId: null, payload: new Uint8Array(9), wallMs: 5 };
  const encoded = encodeControl({ kind: 'probe', epoch: 1, at: entry, failover: null });
  const decoded = decodeControl('replica', encoded.kind, bodyOf(encoded));
  assert.ok(decoded.ok && decoded.value.kind === 'probe');
  assert.deepEqual(plain(decoded.value.at), { seq: 3, epoch: 1, hash: '07'.repeat(32) });
});

test('an operation that cannot be sent is known before it is sent', () => {
  assert.equal(checkOperation({ op: 'need', words: 'x', offset: 0, limit: 10 }), null);
  assert.match(checkOperation({ op: 'need', words: 'x'.repeat(2_000), offset: 0, limit: 10 }) ?? '', /words/u);
});
