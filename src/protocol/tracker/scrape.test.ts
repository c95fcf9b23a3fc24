import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { toHex } from '../digest.ts';
import { encodeRefusal } from './announce-reply.ts';
import { encodeScrapeReply, printScrapeQuery, readScrapeQuery, readScrapeReply, scrapeTarget } from './scrape.ts';
import { anyHash, valueOf } from './tracker.test-kit.ts';
import { hostField, printTrackerUrl, readTrackerUrl, redactTrackerUrl } from './tracker-url.ts';

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

describe('scrape', () => {
  it('queries are read as they were printed', () => {
    fc.assert(
      fc.property(fc.array(anyHash, { minLength: 1, maxLength: 74 }), (hashes) =>
        assert.deepEqual(valueOf(readScrapeQuery(printScrapeQuery(hashes))), hashes),
      ),
    );
  });

  it('queries that are none say why', () => {
    const why = (query: string): string => {
      const read = readScrapeQuery(query);
      return read.ok ? 'accepted' : read.error.message;
    };
    assert.match(why(''), /does not list everything/u);
    assert.match(why('info_hash=abc'), /20 bytes/u);
    assert.match(why(Array(75).fill('info_hash=aaaaaaaaaaaaaaaaaaaa').join('&')), /at most 74/u);
    assert.match(why('info_hash=%'), /percent/u);
  });

  it('replies are read as they were encoded, keys in the order of their bytes', () => {
    const count = fc.nat();
    const swarm = fc.record({ infoHash: anyHash, seeders: count, leechers: count, completed: count }, { noNullPrototype: true });
    fc.assert(
      fc.property(fc.uniqueArray(swarm, { maxLength: 74, selector: ({ infoHash }) => toHex(infoHash) }), (swarms) => {
        const read = valueOf(readScrapeReply(encodeScrapeReply(swarms, 60)));
        assert.ok(read.kind === 'reply');
        assert.deepEqual(
          read.swarms,
          swarms.toSorted((a, b) => Buffer.compare(a.infoHash, b.infoHash)),
        );
      }),
    );
  });

  it("reads opentracker's reply, and one that says no", () => {
    const read = valueOf(readScrapeReply(latin1('d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei5e10:downloadedi50e10:incompletei10eeee')));
    assert.deepEqual(read.kind === 'reply' && read.swarms.map(({ seeders, leechers, completed }) => [seeders, leechers, completed]), [
      [5, 10, 50],
    ]);
    assert.equal(valueOf(readScrapeReply(encodeRefusal({ reason: 'no', retryInSeconds: null }))).kind, 'refusal');
    assert.equal(readScrapeReply(latin1('<html>')).ok, false);
  });

  it('goes where BEP 48 says', () => {
    assert.equal(scrapeTarget('/announce'), '/scrape');
    assert.equal(scrapeTarget('/x/announce.php?x=/announce'), '/x/scrape.php?x=/announce');
    assert.equal(scrapeTarget('/announce/x'), null);
    assert.equal(scrapeTarget('/a'), null);
    assert.equal(scrapeTarget('/0123456789abcdef/announce?k=v'), '/0123456789abcdef/scrape?k=v');
  });
});

describe('URLs of trackers', () => {
  it('are read: scheme, host, port, path and query', () => {
    const read = (text: string): unknown => valueOf(readTrackerUrl(text));
    assert.deepEqual(read('http://T.example/k/announce?a=%ff'), {
      scheme: 'http',
      host: 't.example',
      port: 80,
      target: '/k/announce?a=%ff',
    });
    assert.deepEqual(read('udp://[::1]:6969/announce'), { scheme: 'udp', host: '::1', port: 6969, target: '/announce' });
    assert.deepEqual(read(' udp://1.2.3.4:80 '), { scheme: 'udp', host: '1.2.3.4', port: 80, target: '/' });
    assert.deepEqual(read('https://t.example'), { scheme: 'https', host: 't.example', port: 443, target: '/' });
  });

  it('that are none, or not for us, say why', () => {
    const why = (text: string): string => {
      const read = readTrackerUrl(text);
      return read.ok ? 'accepted' : read.error.message;
    };
    assert.match(why('wss://t.example/'), /by wss are not supported/u);
    assert.match(why('t.example/announce'), /malformed/u);
    assert.match(why('udp://t.example/announce'), /no port/u);
    assert.match(why('http://t.example:0/'), /no port/u);
    assert.match(why(`http://t.example/${'a'.repeat(3_000)}`), /longer/u);
    fc.assert(fc.property(fc.oneof(fc.string(), fc.webUrl()), (text) => typeof readTrackerUrl(text).ok === 'boolean'));
  });

  it('follow a redirect to a path', () => {
    const base = valueOf(readTrackerUrl('http://t.example:8080/k/announce'));
    assert.equal(printTrackerUrl(valueOf(readTrackerUrl('/other?x=1', base))), 'http://t.example:8080/other?x=1');
    assert.equal(hostField(base), 't.example:8080');
  });

  it('are shown without their keys', () => {
    const shown = (text: string): string => redactTrackerUrl(valueOf(readTrackerUrl(text)));
    assert.equal(shown('http://t.example:6969/0123456789abcdef0123456789abcdef/announce'), 'http://t.example:6969/***/announce');
    assert.equal(shown('https://t.example/announce.php?passkey=abc'), 'https://t.example/announce.php?***');
    assert.equal(shown('udp://[::1]:6969/announce'), 'udp://[::1]:6969/announce');
  });
});
