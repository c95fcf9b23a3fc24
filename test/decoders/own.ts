/** Decoders of Shoal's own formats: frames between processes, join codes, addresses, what lies on disks. */
import { crc32 } from 'node:zlib';
import { decodeVoterCopy, encodeVoterCopy } from '../../src/actors/voter/voter-file.ts';
import { parseAddress } from '../../src/config/address.ts';
import { decodeJoinCode, encodeJoinCode } from '../../src/config/join-code.ts';
import { parsePhc } from '../../src/domain/accounts/phc.ts';
import { decodeChange, encodeChange } from '../../src/domain/ledger/change.ts';
import { decodeRecord, encodeRecord } from '../../src/domain/transfer/journal.ts';
import { parseTimeOfDay } from '../../src/protocol/terms.ts';
import { decodeControl, encodeControl, KIND_BYTES } from '../../src/protocol/control/codec.ts';
import type { ControlFrame, LinkType } from '../../src/protocol/control/messages.ts';
import { sha256 } from '../../src/protocol/digest.ts';
import { encodeFrame, FrameDecoder } from '../../src/transports/framing.ts';
import { answered, bytesOf, cuts, type Decoder, must, sameAgain, textOf, utf8Of } from './decoder.ts';

const FRAME_BYTES_MAX = 3_000;
const links: readonly LinkType[] = ['member', 'proxy', 'replica', 'swarm', 'operator'];
const hex = (digits: number): string => 'ab'.repeat(digits / 2);
const hash = new Uint8Array(32).fill(7);

const framing: Decoder = {
  name: 'framing',
  seeds: [
    Buffer.concat([...encodeFrame(4, [bytesOf('hello')]), ...encodeFrame(9, []), ...encodeFrame(200, [new Uint8Array(500)])]),
    Buffer.concat(encodeFrame(1, [bytesOf('x')])),
  ],
  tokens: ['\0\0\0\x01', '\0\0\0\0', '\xff\xff\xff\xff', '\0\0\x0b\xb8'],
  run: (input, draw) => {
    const decoder = new FrameDecoder(FRAME_BYTES_MAX);
    const found: number[] = [];
    let violated = false;
    for (const chunk of cuts(input, draw)) {
      const { frames, violation } = decoder.push(chunk);
      for (const { body } of frames) found.push(body.length);
      violated ||= violation !== null;
      must(decoder.pendingBytes <= FRAME_BYTES_MAX + 5, 'no more is held than a frame has');
    }
    const whole = new FrameDecoder(FRAME_BYTES_MAX).push(input);
    must(violated === (whole.violation !== null) && found.length === whole.frames.length, 'where the bytes are cut changes nothing');
    return found.length > 0;
  },
};

const frames: readonly [LinkType, ControlFrame][] = [
  ['member', { kind: 'ping', nonce: 5, node: null }],
  [
    'member',
    {
      kind: 'announce',
      node: hex(32),
      incarnation: hex(8),
      sequence: 5,
      items: [{ content: hex(64), event: 'started', leftBytes: 1, uploadedBytes: 2, downloadedBytes: 3, want: 20 }],
    },
  ],
  [
    'proxy',
    {
      kind: 'guestAnnounce',
      nonce: 3,
      passkeyHash: hex(64),
      infoHash: hex(40),
      peerId: hex(40),
      key: 'k',
      host: '10.0.0.1',
      port: 6881,
      event: 'started',
      leftBytes: 5,
      uploadedBytes: 1,
      downloadedBytes: 2,
      want: 50,
      family: 'any',
      replay: false,
      silentMs: 0,
    },
  ],
  ['proxy', { kind: 'guestScrape', nonce: 3, passkeyHash: null, infoHashes: [hex(40)] }],
  [
    'proxy',
    {
      kind: 'guestAnnounced',
      nonce: 4,
      outcome: {
        kind: 'peers',
        intervalSeconds: 1,
        minIntervalSeconds: 1,
        seeders: 1,
        leechers: 1,
        completed: 1,
        peers: [{ peerId: null, host: '10.0.0.1', port: 1, seeder: true }],
      },
    },
  ],
  ['replica', { kind: 'append', epoch: 1, prev: { seq: 1, epoch: 1, hash }, commitSeq: 1, entries: [] } as unknown as ControlFrame],
  ['replica', { kind: 'appendAck', epoch: 4, durableSeq: 5, appliedSeq: 6 }],
  ['operator', { kind: 'order', id: 1, order: { do: 'report' } }],
  ['replica', { kind: 'heartbeatAck', epoch: 4, round: 2, proxyReach: 1 }],
];

/** The link, the kind, the body; what no encoder takes is left out. */
const frameSeed = ([link, frame]: readonly [LinkType, ControlFrame]): Uint8Array[] => {
  try {
    const { kind, parts } = encodeControl(frame);
    return [Buffer.concat([Uint8Array.of(links.indexOf(link), kind), ...parts])];
  } catch {
    return [];
  }
};
const headed = (link: LinkType, kind: keyof typeof KIND_BYTES, head: object, tail = ''): Uint8Array => {
  const json = Buffer.from(JSON.stringify(head));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(json.length);
  return Buffer.concat([Uint8Array.of(links.indexOf(link), KIND_BYTES[kind]), size, json, Buffer.from(tail)]);
};

const control: Decoder = {
  name: 'control frame',
  seeds: [
    ...frames.flatMap(frameSeed),
    headed(
      'member',
      'request',
      { id: { client: hex(32), n: 1 }, token: null, operation: { op: 'login', name: 'a', password: 'b' }, require: 'any' },
      'tail',
    ),
    headed('member', 'hello', { version: 3, link: 'member', networkId: hex(32), name: 'n', incarnation: 'i' }),
    headed('replica', 'vote', { epoch: 3, candidate: 'main' }),
    headed('operator', 'order', { id: 1, order: { do: 'handover' } }),
  ],
  tokens: [
    '"',
    '{',
    '}',
    ':',
    '1e999',
    '-1',
    'null',
    '[]',
    '\0\0\0\0',
    '\xff\xff\xff\xff',
    '"__proto__":{}',
    '9007199254740993',
    ...Object.values(KIND_BYTES).map((byte) => String.fromCharCode(byte)),
  ],
  run: (input) => {
    const link = links[(input[0] ?? 0) % links.length] as LinkType;
    const frame = answered(decodeControl(link, input[1] ?? 0, input.subarray(2)));
    if (frame === undefined) return false;
    if (frame.kind === 'hello') return true;
    const { kind, parts } = encodeControl(frame);
    sameAgain(frame, decodeControl(link, kind, Buffer.concat(parts)));
    return true;
  },
};

/** A join code of these bytes, whatever they are. */
const codeOf = (body: Uint8Array): string => {
  const digits = '0123456789abcdefghjkmnpqrstvwxyz';
  const whole = Buffer.concat([body, sha256(body).subarray(0, 4)]);
  let [text, bits, held] = ['', 0, 0];
  for (const byte of whole) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += digits[(held >>> (bits - 5)) & 31];
    held &= 31;
  }
  return `shoal${text}${bits === 0 ? '' : digits[(held << (5 - bits)) & 31]}`;
};
const codeBody = Buffer.concat([Uint8Array.of(1), new Uint8Array(48), bytesOf('\x03lab\x01\x05proxy\x0d10.0.0.1:7411')]);

const joinCode: Decoder = {
  name: 'join code',
  seeds: [
    encodeJoinCode({ networkId: hex(32), networkKey: hex(64), name: 'lab', proxies: [{ name: 'proxy', address: '10.0.0.1:7411' }] }),
    encodeJoinCode({
      networkId: hex(32),
      networkKey: hex(64),
      name: 'é',
      proxies: [{ name: 'p', address: '[::1]:1', announce: 'h:6969' }],
    }),
    textOf(codeBody),
  ].map(bytesOf),
  tokens: ['-', ' ', '\n', 'shoal0', '0', 'o', 'l', '\u{130}'],
  // Half of them as what a code is made of, with the checksum put right.
  run: (input, draw) => answered(decodeJoinCode(draw(2) === 0 ? utf8Of(input) : codeOf(input))) !== undefined,
};

const words: Decoder = {
  name: 'addresses and short words',
  seeds: [
    '10.0.0.1:6881',
    '[2001:db8::1%eth0]:80',
    'proxy.lab.example.:7411',
    '23:59',
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$'.padEnd(99, 'A'),
  ].map(bytesOf),
  tokens: [':', '[', ']', '.', '-', '%', '0', '99999', '$', '=', 'a.'],
  run: (input) => {
    const text = textOf(input);
    const address = parseAddress(text);
    if (address !== null) must(address.port >= 0 && address.port <= 65_535, 'a port is one');
    const time = parseTimeOfDay(text);
    if (time !== null) must(time >= 0 && time < 1_440, 'a time is of a day');
    return address !== null || time !== null || parsePhc(text) !== null;
  },
};

const record: Decoder = {
  name: 'transfer record',
  seeds: [
    encodeRecord({
      version: 1,
      id: hex(64),
      origin: 'get',
      folder: '/downloads',
      tags: ['a'],
      placed: false,
      sequential: false,
      paused: false,
      owned: false,
      clean: true,
      have: 'AAAA',
      unsettled: [1, 2],
      uploadedBytes: 1,
      downloadedBytes: 2,
      files: [{ path: '/downloads/a', selected: true, adopted: false, facts: { size: 5, modifiedMs: 6, identity: 7 } }],
    }),
  ],
  tokens: ['"', '{', '}', '[', ']', ':', ',', 'null', '-1', '1e999', '"__proto__":1', '\xff', '"have":"', '"unsettled":[4294967296]'],
  run: (input) => {
    const read = answered(decodeRecord(input));
    if (read === undefined) return false;
    // Compared as they are written: JSON tells no -0 from 0.
    const again = answered(decodeRecord(encodeRecord(read)));
    must(again !== undefined && JSON.stringify(again) === JSON.stringify(read), 'what was read can be written and read again');
    return true;
  },
};

const change: Decoder = {
  name: 'ledger change',
  seeds: [
    encodeChange({ kind: 'account.disable', folded: 'a', disabled: true }),
    encodeChange({ kind: 'session.revoke', tokenHash: hex(64) }, bytesOf('tail')),
    encodeChange({ kind: 'own.remove', content: hex(64), account: 'a', node: hex(32) }),
    encodeChange({ kind: 'passkey.revoke', folded: 'a', deviceFolded: 'b', id: 'c' }),
  ],
  tokens: ['"', '{', '}', ':', ',', 'null', 'true', '-1', '\0\0\0\0', '\xff\xff\xff\xff', '"kind":"', '"__proto__":{}'],
  run: (input) => {
    const read = answered(decodeChange(input));
    if (read === undefined) return false;
    sameAgain({ change: read.change, tail: new Uint8Array(read.tail) }, plainTail(encodeChange(read.change, read.tail)));
    return true;
  },
};

const plainTail = (payload: Uint8Array): ReturnType<typeof decodeChange> => {
  const read = decodeChange(payload);
  return read.ok ? { ok: true, value: { change: read.value.change, tail: new Uint8Array(read.value.tail) } } : read;
};

/** The file with its length and CRC as they should be. */
const checksummed = (file: Uint8Array): Uint8Array => {
  const bytes = Buffer.from(file.length < 20 ? new Uint8Array(20) : file);
  bytes.writeUInt32BE(bytes.length - 20, 12);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
};

const voterFile: Decoder = {
  name: "voter's file",
  seeds: [
    encodeVoterCopy({
      generation: 3,
      record: {
        promised: 4,
        accepted: { e: 4, v: 1, primary: 'main', isr: ['main', 'backup'], generation: 0 },
        distrustedThrough: -1,
        holdsLog: true,
      },
    }),
  ],
  tokens: ['SHVT', '\0\0\0\x01', '"', '{', '}', 'null', '\xff\xff\xff\xff'],
  // Half of them with the checksum put right, for what stands behind it to see them.
  run: (input, draw) => decodeVoterCopy(draw(2) === 0 ? input : checksummed(input)) !== null,
};

export const ownDecoders: readonly Decoder[] = [framing, control, joinCode, words, record, change, voterFile];
