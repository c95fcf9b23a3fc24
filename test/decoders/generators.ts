/** Inputs by fast-check: right in their grammar and wrong in what they say, or plain noise. */
import * as fc from 'fast-check';
import { type BencodeValue, encodeBencode } from '../../src/protocol/bittorrent/bencode.ts';
import { KIND_BYTES } from '../../src/protocol/control/codec.ts';
import { bytesOf } from './decoder.ts';

const noise = fc.uint8Array({ maxLength: 300 });

/** Keys that the decoders look for, with values of any type behind them. */
const bencodeKeys = [
  'info',
  'name',
  'pieces',
  'piece length',
  'length',
  'files',
  'path',
  'file tree',
  'meta version',
  'pieces root',
  'piece layers',
  'private',
  'attr',
  '',
  'announce',
  'announce-list',
  'url-list',
  'm',
  'v',
  'p',
  'reqq',
  'metadata_size',
  'ut_metadata',
  'ut_pex',
  'shoal',
  'block',
  'node',
  'msg_type',
  'piece',
  'total_size',
  'interval',
  'min interval',
  'peers',
  'peers6',
  'ip',
  'port',
  'peer id',
  'failure reason',
  'retry in',
  'files',
  'complete',
  'incomplete',
  'downloaded',
  'external ip',
  'tracker id',
  'added',
  'added.f',
  'added6',
  'dropped',
];
const bencodeNumbers = fc.oneof(fc.integer(), fc.constantFrom(0, 1, 2, 16_384, 65_536, Number.MAX_SAFE_INTEGER), fc.nat({ max: 300 }));

const bencodeTree = fc.letrec<{ readonly value: BencodeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    bencodeNumbers,
    fc.constantFrom('', 'a', '..', 'a/b', 'http://t.example/announce', 'never'),
    fc.uint8Array({ maxLength: 80 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.constantFrom(...bencodeKeys), tie('value'), { maxKeys: 8, noNullPrototype: true }),
  ),
})).value;

const bencoded = fc
  .dictionary(fc.constantFrom(...bencodeKeys), bencodeTree, { maxKeys: 10, noNullPrototype: true })
  .map((value) => encodeBencode(value));

const jsonKeys = [
  'version',
  'id',
  'origin',
  'folder',
  'tags',
  'have',
  'unsettled',
  'files',
  'facts',
  'size',
  'kind',
  'folded',
  'name',
  'content',
  'rows',
  'epoch',
  'operation',
  'op',
  'token',
  'n',
  'client',
  'require',
  'link',
  'order',
  'do',
  'outcome',
  'ok',
  'value',
  'at',
  'seq',
  'hash',
  '__proto__',
  'constructor',
  'toString',
];
const json = fc
  .letrec<{ readonly value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string({ unit: 'grapheme', maxLength: 10 })),
      fc.constantFrom('get', 'share', 'login', 'account.disable', 'tally', 'any', 'report', 'a'.repeat(64)),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.array(fc.tuple(fc.constantFrom(...jsonKeys), tie('value')), { maxLength: 8 }).map((entries) => Object.fromEntries(entries)),
    ),
  }))
  .value.map((value) => Buffer.from(JSON.stringify(value) ?? 'null'));

const sized = (head: Uint8Array): Uint8Array => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(head.length);
  return Buffer.concat([size, head]);
};

const frame = fc
  .tuple(fc.nat({ max: 4 }), fc.constantFrom(...Object.values(KIND_BYTES), 22), fc.oneof(noise, json.map(sized)))
  .map(([link, kind, body]) => Buffer.concat([Uint8Array.of(link, kind), body]));

const words = (...choices: readonly string[]): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.oneof(fc.constantFrom(...choices), fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 3 })), {
      maxLength: 30,
    })
    .map((parts) => Buffer.from(parts.join('')));

const http = words(
  'GET ',
  'HEAD ',
  'POST ',
  '/',
  '/announce?',
  'info_hash=%00',
  ' HTTP/1.1',
  ' HTTP/1.0',
  'HTTP/1.1 200 OK',
  '\r\n',
  '\r\n\r\n',
  '\n',
  'Content-Length: ',
  '10',
  'Transfer-Encoding: chunked',
  'Connection: ',
  'close',
  'a: b\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
);
const query = words(
  'info_hash=',
  '%AB'.repeat(20),
  'peer_id=',
  'a'.repeat(20),
  '&',
  '=',
  'port=',
  '6881',
  'left=',
  'event=started',
  'compact=',
  '1',
  'numwant=',
  'key=',
  '%',
  '%g0',
);
const magnet = words(
  'magnet:?',
  'xt=urn:btih:',
  'ab'.repeat(20),
  'xt=urn:btmh:1220',
  'ab'.repeat(32),
  '&',
  'dn=',
  'tr=',
  'x.pe=',
  '[::1]:80',
  'so=',
  '0-5',
  ',',
  '%41',
  '%',
);
const places = words(
  'http://',
  'udp://',
  'https://',
  'h.example',
  ':',
  '80',
  '/',
  '?',
  '#',
  '@',
  '[::1]',
  '10.0.0.1',
  '/8',
  ', ',
  '23:59',
  'shoal',
  '0',
  '$argon2id$v=19$',
);

/** The extension of a message's length prefix: right lengths around any body. */
const prefixed = fc
  .array(fc.tuple(fc.nat({ max: 30 }), fc.uint8Array({ maxLength: 70 }), fc.integer({ min: -1, max: 1 })), { maxLength: 8 })
  .map((messages) =>
    Buffer.concat(
      messages.map(([id, body, off]) =>
        Buffer.concat([sized(Buffer.concat([Uint8Array.of(id), body])).subarray(0, 4 + Math.max(0, 1 + body.length + off))]),
      ),
    ),
  );
const greeted = prefixed.map((bytes) =>
  Buffer.concat([bytesOf(`\x13BitTorrent protocol\0\0\0\0\0\x10\0\x04${'h'.repeat(20)}${'p'.repeat(20)}`), bytes]),
);

const byDecoder: Readonly<Record<string, fc.Arbitrary<Uint8Array>>> = {
  bencode: bencoded,
  'torrent file': bencoded,
  'extension handshake': bencoded,
  'metadata message': bencoded,
  'peer exchange message': bencoded,
  'announce reply': bencoded,
  scrape: fc.oneof(bencoded, query),
  'magnet link': magnet,
  'peer wire': greeted,
  framing: prefixed,
  'HTTP request': http,
  'HTTP response': http,
  'announce query': query,
  'tracker URL': places,
  'web seed URL': places,
  'magnet record': json,
  'forwarded address': places,
  'addresses and short words': places,
  'join code': places,
  'control frame': frame,
  'transfer record': json,
  'ledger change': json.map(sized),
};

/** What fast-check makes for the decoder of this name. */
export const inputsFor = (decoder: string): fc.Arbitrary<Uint8Array> => {
  const own = byDecoder[decoder];
  return own === undefined ? noise : fc.oneof({ weight: 4, arbitrary: own }, { weight: 1, arbitrary: noise });
};
