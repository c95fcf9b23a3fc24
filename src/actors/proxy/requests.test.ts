import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestNet } from '../../links/net.test-kit.ts';
import type { Operation, ReplyBody, ReplyFrame, RequestFrame } from '../../protocol/control/messages.ts';
import { RequestTable, type Route } from './requests.ts';

const register: Operation = { op: 'register', name: 'an', password: 'x', code: null };
const good: ReplyBody = { ok: true, value: {} };
const NO_TAIL = new Uint8Array(0);

const table = () => {
  const net = new TestNet();
  const process = net.process();
  const facts = { route: { kind: 'primary', name: 'main', epoch: 3 } as Route, epochSeen: 3 };
  const sent: { to: string; frame: RequestFrame }[] = [];
  const replies: ReplyFrame[] = [];
  const limits = { requestsUnderWayMax: 10, requestDeadlineMs: 5_000, tailBytesMax: 100 };
  const requests = new RequestTable(process.ports.clock, limits, {
    route: () => facts.route,
    send: (to, frame) => sent.push({ to, frame }) > 0,
    epochSeen: () => facts.epochSeen,
    sawEpoch: (epoch) => {
      facts.epochSeen = Math.max(facts.epochSeen, epoch);
    },
    answered: () => {},
  });
  const asker = { seqSeen: 0, reply: (frame: ReplyFrame) => void replies.push(frame) };
  const frame = (n: number, operation: Operation = register, tail = NO_TAIL): RequestFrame => ({
    kind: 'request',
    requestId: { client: 'c', n },
    token: null,
    operation,
    minSeq: 0,
    require: 'any',
    deadlineMs: 60_000,
    epoch: 0,
    from: null,
    tail,
  });
  const reply = (from: string, n: number, epoch: number, body: ReplyBody = good, seq = 1): void =>
    process.do(() =>
      requests.replied(from, { kind: 'reply', requestId: { client: 'c', n }, epoch, seq, durability: 'none', body, tail: NO_TAIL }),
    );
  return {
    net,
    process,
    facts,
    sent,
    replies,
    requests,
    frame,
    reply,
    take: (f: RequestFrame) => process.do(() => requests.take(f, asker)),
  };
};

const codeOf = (reply: ReplyFrame | undefined): string | null => (reply?.body.ok === false ? reply.body.code : null);

test('a reply of an epoch below the highest seen is no answer (R12); the request is asked again', () => {
  const t = table();
  t.take(t.frame(1));
  t.facts.epochSeen = 4;
  t.reply('main', 1, 3);
  assert.equal(t.replies.length, 0);
  t.net.run(1);
  assert.equal(t.sent.length, 2);
  t.reply('main', 1, 4);
  assert.equal(t.replies.length, 1);
});

test('a reply of a replica that was not asked (any more) is no answer', () => {
  const t = table();
  t.take(t.frame(1));
  t.reply('backup', 1, 3);
  assert.equal(t.replies.length, 0);
  t.facts.route = { kind: 'primary', name: 'backup', epoch: 4 };
  t.process.do(() => t.requests.routeChanged());
  t.reply('main', 1, 9);
  t.reply('backup', 1, 4);
  t.reply('backup', 1, 4);
  assert.deepEqual(
    t.replies.map((reply) => reply.epoch),
    [4],
  );
});

test('a refusal to be primary raises no epoch: it may come from a candidate', () => {
  const t = table();
  t.take(t.frame(1));
  t.reply('main', 1, 9, { ok: false, code: 'not-primary', message: '' });
  assert.equal(t.facts.epochSeen, 3);
});

test('nor does the answer of a replica that has just stopped to lead: what it has promised may never come to be', () => {
  const t = table();
  t.take(t.frame(1, { op: 'whoami' }));
  t.process.do(() =>
    t.requests.replied('main', {
      kind: 'reply',
      requestId: { client: 'c', n: 1 },
      epoch: 9,
      seq: 1,
      durability: 'none',
      stale: true,
      body: good,
      tail: NO_TAIL,
    }),
  );
  assert.equal(t.facts.epochSeen, 3);
  assert.equal(t.replies[0]?.stale, true);
});

test('a write that was only ever refused was not done, one that may have been is indeterminate', () => {
  const t = table();
  t.take(t.frame(1));
  t.take(t.frame(2));
  t.facts.route = { kind: 'hold' };
  t.reply('main', 1, 3, { ok: false, code: 'not-primary', message: '' });
  t.net.run(10);
  assert.deepEqual(
    t.replies.map((reply) => [reply.requestId.n, codeOf(reply)]),
    [
      [1, 'unavailable'],
      [2, 'indeterminate'],
    ],
  );
});

test('a replica that is too busy now says nothing of what an earlier send has done: that is asked on, and indeterminate at last', () => {
  const t = table();
  const need: Operation = { op: 'need', words: '', offset: 0, limit: 1 };
  t.take(t.frame(1));
  t.take(t.frame(2, need));
  t.facts.route = { kind: 'primary', name: 'backup', epoch: 4 };
  t.process.do(() => {
    t.requests.replicaDown('main');
    t.requests.routeChanged();
  });
  t.reply('backup', 2, 4, { ok: false, code: 'busy', message: '' });
  assert.deepEqual([t.replies[0]?.requestId.n, codeOf(t.replies[0])], [2, 'busy'], 'a read has done nothing');
  t.reply('backup', 1, 4, { ok: false, code: 'busy', message: '' });
  assert.equal(t.replies.length, 1);
  t.net.run(1);
  t.reply('backup', 1, 4);
  assert.equal(t.replies.length, 2);
  assert.ok(t.replies[1]?.body.ok);
});

test('a busy answer to a change that was sent once is passed on: nothing was done', () => {
  const t = table();
  t.take(t.frame(1));
  t.reply('main', 1, 3, { ok: false, code: 'not-primary', message: '' });
  t.net.run(1);
  t.reply('main', 1, 3, { ok: false, code: 'busy', message: '' });
  assert.equal(codeOf(t.replies[0]), 'busy');
});

test('what the node has seen of epochs goes with its request: a primary that was deposed elsewhere does not answer it (R12)', () => {
  const t = table();
  t.take({ ...t.frame(1), epoch: 7 });
  assert.equal(t.sent[0]?.frame.epoch, 7);
  t.take({ ...t.frame(2), epoch: 1 });
  assert.equal(t.sent[1]?.frame.epoch, 3);
});

test('reads ask for what the session has seen, through a failover too (read-your-writes)', () => {
  const t = table();
  t.take(t.frame(1));
  t.reply('main', 1, 3, good, 57);
  t.facts.route = { kind: 'primary', name: 'backup', epoch: 4 };
  t.take(t.frame(2, { op: 'whoami' }));
  assert.deepEqual([t.sent[1]?.to, t.sent[1]?.frame.minSeq], ['backup', 57]);
  t.facts.route = { kind: 'soft', follower: 'main', waitsFor: null };
  t.take(t.frame(3, { op: 'whoami' }));
  assert.deepEqual([t.sent[2]?.to, t.sent[2]?.frame.minSeq], ['main', 0], 'a stand-in is not asked for more than it has');
});

test('torrent files under way have a limit in bytes, which comes free again', () => {
  const t = table();
  t.take(t.frame(1, register, new Uint8Array(60)));
  t.take(t.frame(2, register, new Uint8Array(60)));
  assert.equal(codeOf(t.replies[0]), 'busy');
  t.reply('main', 1, 3);
  t.take(t.frame(3, register, new Uint8Array(60)));
  assert.deepEqual(
    t.sent.map(({ frame }) => frame.requestId.n),
    [1, 3],
  );
});

test('a request that is repeated by a node that has seen more is not answered from an older state', () => {
  const whoami: Operation = { op: 'whoami' };
  const held = table();
  held.facts.route = { kind: 'hold' };
  held.take({ ...held.frame(1, whoami), minSeq: 14 });
  held.take({ ...held.frame(1, whoami), minSeq: 16, epoch: 4 });
  held.facts.route = { kind: 'primary', name: 'main', epoch: 3 };
  held.process.do(() => held.requests.routeChanged());
  assert.deepEqual([held.sent[0]?.frame.minSeq, held.sent[0]?.frame.epoch], [16, 4]);

  const sent = table();
  sent.take({ ...sent.frame(1, whoami), minSeq: 14 });
  sent.take({ ...sent.frame(1, whoami), minSeq: 16 });
  sent.reply('main', 1, 3, good, 15);
  assert.equal(sent.replies.length, 0, 'it was asked when the node had seen less');
  sent.net.run(1);
  assert.equal(sent.sent[1]?.frame.minSeq, 16);
  // A forced promotion may have overridden what the node has seen: the primary has judged that.
  sent.reply('main', 1, 3, good, 15);
  assert.equal(sent.replies.length, 1);
});
