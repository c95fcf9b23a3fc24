/** Decoders of the tracker protocols: HTTP messages, announces, scrapes, UDP packets. */
import { readAnnounceQuery, printAnnounceQuery } from '../../src/protocol/tracker/announce-query.ts';
import { encodeAnnounceReply, encodeRefusal, readAnnounceReply } from '../../src/protocol/tracker/announce-reply.ts';
import { clientHost, parseNetwork } from '../../src/protocol/tracker/forwarders.ts';
import { encodeHttpRequest, HttpRequestReader } from '../../src/protocol/tracker/http-request.ts';
import { encodeHttpResponse, HttpResponseReader } from '../../src/protocol/tracker/http-response.ts';
import { encodeScrapeReply, printScrapeQuery, readScrapeQuery, readScrapeReply, scrapeTarget } from '../../src/protocol/tracker/scrape.ts';
import { printTrackerUrl, readTrackerUrl, redactTrackerUrl } from '../../src/protocol/tracker/tracker-url.ts';
import { decodeUdpReply, decodeUdpRequest, encodeUdpReply, encodeUdpRequest } from '../../src/protocol/tracker/udp.ts';
import type { AnnounceRequest } from '../../src/protocol/tracker/announce-query.ts';
import type { PeerId, WireHash } from '../../src/protocol/bittorrent/ids.ts';
import { testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { answered, bytesOf, cuts, type Decoder, must, sameAgain, textOf } from './decoder.ts';

const PEERS_MAX = 50;
const HEAD_BYTES_MAX = 2_048;
const BODY_BYTES_MAX = 4_096;
const URL_CHARACTERS_MAX = 2_048;
const hash = testBytes(20, 7) as WireHash;
const announce: AnnounceRequest = {
  infoHash: hash,
  peerId: bytesOf('-XX0001-abcdefghijkl') as PeerId,
  port: 6881,
  uploadedBytes: 1,
  downloadedBytes: 2,
  leftBytes: 3,
  event: 'started',
  key: '0000abcd',
  numwant: 50,
  compact: true,
  noPeerId: false,
  ip: null,
  trackerId: null,
};
const queryText = printAnnounceQuery(announce);
const path = `/${'ab'.repeat(16)}/announce`;
const httpTokens = [
  '\r\n',
  '\n\n',
  ': ',
  'GET ',
  'HTTP/1.1',
  'HTTP/1.0 200 OK\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Transfer-Encoding: chunked\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  'ffffffffffff\r\n',
  'Connection: close\r\n',
  '\0',
  '%',
];

const httpRequest: Decoder = {
  name: 'HTTP request',
  seeds: [
    encodeHttpRequest('GET', `${path}?${queryText}`, { host: 'tracker.example:6969', 'user-agent': 'Test/1', connection: 'keep-alive' }),
    bytesOf(`GET ${path}?a=b HTTP/1.0\r\n\r\nHEAD / HTTP/1.1\nHost: x\n\n`),
    bytesOf('GET http://host/path?q#f HTTP/1.1\r\nX-Forwarded-For: 10.0.0.1, ::1\r\n\r\n'),
  ],
  tokens: httpTokens,
  run: (input, draw) => {
    const reader = new HttpRequestReader({ headBytesMax: HEAD_BYTES_MAX });
    let requests = 0;
    for (const chunk of cuts(input, draw)) {
      reader.push(chunk);
      for (;;) {
        const step = reader.next();
        if (step.kind === 'violation') {
          must(reader.bufferedBytes === 0, 'a violation keeps nothing');
          return requests > 0;
        }
        if (step.kind === 'more') break;
        must(step.request.path.startsWith('/'), 'a path begins with a slash');
        requests++;
      }
      must(reader.bufferedBytes < HEAD_BYTES_MAX, 'no more is kept than a head has');
    }
    return requests > 0;
  },
};

const reply = encodeAnnounceReply(
  {
    kind: 'reply',
    intervalSeconds: 1_800,
    minIntervalSeconds: 60,
    seeders: 1,
    leechers: 2,
    peers: [
      { host: '10.0.0.1', port: 6881, peerId: announce.peerId },
      { host: '2001:db8::1', port: 6882, peerId: null },
    ],
    warning: 'careful',
    trackerId: 'x',
    externalIp: '192.0.2.1',
  },
  { compact: true, noPeerId: false },
);

const httpResponse: Decoder = {
  name: 'HTTP response',
  seeds: [
    encodeHttpResponse({ status: 200, fields: { 'content-type': 'text/plain' }, body: reply, keepAlive: true, headOnly: false }),
    bytesOf('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: a\r\n\r\n'),
    bytesOf('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nto the end'),
  ],
  tokens: httpTokens,
  run: (input, draw) => {
    const reader = new HttpResponseReader(draw(8) === 0 ? 'HEAD' : 'GET', { headBytesMax: HEAD_BYTES_MAX, bodyBytesMax: BODY_BYTES_MAX });
    let [bodyBytes, ends] = [0, 0];
    for (const chunk of [...cuts(input, draw), null]) {
      const read = answered(chunk === null ? reader.end() : reader.push(chunk));
      if (read === undefined) return false;
      for (const part of read) {
        must(ends === 0, 'nothing comes after the end');
        if (part.kind === 'body') bodyBytes += part.bytes.length;
        if (part.kind === 'end') ends++;
      }
      must(bodyBytes <= BODY_BYTES_MAX, 'no more of a body than the limit');
    }
    return ends === 1;
  },
};

const announceQuery: Decoder = {
  name: 'announce query',
  seeds: [
    bytesOf(queryText),
    bytesOf(`${queryText}&compact=0&no_peer_id=1&ip=10.0.0.1&trackerid=t&corrupt=0&supportcrypto=1`),
    bytesOf('info_hash=%01&peer_id=&port=0&left=18446744073709551615&numwant=-1&event='),
  ],
  tokens: ['&', '=', '%', '%0', '%FF', 'info_hash=', 'peer_id=', 'port=65536', 'left=-1', 'event=completed', 'numwant=4294967296', 'key='],
  run: (input) => {
    const read = answered(readAnnounceQuery(textOf(input)));
    if (read === undefined) return false;
    must(read.infoHash.length === 20 && read.peerId.length === 20, 'hash and id have 20 bytes');
    // An `ip` that is no text is read byte by byte, and no program writes such a one.
    const written = /^[ -~]*$/u.test(read.ip ?? '') ? read : { ...read, ip: null };
    sameAgain(written, readAnnounceQuery(printAnnounceQuery(written)));
    return true;
  },
};

const announceReply: Decoder = {
  name: 'announce reply',
  seeds: [
    reply,
    encodeRefusal({ reason: 'no', retryInSeconds: 120 }),
    bytesOf('d8:intervali900e5:peersld2:ip8:10.0.0.17:peer id20:-XX0001-abcdefghijkl4:porti6881eeee'),
  ],
  tokens: [
    'd',
    'e',
    'l',
    '5:peers',
    '6:peers6',
    '8:intervali-1e',
    '14:failure reason',
    '8:retry in5:never',
    '6:aaaaaa',
    '11:external ip4:abcd',
  ],
  run: (input) => {
    const read = answered(readAnnounceReply(input, PEERS_MAX));
    if (read === undefined) return false;
    if (read.kind === 'reply') must(read.peers.length <= PEERS_MAX, 'no more peers than are wanted');
    else must(read.reason.length <= 512, 'a reason is short');
    return true;
  },
};

const scrape: Decoder = {
  name: 'scrape',
  seeds: [
    bytesOf(printScrapeQuery([hash, hash])),
    encodeScrapeReply([{ infoHash: hash, seeders: 1, leechers: 2, completed: 3 }], 60),
    bytesOf(path),
  ],
  tokens: ['info_hash=', '&', '%', '5:files', 'd20:', '8:completei1e', '/announce', '/'],
  run: (input) => {
    const query = answered(readScrapeQuery(textOf(input)));
    if (query !== undefined) sameAgain(query, readScrapeQuery(printScrapeQuery(query)));
    const target = scrapeTarget(textOf(input));
    must(target === null || target.includes('scrape'), 'a scrape has its word');
    return query !== undefined || answered(readScrapeReply(input)) !== undefined;
  },
};

const trackerUrl: Decoder = {
  name: 'tracker URL',
  seeds: ['http://tracker.example:6969/announce', `https://[2001:db8::1]${path}?x=y`, `udp://10.0.0.1:6969${path}`].map(bytesOf),
  tokens: ['http://', 'udp://', ':', '/', '?', '#', '@', '[', ']', '%', '..', ' ', ':99999'],
  run: (input) => {
    const read = answered(readTrackerUrl(textOf(input)));
    if (read === undefined) return false;
    redactTrackerUrl(read);
    const printed = printTrackerUrl(read);
    // Percent-coded it can be longer than any that is read.
    if (printed.length <= URL_CHARACTERS_MAX) sameAgain(read, readTrackerUrl(printed));
    return true;
  },
};

const forwarders: Decoder = {
  name: 'forwarded address',
  seeds: ['10.0.0.0/8', '2001:db8::/32', '10.0.0.1, 192.0.2.7, ::ffff:10.0.0.2'].map(bytesOf),
  tokens: ['/', '::', '.', ',', ' ', '0', '129', 'ffff'],
  run: (input) => {
    const text = textOf(input);
    const network = parseNetwork(text);
    must(clientHost('10.1.2.3', text, []) === '10.1.2.3', 'whom nobody trusts names nobody');
    clientHost('10.1.2.3', text, [{ bytes: Uint8Array.of(10, 0, 0, 0), bits: 8 }]);
    return network !== null;
  },
};

const connectionId = testBytes(8, 3);
const udpRequest: Decoder = {
  name: 'UDP request',
  seeds: [
    encodeUdpRequest({ kind: 'connect', transactionId: 5 }),
    encodeUdpRequest({ kind: 'announce', connectionId, transactionId: 6, announce, urlData: path }),
    encodeUdpRequest({ kind: 'scrape', connectionId, transactionId: 7, infoHashes: [hash, hash] }),
  ],
  tokens: ['\0\0\x04\x17\x27\x10\x19\x80', '\0\0\0\x01', '\x02\xff', '\x02\x05/abcd', '\x01', '\0'],
  run: (input) => {
    const read = answered(decodeUdpRequest(input));
    if (read === undefined) return false;
    if (read.kind === 'announce') must(read.urlData.length <= input.length, 'options are of the packet');
    return true;
  },
};

const udpReply: Decoder = {
  name: 'UDP reply',
  seeds: [
    encodeUdpReply({ kind: 'connect', transactionId: 1, connectionId }, 'v4'),
    encodeUdpReply(
      { kind: 'announce', transactionId: 2, intervalSeconds: 1_800, leechers: 1, seeders: 2, peers: [{ host: '10.0.0.1', port: 6881 }] },
      'v4',
    ),
    encodeUdpReply(
      { kind: 'announce', transactionId: 2, intervalSeconds: 1_800, leechers: 1, seeders: 2, peers: [{ host: '::2', port: 6881 }] },
      'v6',
    ),
    encodeUdpReply({ kind: 'scrape', transactionId: 3, swarms: [{ seeders: 1, leechers: 2, completed: 3 }] }, 'v4'),
    encodeUdpReply({ kind: 'error', transactionId: 4, message: 'no' }, 'v4'),
  ],
  tokens: ['\0\0\0\0', '\0\0\0\x01', '\0\0\0\x03', '\xff\xff\xff\xff'],
  run: (input, draw) => {
    const read = answered(decodeUdpReply(input, draw(2) === 0 ? 'v4' : 'v6', PEERS_MAX));
    if (read?.kind === 'announce') must(read.peers.length <= PEERS_MAX, 'no more peers than are wanted');
    return read !== undefined;
  },
};

export const trackerDecoders: readonly Decoder[] = [
  httpRequest,
  httpResponse,
  announceQuery,
  announceReply,
  scrape,
  trackerUrl,
  forwarders,
  udpRequest,
  udpReply,
];
