import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemberFrame } from '../protocol/control/messages.ts';
import { encodeControl } from '../protocol/control/codec.ts';
import { encodeFrame } from '../transports/framing.ts';
import type { Address } from '../transports/transport.ts';
import { type Accept, acceptLinks, type LinkListener } from './accept.ts';
import { dialLink } from './dial.ts';
import { LinkDialler } from './dialler.ts';
import type { Link, LinkDown, LinkHandler, LinkPeer } from './link.ts';
import { LINK_LIMITS, type LinkIdentity } from './session.ts';
import { TestNet, type TestProcess } from './net.test-kit.ts';

const identity = (name: string, networkId = 'net'): LinkIdentity => ({ networkId, name, incarnation: `${name}-1`, software: 'test' });

class Ear implements LinkHandler<MemberFrame> {
  peer: LinkPeer | null = null;
  reason: LinkDown | null = null;
  readonly frames: MemberFrame[] = [];
  up(peer: LinkPeer): void {
    assert.equal(this.peer, null, 'up came twice');
    this.peer = peer;
  }
  frame(frame: MemberFrame): void {
    this.frames.push(frame);
  }
  down(reason: LinkDown): void {
    assert.equal(this.reason, null, 'down came twice');
    this.reason = reason;
  }
}

interface Served {
  readonly net: TestNet;
  readonly server: TestProcess;
  readonly client: TestProcess;
  readonly at: Address;
  readonly ears: Ear[];
  readonly links: Link<MemberFrame>[];
  readonly listener: LinkListener;
}

const isUp = ({ ears }: Served): boolean => ears[0] !== undefined && ears[0].peer !== null;
const isDown = ({ ears }: Served): boolean => ears[0] !== undefined && ears[0].reason !== null;

const serve = (linksMax = 10, member?: Accept<MemberFrame>): Served => {
  const net = new TestNet();
  const server = net.process();
  const client = net.process();
  const ears: Ear[] = [];
  const links: Link<MemberFrame>[] = [];
  let listener: LinkListener | null = null;
  const accept: Accept<MemberFrame> = (_peer, link) => {
    const ear = new Ear();
    ears.push(ear);
    links.push(link);
    return ear;
  };
  server.do(() => {
    listener = acceptLinks(
      server.ports,
      { address: { host: server.host, port: 1 }, identity: identity('proxy'), linksMax },
      {
        listening() {},
        failed() {},
        epoch: () => 7,
        accept: { member: member ?? accept },
      },
    );
  });
  return { net, server, client, at: { host: server.host, port: 1 }, ears, links, listener: listener as unknown as LinkListener };
};

const dial = (served: Served, name = 'node', networkId = 'net'): { ear: Ear; link: Link<MemberFrame> } => {
  const ear = new Ear();
  let link: Link<MemberFrame> | null = null;
  served.client.do(() => {
    link = dialLink<MemberFrame>(served.client.ports, { type: 'member', address: served.at, identity: identity(name, networkId) }, ear);
  });
  return { ear, link: link as unknown as Link<MemberFrame> };
};

/** A connection without a link's manners: what comes back, and how it ended. */
const rawDial = (served: Served, bytes: Uint8Array): { readonly got: () => string; readonly ended: () => boolean } => {
  const chunks: Uint8Array[] = [];
  let ended = false;
  served.client.do(() => {
    const connection = served.client.ports.transport.dial(
      served.at,
      { timeoutMs: 1_000 },
      {
        open: () => void connection.send(bytes),
        bytes: (chunk) => void chunks.push(chunk.slice()),
        drain() {},
        end: () => connection.close(),
        closed: () => {
          ended = true;
        },
      },
    );
  });
  return { got: () => Buffer.concat(chunks).toString('latin1'), ended: () => ended };
};

test('two sides say who they are, exchange frames and close politely', () => {
  const served = serve();
  const { ear, link } = dial(served);
  served.net.until(() => ear.peer !== null && isUp(served));
  assert.equal(ear.peer?.name, 'proxy');
  assert.equal(ear.peer?.observed?.host, served.client.host);
  assert.equal(served.ears[0]?.peer?.name, 'node');
  const announce: MemberFrame = { kind: 'announce', node: 'node', incarnation: 'i', sequence: 3, items: [] };
  served.client.do(() => assert.equal(link.send(announce), true));
  served.net.until(() => served.ears[0]?.frames.length === 1);
  assert.deepEqual(served.ears[0]?.frames[0], announce);
  served.client.do(() => link.close());
  served.net.until(() => ear.reason !== null && isDown(served));
  assert.equal(ear.reason?.code, 'closed');
  assert.equal(served.ears[0]?.reason?.code, 'closed');
  assert.equal(served.listener.count, 0);
});

test('a dial that nobody answers says where and why', () => {
  const served = serve();
  served.server.kill();
  const { ear } = dial(served);
  served.net.until(() => ear.reason !== null);
  assert.equal(ear.reason?.message, `${served.at.host}:1: connection refused`);
});

test('another network is refused by name', () => {
  const served = serve();
  const { ear } = dial(served, 'node', 'elsewhere');
  served.net.until(() => ear.reason !== null);
  assert.deepEqual([ear.reason?.code, ear.reason?.refusal], ['refused', 'network']);
  assert.match(ear.reason?.message ?? '', /this is network net, not elsewhere/u);
});

test('another version is refused with both versions in the words', () => {
  const served = serve();
  const hello = encodeControl({ kind: 'hello', version: 9, link: 'member', networkId: 'net', name: 'n', incarnation: 'i', software: '' });
  const raw = rawDial(served, new Uint8Array(Buffer.concat(encodeFrame(hello.kind, hello.parts))));
  served.net.until(raw.ended);
  assert.match(raw.got(), /"code":"version"/u);
  assert.match(raw.got(), /protocol version \d+, the other side 9; update the side that answered/u);
});

test('garbage on a link gets a reason and no more', () => {
  const served = serve();
  const raw = rawDial(served, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  served.net.until(raw.ended);
  assert.match(raw.got(), /"code":"bad-frame"/u);
  assert.equal(served.ears.length, 0);
  const unheard = rawDial(served, new Uint8Array(Buffer.concat(encodeFrame(17, [new Uint8Array(100_000)]))));
  served.net.until(() => unheard.ended() && served.listener.count === 0);
  assert.match(unheard.got(), /no hello, but many bytes/u);
});

test('a frame that has no place on the link ends it on both sides', () => {
  const served = serve();
  const { ear, link } = dial(served);
  served.net.until(() => ear.peer !== null);
  served.client.do(
    () => void link.send({ kind: 'heartbeatAck', epoch: 1, round: 1, proxyReach: 0 } as unknown as Parameters<typeof link.send>[0]),
  );
  served.net.until(() => ear.reason !== null && isDown(served));
  assert.equal(served.ears[0]?.reason?.code, 'violation');
  assert.equal(ear.reason?.refusal, 'bad-frame');
});

test('over the most links, the next is told so', () => {
  const served = serve(2);
  const first = dial(served, 'a');
  const second = dial(served, 'b');
  served.net.until(() => first.ear.peer !== null && second.ear.peer !== null);
  const third = dial(served, 'c');
  served.net.until(() => third.ear.reason !== null);
  assert.equal(third.ear.reason?.refusal, 'full');
  assert.equal(first.ear.reason, null);
});

test('an acceptor can refuse a name', () => {
  const served = serve(2, () => ({ refuse: 'name', message: 'no such replica' }));
  const { ear } = dial(served);
  served.net.until(() => ear.reason !== null);
  assert.deepEqual([ear.reason?.refusal, ear.reason?.message.includes('no such replica')], ['name', true]);
});

test('a connection that never says hello is cut', () => {
  const served = serve();
  const raw = rawDial(served, new Uint8Array(0));
  served.net.until(() => raw.ended() && served.listener.count === 0, 2 * (LINK_LIMITS.helloTimeoutMs / 1_000));
  assert.equal(served.ears.length, 0);
});

test('an idle link lives on pings; one whose other side vanished is silent', () => {
  const served = serve();
  const { ear } = dial(served);
  served.net.until(() => ear.peer !== null);
  served.net.run(10 * (LINK_LIMITS.silentAfterMs / 1_000));
  assert.equal(ear.reason, null);
  served.client.vanished = true;
  served.net.until(() => isDown(served), 60);
  assert.equal(served.ears[0]?.reason?.code, 'silent');
});

test('a keep-alive ping is answered by the link; a ping with a question of its own reaches the asker', () => {
  const served = serve();
  const { ear } = dial(served);
  served.net.until(() => served.links[0] !== undefined && ear.peer !== null);
  served.server.do(() => void served.links[0]?.send({ kind: 'ping', nonce: 77, node: null }));
  served.net.until(() => served.ears[0]?.frames.length === 1);
  assert.deepEqual(served.ears[0]?.frames[0], { kind: 'pong', nonce: 77, roundTripMicros: 0 });
  assert.deepEqual(ear.frames, []);
});

test('a dialler comes back after the other side was killed, at growing distances', () => {
  const served = serve();
  const seen: string[] = [];
  let dialler: LinkDialler<MemberFrame> | null = null;
  served.client.do(() => {
    dialler = new LinkDialler<MemberFrame>(
      served.client.ports,
      { type: 'member', address: served.at, identity: identity('node') },
      {
        up: () => void seen.push('up'),
        frame() {},
        down: () => void seen.push('down'),
        failed: () => void seen.push('failed'),
      },
    );
    dialler.start();
  });
  served.net.until(() => seen.includes('up'));
  served.server.kill();
  served.net.run(20);
  const failures = seen.filter((what) => what === 'failed').length;
  assert.deepEqual(seen.slice(0, 2), ['up', 'down']);
  assert.ok(failures >= 10 && failures <= 60, `${failures} attempts in 20 s`);
  const again = served.net.process();
  served.net.listeners.set(`${served.at.host}:1`, { process: again, handler: { listening() {}, failed() {}, connection: () => null } });
  served.client.do(() => dialler?.stop());
  const count = seen.length;
  served.net.run(20);
  assert.ok(seen.length <= count + 1, 'a stopped dialler dials no more');
});

test('a link whose other side does not read is slow first, and cut when too much waits', () => {
  const served = serve();
  const { ear, link } = dial(served);
  served.net.until(() => ear.peer !== null);
  served.server.stalled = true;
  const big: MemberFrame = {
    kind: 'request',
    requestId: { client: '00'.repeat(16), n: 1 },
    token: null,
    operation: { op: 'logout' },
    minSeq: 0,
    require: 'any',
    deadlineMs: 1,
    epoch: 0,
    from: null,
    tail: new Uint8Array(8 * 1_048_576),
  };
  for (let i = 0; i < 20; i++) served.client.do(() => assert.equal(link.send(big), false));
  served.net.until(() => ear.reason !== null);
  assert.equal(ear.reason?.code, 'full');
});
