import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, seconds } from '../../ports/clock.ts';
import { type Due, DueHeap } from '../../ports/due-heap.ts';
import type { AnnounceFrame, ReplyFrame, RequestFrame } from '../../protocol/control/messages.ts';
import { AnnounceCache } from './announce-cache.ts';
import { Replayer } from './replayer.ts';

/** A replayer, what it sends, and time that the test moves. */
class Stage {
  now = 0;
  readonly cache = new AnnounceCache(100_000);
  readonly enters: RequestFrame[] = [];
  readonly announces: AnnounceFrame[] = [];
  readonly replayer: Replayer;
  answers = true;
  readonly #heap = new DueHeap();

  constructor() {
    const clock: Clock = {
      now: () => this.now,
      wallNow: () => 0,
      setTimer: (delay, fire) => this.#heap.add(this.now + delay, fire) as unknown as number,
      clearTimer: (id) => this.#heap.remove(id as unknown as Due),
    };
    this.replayer = new Replayer(clock, this.cache, 'replays', {
      send: (frame) => {
        if (frame.kind === 'announce') this.announces.push(frame);
        else this.enters.push(frame);
        return true;
      },
      epochSeen: () => 2,
    });
  }

  /** A node enters and announces so many contents, each in an announce of its own or 64 to one. */
  node(node: string, contents: number, together = 64): void {
    const tail = new Uint8Array(0);
    const operation = { op: 'enter', node, name: node, incarnation: 'i1', addresses: [] } as const;
    const rest = { minSeq: 0, require: 'any', deadlineMs: 1, epoch: 1, from: null, token: 'x', tail } as const;
    this.cache.entered(node, { kind: 'request', requestId: { client: node, n: 1 }, operation, ...rest });
    for (let at = 0, sequence = 1; at < contents; at += together, sequence++) {
      const items = Array.from({ length: Math.min(together, contents - at) }, (_, n) => ({
        content: `content ${at + n}`,
        event: 'started' as const,
        leftBytes: 1,
        uploadedBytes: 0,
        downloadedBytes: 0,
        want: 50,
      }));
      this.cache.announced({ kind: 'announce', node, incarnation: 'i1', sequence, items });
    }
  }

  pass(passSeconds: number): void {
    const end = this.now + seconds(passSeconds);
    for (let due = this.#heap.first(); due !== undefined && due.at <= end; due = this.#heap.first()) {
      this.#heap.take();
      this.now = due.at;
      due.fire();
      if (this.answers) for (const { requestId } of this.enters.splice(0)) this.#letIn(requestId.n);
    }
    this.now = end;
  }

  #letIn(n: number): void {
    const body = { ok: true, value: {} } as const;
    const reply: ReplyFrame = {
      kind: 'reply',
      requestId: { client: 'replays', n },
      epoch: 2,
      seq: 0,
      durability: 'none',
      body,
      tail: new Uint8Array(0),
    };
    assert.ok(this.replayer.replied(reply));
  }
}

test('a thousand nodes of ten contents are told of within a few seconds, at a bounded rate, and nobody is asked for peers', () => {
  const stage = new Stage();
  for (let n = 0; n < 1_000; n++) stage.node(`n${n}`, 10);
  stage.replayer.start();
  stage.pass(1);
  assert.ok(stage.announces.length > 300 && stage.announces.length <= 500, `${stage.announces.length}`);
  stage.pass(3);
  assert.equal(stage.announces.length, 1_000);
  assert.ok(stage.announces.every(({ items }) => items.length === 10 && items.every(({ want, event }) => want === 0 && event === 'none')));
});

test('messages hold as many contents as one may, at a bounded rate, and one large node holds up nobody', () => {
  const stage = new Stage();
  stage.node('large', 6_400, 1);
  stage.node('tidy', 640);
  stage.node('small', 1);
  stage.replayer.start();
  stage.pass(0.1);
  assert.ok(stage.announces.some(({ node }) => node === 'small'));
  assert.equal(stage.announces.filter(({ node }) => node === 'tidy').length, 10);
  stage.pass(0.9);
  assert.ok(stage.announces.length <= 800, `${stage.announces.length}`);
  stage.pass(10);
  assert.equal(stage.announces.length, 6_400 + 10 + 1);
});

test('answers that do not come hold up nobody for ever', () => {
  const stage = new Stage();
  for (let n = 0; n < 400; n++) stage.node(`n${n}`, 1);
  stage.answers = false;
  stage.replayer.start();
  stage.pass(4);
  assert.equal(stage.enters.length, 256);
  stage.pass(4);
  assert.equal(stage.enters.length, 400);
});

test('another primary: everything anew', () => {
  const stage = new Stage();
  for (let n = 0; n < 10; n++) stage.node(`n${n}`, 1);
  stage.replayer.start();
  stage.pass(1);
  stage.replayer.start();
  stage.pass(1);
  assert.equal(stage.announces.length, 20);
  stage.replayer.stop();
  stage.pass(1);
  assert.equal(stage.announces.length, 20);
});
