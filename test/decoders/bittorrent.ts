/** Decoders of BitTorrent: bencode, torrent files, magnets, the peer wire and its extensions. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createLayout } from '../../src/domain/transfer/torrent-layout.ts';
import { decodeBencode, decodeBencodePrefix, encodeBencode } from '../../src/protocol/bittorrent/bencode.ts';
import { compactPeers, readCompactPeers } from '../../src/protocol/bittorrent/compact-peers.ts';
import { encodeExtensionHandshake, readExtensionHandshake } from '../../src/protocol/bittorrent/extension.ts';
import { decodeHandshake, encodeHandshake } from '../../src/protocol/bittorrent/handshake.ts';
import type { PeerId, PieceIndex, WireHash } from '../../src/protocol/bittorrent/ids.ts';
import { printMagnet, readMagnet } from '../../src/protocol/bittorrent/magnet.ts';
import { describeMetainfo, readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { decodeMetadataMessage, encodeMetadataMessage } from '../../src/protocol/bittorrent/metadata-message.ts';
import { decodePexMessage, encodePexMessage, pexFlag } from '../../src/protocol/bittorrent/pex-message.ts';
import { redress } from '../../src/protocol/bittorrent/redress.ts';
import { makeTestTorrent, testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { encodeMessage, encodePieceHeader, type WireMessage } from '../../src/protocol/bittorrent/wire.ts';
import { WireDecoder } from '../../src/protocol/bittorrent/wire-decoder.ts';
import { answered, bytesOf, cuts, type Decoder, must, sameAgain, utf8Of } from './decoder.ts';

const bencodeTokens = [
  'd',
  'l',
  'e',
  'i0e',
  'i-0e',
  'i-1e',
  'i99999999999999999999e',
  '0:',
  '1:',
  '9999999999:',
  '00:',
  'd1:a',
  '4:spam',
  'i',
  ':',
];
const hash20 = testBytes(20, 7) as WireHash;
const peerId = bytesOf('-XX0001-abcdefghijkl') as PeerId;
const PEERS_MAX = 50;
const PIECES = 1_003;
/** Of both families. */
const PEX_READ_MAX = 400;
const MAGNET_CHARACTERS_MAX = 16_384;

const conformanceFolder = join(import.meta.dirname, '..', '..', '..', 'shared', 'conformance', 'torrents');
const CONFORMANCE_BYTES_MAX = 20_000;

/** libtorrent's own test torrents, where they are at hand; the large ones are left out. */
const conformance = (): Uint8Array[] =>
  existsSync(conformanceFolder)
    ? readdirSync(conformanceFolder)
        .filter((name) => name.endsWith('.torrent'))
        .map((name) => join(conformanceFolder, name))
        .filter((path) => statSync(path).size <= CONFORMANCE_BYTES_MAX)
        .sort()
        .map((path) => readFileSync(path))
    : [];

const torrents = (): Uint8Array[] => {
  const files = [
    { path: ['a', 'b.bin'], bytes: testBytes(40_000, 1) },
    { path: ['empty'], bytes: new Uint8Array(0) },
    { path: ['c.txt'], bytes: testBytes(11, 2) },
  ];
  const notes = { trackers: [['http://tracker.example/announce']], comment: 'words' };
  return (['hybrid', 'v1'] as const).flatMap((version) => [
    makeTestTorrent(files, { version, pieceLength: 16_384 }, notes).bytes,
    makeTestTorrent([{ path: ['one'], bytes: testBytes(50_000, 3) }], { version, pieceLength: 16_384 }).bytes,
  ]);
};

const bencode: Decoder = {
  name: 'bencode',
  seeds: [
    encodeBencode({ a: 1, b: ['x', 2, { c: new Uint8Array(3) }], z: -5 }),
    bytesOf('l'.repeat(60) + 'e'.repeat(60)),
    bytesOf('d0:i1e1:ai-7ee'),
    bytesOf(`${'i1e'.repeat(50)}`),
  ],
  tokens: bencodeTokens,
  run: (input) => {
    const prefix = decodeBencodePrefix(input, { sortedKeys: false });
    must(prefix.kind !== 'complete' || (prefix.bytesUsed > 0 && prefix.bytesUsed <= input.length), 'a value is within the bytes');
    return answered(decodeBencode(input)) !== undefined;
  },
};

const metainfo: Decoder = {
  name: 'torrent file',
  seeds: [...torrents(), ...conformance()],
  tokens: [
    ...bencodeTokens,
    '4:info',
    '6:pieces',
    '12:piece lengthi16384e',
    '9:file tree',
    '12:meta versioni2e',
    '4:pathl2:..e',
    '6:lengthi-1e',
  ],
  run: (input) => {
    const read = answered(readMetainfo(input));
    if (read === undefined) return false;
    const { files } = describeMetainfo(read);
    must(files.length > 0, 'a torrent has a file');
    const layout = createLayout(read);
    if (layout.ok) {
      for (const { diskPath } of layout.value.files)
        must(!diskPath.some((part) => part === '' || part === '.' || part === '..' || /[/\\\0]/u.test(part)), 'no path leaves the folder');
    }
    const dressed = redress(input, { trackers: [['http://elsewhere.example/announce']] });
    if (dressed.ok) sameAgain(describeMetainfo(read), mapped(readMetainfo(dressed.value), describeMetainfo));
    return true;
  },
};

const mapped = <T, U>(result: ReturnType<typeof readMetainfo> & { readonly value?: T }, to: (value: T) => U): { ok: true; value: U } =>
  ({ ok: true, value: to((result as { readonly value: T }).value) }) as const;

const magnet: Decoder = {
  name: 'magnet link',
  seeds: [
    `magnet:?xt=urn:btih:${'ab'.repeat(20)}&dn=a+name&tr=http%3A%2F%2Ft.example%2Fannounce&x.pe=10.0.0.1:6881&so=0,2-4`,
    `magnet:?xt=urn:btmh:1220${'cd'.repeat(32)}&xl=123456&tr.1=udp://t.example:6969`,
    `magnet:?xt=urn:btih:${'a'.repeat(32)}&x.pe=[::1]:1`,
  ].map(bytesOf),
  tokens: ['&', '=', '%', '%00', '%FF', 'xt=urn:btih:', 'xt=urn:btmh:1220', 'tr=', 'x.pe=', 'so=', '0-999999999', 'dn=', '\u{fffd}'],
  run: (input) => {
    const read = answered(readMagnet(utf8Of(input)));
    if (read === undefined) return false;
    const printed = printMagnet(read);
    // Percent-coded it can be longer than any that is read.
    if (printed.length > MAGNET_CHARACTERS_MAX) return true;
    const again = answered(readMagnet(printed));
    must(again !== undefined && printMagnet(again) === printed, 'what was read can be printed and read again');
    return true;
  },
};

const range = { piece: 3 as PieceIndex, begin: 16_384, length: 16_384 };
const hashRange = { piecesRoot: new Uint8Array(32).fill(5), baseLayer: 2, index: 8, length: 4, proofLayers: 2 };
const wireMessages: readonly Exclude<WireMessage, { kind: 'unknown' }>[] = [
  { kind: 'keep-alive' },
  { kind: 'unchoke' },
  { kind: 'have', piece: 9 as PieceIndex },
  { kind: 'request', ...range },
  { kind: 'reject', ...range },
  { kind: 'port', port: 6881 },
  { kind: 'suggest', piece: 1 as PieceIndex },
  { kind: 'extended', id: 0, payload: encodeExtensionHandshake({ client: 'Test' }) },
  { kind: 'hash-request', ...hashRange },
  { kind: 'hashes', ...hashRange, hashes: new Uint8Array(6 * 32) },
  { kind: 'bitfield', bits: new Uint8Array(Math.ceil(PIECES / 8)) },
];
const greeting = encodeHandshake({ infoHash: hash20, peerId, fast: true, extended: true, v2: true });
const conversation = (messages: readonly Uint8Array[]): Uint8Array => Buffer.concat([greeting, ...messages]);

/** Hears what a connection says, whole or not, and holds it to the order of a block's calls. */
const hear = (chunks: readonly Uint8Array[], pieceCount: number | null): { readonly events: number; readonly violated: boolean } => {
  let events = 0;
  let left = 0;
  const decoder = new WireDecoder({
    handshake: () => {
      events++;
      decoder.setTorrent(pieceCount);
    },
    message: (message) => {
      events++;
      must(left === 0, 'no message within a block');
      if (pieceCount !== null && 'piece' in message) must(message.piece < pieceCount, 'pieces are of the torrent');
    },
    pieceStart: ({ length }) => {
      must(left === 0 && length > 0, 'one block after the other');
      left = length;
    },
    pieceBytes: (chunk) => {
      must(chunk.length > 0 && chunk.length <= left, 'a block has the bytes that it said');
      left -= chunk.length;
      events++;
    },
    pieceEnd: () => must(left === 0, 'a block ends with its last byte'),
  });
  for (const chunk of chunks) if (decoder.push(chunk) !== null) return { events, violated: true };
  return { events, violated: false };
};

const wire: Decoder = {
  name: 'peer wire',
  seeds: [
    conversation(wireMessages.map(encodeMessage)),
    conversation([encodePieceHeader({ piece: 1 as PieceIndex, begin: 0, length: 600 }), testBytes(600), encodeMessage({ kind: 'choke' })]),
    ...wireMessages.map((message) => conversation([encodeMessage(message)])),
  ],
  tokens: [
    '\0\0\0\x01',
    '\0\0\0\x05\x04',
    '\0\0\0\x0d\x06',
    '\0\0\0\x0d\x10',
    '\0\0\0\x02\x14\0',
    '\0\0\0\x31\x15',
    '\xff\xff\xff\xff',
    '\0\0\0\x0a\x07',
    '\0\0\0\0',
  ],
  run: (input, draw) => {
    const pieceCount = draw(8) === 0 ? null : PIECES;
    const cut = hear(cuts(input, draw), pieceCount);
    const whole = hear([input], pieceCount);
    must(cut.violated === whole.violated, 'where the bytes are cut changes nothing');
    return !whole.violated && whole.events > 0;
  },
};

const handshake: Decoder = {
  name: 'handshake',
  seeds: [greeting, greeting.subarray(0, 40)],
  tokens: ['\x13BitTorrent protocol', '\0\0\0\0\0\0\0\0'],
  run: (input) => {
    const read = decodeHandshake(input);
    return read.kind === 'complete';
  },
};

const extension: Decoder = {
  name: 'extension handshake',
  seeds: [
    encodeExtensionHandshake({
      extensions: new Map([
        ['ut_metadata', 1],
        ['ut_pex', 2],
      ]),
      client: 'Test 1.0',
      listenPort: 6881,
      requestQueueMax: 250,
      metadataBytes: 31_235,
      uploadOnly: true,
    }),
    encodeExtensionHandshake({ blockBytesMax: 131_072, node: 'ab'.repeat(16) }),
  ],
  tokens: [
    ...bencodeTokens,
    '1:md',
    '11:ut_metadatai1e',
    '13:metadata_sizei2147483648e',
    '1:pi65536e',
    '4:reqqi-1e',
    '5:shoald5:blocki0ee',
  ],
  run: (input) => {
    const read = answered(readExtensionHandshake(input));
    if (read === undefined) return false;
    // This program's own entry is written with a block size only; no program names an extension in bytes that are no text.
    if ([...read.extensions.keys()].some((name) => /[^ -~]/u.test(name))) return true;
    const written = { ...read, node: read.blockBytesMax === null ? null : read.node };
    sameAgain(written, readExtensionHandshake(encodeExtensionHandshake(written)));
    return true;
  },
};

const metadata: Decoder = {
  name: 'metadata message',
  seeds: [
    encodeMetadataMessage({ kind: 'request', piece: 0 }),
    encodeMetadataMessage({ kind: 'data', piece: 1, totalBytes: 20_000, data: testBytes(3_616) }),
    encodeMetadataMessage({ kind: 'reject', piece: 5 }),
  ],
  tokens: [...bencodeTokens, '8:msg_typei1e', '5:piecei0e', '10:total_sizei2147483648e'],
  run: (input) => {
    const read = answered(decodeMetadataMessage(input));
    if (read === undefined || read === null) return false;
    const again = answered(decodeMetadataMessage(encodeMetadataMessage(read)));
    const plain = (message: typeof again): unknown =>
      message?.kind === 'data' ? { ...message, data: new Uint8Array(message.data) } : message;
    sameAgain(plain(read), { ok: true, value: plain(again) });
    return true;
  },
};

const peers: Decoder = {
  name: 'compact peers',
  seeds: [
    compactPeers([
      { host: '10.0.0.1', port: 6881 },
      { host: '192.0.2.7', port: 1 },
    ]).v4,
    compactPeers([{ host: '2001:db8::1', port: 6881 }]).v6,
  ],
  tokens: ['\0\0\0\0\0\0', '\xff\xff\xff\xff\xff\xff'],
  run: (input, draw) => {
    const found = readCompactPeers(input, draw(2) === 0 ? 'v4' : 'v6', PEERS_MAX);
    must(found.length <= PEERS_MAX, 'no more peers than are wanted');
    must(
      found.every(({ port }) => port > 0 && port <= 65_535),
      'peers can be dialled',
    );
    return found.length > 0;
  },
};

const exchange: Decoder = {
  name: 'peer exchange message',
  seeds: [
    encodePexMessage({ added: [{ host: '10.0.0.1', port: 6881, flags: pexFlag.seed }], dropped: [{ host: '10.0.0.2', port: 1 }] }),
    encodePexMessage({ added: [{ host: '2001:db8::1', port: 6881, flags: 0 }], dropped: [] }),
  ],
  tokens: [
    ...bencodeTokens,
    '5:added',
    '7:added.f',
    '6:added6',
    '7:dropped',
    '6:abcdef',
    `${PEERS_MAX * 12}:${'abcdef'.repeat(PEERS_MAX * 2)}`,
  ],
  run: (input) => {
    const read = answered(decodePexMessage(input));
    if (read === undefined) return false;
    must(read.added.length <= PEX_READ_MAX && read.dropped.length <= PEX_READ_MAX, 'no more peers than a message may have');
    return true;
  },
};

export const bittorrentDecoders: readonly Decoder[] = [bencode, metainfo, magnet, wire, handshake, extension, metadata, exchange, peers];
