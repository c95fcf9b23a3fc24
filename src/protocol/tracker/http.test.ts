import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { encodeHttpRequest, type HttpRequest, HttpRequestReader } from './http-request.ts';
import { encodeHttpResponse, type HttpResponsePart, HttpResponseReader } from './http-response.ts';

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

const requestsOf = (text: string, sizes: readonly number[] = []): (HttpRequest | string)[] => {
  const reader = new HttpRequestReader();
  const found: (HttpRequest | string)[] = [];
  for (const chunk of cut(latin1(text), sizes)) {
    reader.push(chunk);
    for (let step = reader.next(); step.kind !== 'more'; step = reader.next()) {
      if (step.kind === 'violation') return [...found, `${step.status} ${step.reason}`];
      found.push(step.request);
    }
  }
  return found;
};

const cut = (bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] => {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(at)];
};

const aria2 =
  'GET /0123456789abcdef/announce?info_hash=%CC%92q&numwant=50 HTTP/1.1\r\nUser-Agent: aria2/1.36.0\r\nAccept: */*\r\nHost: 127.0.0.1:7001\r\nWant-Digest: SHA-512;q=1, SHA-256;q=1, SHA;q=0.1\r\n\r\n';
const libtorrent =
  'GET /k/scrape?info_hash=%cc%92q HTTP/1.1\r\nHost: 127.0.0.1:7001\r\nUser-Agent: libtorrent/2.0.8.0\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n';

describe('HTTP requests', () => {
  it('of aria2 and libtorrent, one behind the other on one connection', () => {
    const [first, second] = requestsOf(aria2 + libtorrent);
    assert.ok(typeof first === 'object' && typeof second === 'object');
    assert.deepEqual(
      [first.method, first.path, first.query, first.keepAlive, first.fields.get('user-agent')],
      ['GET', '/0123456789abcdef/announce', 'info_hash=%CC%92q&numwant=50', true, 'aria2/1.36.0'],
    );
    assert.deepEqual([second.path, second.keepAlive], ['/k/scrape', false]);
  });

  it('are the same however they are cut', () => {
    const whole = requestsOf(aria2 + libtorrent);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 })), (sizes) => assert.deepEqual(requestsOf(aria2 + libtorrent, sizes), whole)),
    );
  });

  it('are read leniently where RFC 9112 allows it', () => {
    const [old, proxied, bare] = requestsOf(
      '\r\nGET /a HTTP/1.0\nConnection: Keep-Alive\n\nHEAD http://tracker.example:80?x=/y HTTP/1.1\r\nX: 1\r\nX: 2\r\n\r\nGET / HTTP/1.0\r\n\r\n',
    );
    assert.ok(typeof old === 'object' && typeof proxied === 'object' && typeof bare === 'object');
    assert.deepEqual([old.path, old.query, old.keepAlive], ['/a', '', true]);
    assert.deepEqual([proxied.method, proxied.path, proxied.query, proxied.fields.get('x')], ['HEAD', '/', 'x=/y', '1, 2']);
    assert.equal(bare.keepAlive, false);
  });

  it('that break the rules end the connection with a status', () => {
    const first = (text: string): unknown => requestsOf(text)[0];
    assert.match(String(first('hello\r\n\r\n')), /^400 .*request line/u);
    assert.match(String(first('\x16\x03\x01\0\xa5\x01\0\0\n\n')), /^400/u);
    assert.match(String(first('GET a HTTP/1.1\r\n\r\n')), /^400 .*target/u);
    assert.match(String(first('GET / HTTP/2.0\r\n\r\n')), /^505/u);
    assert.match(String(first('GET / HTTP/1.1\r\nbad\r\n\r\n')), /^400 .*field/u);
    assert.match(String(first('GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n')), /^400 .*field/u);
    assert.match(String(first('POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello')), /^413/u);
    assert.match(String(first('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n')), /^413/u);
    assert.match(String(first(`GET /${'a'.repeat(9_000)}`)), /^414/u);
    assert.match(String(first(`GET /${'a'.repeat(5_000)} HTTP/1.1\r\n\r\n`)), /^414/u);
    assert.match(String(first(`GET / HTTP/1.1\r\nA: ${'a'.repeat(9_000)}`)), /^431/u);
    assert.match(String(first(`GET / HTTP/1.1\r\n${'A: a\r\n'.repeat(65)}\r\n`)), /^400 .*64/u);
  });

  it('end with the first violation', () => {
    const reader = new HttpRequestReader();
    reader.push(latin1('bad\r\n\r\nGET / HTTP/1.1\r\n\r\n'));
    assert.equal(reader.next().kind, 'violation');
    reader.push(latin1('GET / HTTP/1.1\r\n\r\n'));
    assert.equal(reader.next().kind, 'violation');
    assert.equal(reader.bufferedBytes, 0);
  });

  it('of ours are read by our own server, whatever a field was made of', () => {
    const bytes = encodeHttpRequest('GET', '/announce?a=b', { Host: 't:80', 'User-Agent': 'a\r\nX-Evil: 1' });
    const [request] = requestsOf(Buffer.from(bytes).toString('latin1'));
    assert.ok(typeof request === 'object');
    assert.deepEqual(
      [...request.fields],
      [
        ['host', 't:80'],
        ['user-agent', 'a X-Evil: 1'],
      ],
    );
  });

  it('of any bytes are answered with a value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const reader = new HttpRequestReader({ headBytesMax: 200 });
        reader.push(bytes);
        return ['more', 'request', 'violation'].includes(reader.next().kind);
      }),
    );
  });
});

interface Collected {
  readonly status: number;
  readonly body: string;
  readonly keepAlive: boolean;
}

const responseOf = (
  text: string,
  {
    sizes = [],
    ends = true,
    method = 'GET',
    bodyBytesMax = 1_000,
  }: { sizes?: readonly number[]; ends?: boolean; method?: 'GET' | 'HEAD'; bodyBytesMax?: number } = {},
): Collected | string => {
  const reader = new HttpResponseReader(method, { bodyBytesMax, headBytesMax: 500 });
  const parts: HttpResponsePart[] = [];
  const chunks = cut(latin1(text), sizes);
  for (const chunk of [...chunks, null]) {
    if (chunk === null && !ends) break;
    const read = chunk === null ? reader.end() : reader.push(chunk);
    if (!read.ok) return read.error.message;
    for (const part of read.value) parts.push(part.kind === 'body' ? { kind: 'body', bytes: new Uint8Array(part.bytes) } : part);
  }
  const [head] = parts;
  const end = parts.at(-1);
  if (head?.kind !== 'head' || end?.kind !== 'end') return 'unfinished';
  const body = Buffer.concat(parts.flatMap((part) => (part.kind === 'body' ? [part.bytes] : []))).toString('latin1');
  return { status: head.head.status, body, keepAlive: end.keepAlive };
};

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n';

describe('HTTP responses', () => {
  it('with a length, in chunks, and to the end of the connection', () => {
    assert.deepEqual(responseOf('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nde'), { status: 200, body: 'de', keepAlive: true });
    assert.deepEqual(responseOf(chunked), { status: 200, body: 'hello world', keepAlive: true });
    assert.deepEqual(responseOf('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nde'), { status: 200, body: 'de', keepAlive: false });
    assert.deepEqual(responseOf('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'), {
      status: 404,
      body: '',
      keepAlive: false,
    });
  });

  it('without a body, whatever their fields say', () => {
    assert.deepEqual(responseOf('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', { method: 'HEAD' }), {
      status: 200,
      body: '',
      keepAlive: true,
    });
    assert.deepEqual(responseOf('HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n', { ends: false }), {
      status: 304,
      body: '',
      keepAlive: true,
    });
  });

  it('are the same however they are cut', () => {
    const whole = responseOf(chunked);
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 20 })), (sizes) => assert.deepEqual(responseOf(chunked, { sizes }), whole)));
  });

  it('that are none say why', () => {
    const why = (text: string): string => String(responseOf(text));
    assert.match(why('SSH-2.0-x\r\n\r\n'), /status line/u);
    assert.match(why('HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n'), /length/u);
    assert.match(why('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n'), /length/u);
    assert.match(why('HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n'), /longer than 1000/u);
    assert.match(why(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1_001)}`), /longer than 1000/u);
    assert.match(
      why(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`64\r\n${'x'.repeat(100)}\r\n`.repeat(11)}`),
      /longer than 1000/u,
    );
    assert.match(why('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nd'), /cut off/u);
    assert.match(why('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ndex'), /more came/u);
    assert.match(why('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'), /transfer coding/u);
    assert.match(why('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n'), /size of a chunk/u);
    assert.match(why('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n'), /longer than it says/u);
    assert.match(why(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(600)}`), /more than 500/u);
    assert.match(why('HTTP/1.1 100 Continue\r\n\r\n'.repeat(9)), /interim/u);
    assert.match(why(''), /cut off/u);
  });

  it('of ours are read as they were meant', () => {
    const answer = { status: 200, fields: { 'Content-Type': 'text/plain' }, body: latin1('d5:peers0:e'), keepAlive: true, headOnly: false };
    const text = Buffer.from(encodeHttpResponse(answer)).toString('latin1');
    assert.match(text, /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain\r\nContent-Length: 11\r\nConnection: keep-alive\r\n\r\n/u);
    assert.deepEqual(responseOf(text), { status: 200, body: 'd5:peers0:e', keepAlive: true });
    const head = Buffer.from(encodeHttpResponse({ ...answer, keepAlive: false, headOnly: true })).toString('latin1');
    assert.deepEqual(responseOf(head, { method: 'HEAD' }), { status: 200, body: '', keepAlive: false });
  });

  it('of any bytes are answered with a value, and keep little', () => {
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => latin1(chunked + Buffer.from(bytes).toString('latin1'))),
    );
    fc.assert(fc.property(text, (bytes) => typeof responseOf(Buffer.from(bytes).toString('latin1')) !== 'undefined'));
  });
});
