/** What comes over the network and is no frame, no version, no member of ours: at the ports of every role. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../simulations/cluster.ts';
import { PROTOCOL_VERSION } from '../../src/protocol/control/messages.ts';
import type { Address } from '../../src/transports/transport.ts';
import { bytesOf, logged, signIn, startNetwork, stillServes, Stranger } from './kit.ts';

const ports = (cluster: Cluster) => {
  const { network, secrets } = cluster;
  const proxy = network.proxies[0]?.address as Address;
  const tracker = network.replicas[0]?.address as Address;
  return [
    { role: 'proxy1', address: proxy, key: secrets.networkKey },
    { role: 'tracker', address: tracker, key: secrets.clusterKey },
  ] as const;
};

const u32 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

test('garbage, frames that are too large, and frames that are cut off end their own connection with a reason, and no other', () => {
  const cluster = startNetwork({ nodes: 1 });
  signIn(cluster, 'node1');
  const stranger = new Stranger(cluster, 'stranger');
  const hello = {
    kind: 'hello',
    version: PROTOCOL_VERSION,
    link: 'member',
    networkId: '0',
    name: 's',
    incarnation: 'i',
    software: 's',
  } as const;
  for (const { role, address, key } of ports(cluster)) {
    const garbage = stranger.say(address, Buffer.from('GET /announce?info_hash=x HTTP/1.1\r\n\r\n'), key);
    assert.match(garbage.heard, /"code":"bad-frame"/u, role);
    const large = stranger.say(address, Buffer.concat([u32(0xff_ff_ff_f0), Uint8Array.of(16)]), key);
    assert.match(large.heard, /"code":"bad-frame","message":"a frame of 4294967280 bytes/u, role);
    const cut = stranger.say(address, bytesOf(hello).subarray(0, 30), key);
    assert.deepEqual([cut.opened, cut.heard], [true, ''], `${role} waits for the rest of a hello, but not for ever`);
    assert.ok(logged(cluster, role, 'a link broke the protocol').length >= 2, `${role} logs whom it turned away and why`);
    stillServes(cluster, 'node1');
  }
});

test('garbage and a message of 4 GiB at the port of a node end their own connection', () => {
  const cluster = startNetwork({ nodes: 1 });
  signIn(cluster, 'node1');
  const port = cluster.ask('node1', 'status', {}).peerPort ?? 0;
  const address = { host: cluster.world.process('node1').host, port };
  const stranger = new Stranger(cluster, 'stranger');
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.concat([u32(0xff_ff_ff_ff), Uint8Array.of(7)]),
    new Uint8Array(70),
    new Uint8Array(0),
  ]) {
    const { opened, heard } = stranger.say(address, bytes, null);
    assert.deepEqual([opened, heard], [true, '']);
  }
  stillServes(cluster, 'node1');
});

test('another protocol version and another network are refused with both sides named', () => {
  const cluster = startNetwork({ nodes: 1 });
  signIn(cluster, 'node1');
  const stranger = new Stranger(cluster, 'stranger');
  const hello = {
    kind: 'hello',
    version: 99,
    link: 'member',
    networkId: cluster.network.networkId,
    name: 'n',
    incarnation: 'i',
    software: 's',
  } as const;
  const [{ address, key }] = ports(cluster);
  assert.match(
    stranger.say(address, bytesOf(hello), key).heard,
    new RegExp(
      `"code":"version","message":"this side speaks protocol version ${PROTOCOL_VERSION}, the other side 99; update the side that answered"`,
      'u',
    ),
  );
  const elsewhere = stranger.say(address, bytesOf({ ...hello, version: PROTOCOL_VERSION, networkId: 'ff'.repeat(16) }), key);
  assert.match(elsewhere.heard, /"code":"network"/u);
  assert.ok(elsewhere.heard.includes(`this is network ${cluster.network.networkId}, not ${'ff'.repeat(16)}`));
  stillServes(cluster, 'node1');
});

test('without the key, or with the wrong one, there is no connection to say anything on', () => {
  const cluster = startNetwork({ nodes: 1 });
  signIn(cluster, 'node1');
  const stranger = new Stranger(cluster, 'stranger');
  for (const { role, address, key } of ports(cluster)) {
    for (const wrong of [null, { identity: key?.identity ?? '', key: new Uint8Array(32) }]) {
      const { opened, heard } = stranger.say(address, Buffer.from('hello'), wrong);
      assert.deepEqual([opened, heard], [false, ''], role);
    }
    const said = logged(cluster, role, 'connections without the key were rejected');
    assert.equal(said.length, 1, 'the log says so, but not as often as anybody may knock');
    assert.match(String(said[0]?.fields['reason']), /^10\.9\.9\.\d+:\d+ is not secured/u);
  }
  stillServes(cluster, 'node1');
});

test('a member that asks for what is no operation, or too much, loses its link; the others keep theirs', () => {
  const cluster = startNetwork({ nodes: 1 });
  signIn(cluster, 'node1');
  const member = new Stranger(cluster, 'member').member('a-node');
  const unknown = member({ op: 'register', name: 'x'.repeat(100), password: 'long enough', code: null }).body;
  assert.deepEqual(unknown, { ok: false, code: 'name-invalid', message: 'A name has at most 64 characters' });
  assert.throws(() => member({ op: 'launder' } as never), /bad-frame|a bad request frame/u);
  const other = new Stranger(cluster, 'another one').member('b-node');
  assert.throws(() => other({ op: 'need', words: 'x'.repeat(100_000), offset: 0, limit: 10 }), /head of \d+ bytes/u);
  stillServes(cluster, 'node1');
});
