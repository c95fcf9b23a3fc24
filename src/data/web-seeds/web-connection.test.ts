import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../ports/clock.ts';
import { readWebUrl, type WebUrl } from '../../protocol/bittorrent/web-seed.ts';
import { valueOf } from '../../protocol/bittorrent/torrent.test-kit.ts';
import type { Address, Connection, DialOptions, Transport } from '../../transports/transport.ts';
import { WebConnection } from './web-connection.ts';

const urlOf = (text: string): WebUrl => valueOf(readWebUrl(text));

/** What is dialled for the URL, and what is said there first. */
const dialled = (url: string, localHosts: readonly string[]) => {
  const seen: { address?: Address; options?: DialOptions; said: string } = { said: '' };
  const transport: Pick<Transport, 'dial'> = {
    dial(address, options) {
      seen.address = address;
      seen.options = options;
      return { send: (bytes: Uint8Array) => (seen.said += Buffer.from(bytes).toString('latin1')) !== '' } as unknown as Connection;
    },
  };
  const ways = { clock: { now: () => 0 } as Clock, transport: transport as Transport, client: 'Shoal 1', localHosts };
  const connection = new WebConnection(ways, urlOf(url), { head() {}, body() {}, end() {}, failed() {} });
  connection.request(urlOf(url), { from: 16_384, length: 100, fileBytes: 50_000 });
  return seen;
};

test('by https the server must show a certificate for its name; by http none is asked for', () => {
  assert.deepEqual(dialled('https://m.example:8443/d/x', []).options?.tls, { serverName: 'm.example' });
  assert.deepEqual(dialled('https://m.example/x', []).address, { host: 'm.example', port: 443 });
  assert.equal(dialled('http://m.example/x', []).options?.tls, undefined);
});

test('the range, the host and no compression are asked for, and the connection is to be kept', () => {
  const { said } = dialled('http://m.example:8080/d/x%20y?k=1', []);
  assert.match(said, /^GET \/d\/x%20y\?k=1 HTTP\/1\.1\r\n/u);
  for (const field of ['Host: m.example:8080', 'Range: bytes=16384-16483', 'Accept-Encoding: identity', 'Connection: keep-alive'])
    assert.ok(said.includes(`${field}\r\n`), field);
});

test('a node that is bound to addresses dials from the one of the same family', () => {
  assert.equal(dialled('http://192.0.2.1/x', ['10.0.0.1', 'fd00::1']).options?.localHost, '10.0.0.1');
  assert.equal(dialled('http://[2001:db8::1]/x', ['10.0.0.1', 'fd00::1']).options?.localHost, 'fd00::1');
  assert.equal(dialled('http://192.0.2.1/x', []).options?.localHost, undefined);
});

test('of two connections to different servers neither carries the requests of the other', () => {
  const connection = new WebConnection(
    {
      clock: { now: () => 0 } as Clock,
      transport: { dial: () => ({ send: () => true }) as unknown as Connection } as unknown as Transport,
      client: 'x',
      localHosts: [],
    },
    urlOf('https://m.example/a'),
    { head() {}, body() {}, end() {}, failed() {} },
  );
  assert.equal(connection.reusable(urlOf('https://m.example/b')), true);
  assert.equal(connection.reusable(urlOf('http://m.example:443/b')), false);
  assert.equal(connection.reusable(urlOf('https://n.example/b')), false);
});
