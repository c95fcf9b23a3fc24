/** Decoders of what stands before and beside the peer wire: encrypted streams (MSE), web seeds, and the record of a magnet link. */
import { decodeMagnetRecord, encodeMagnetRecord } from '../../src/actors/magnet/record.ts';
import { type WireHash, wireHashFrom } from '../../src/protocol/bittorrent/ids.ts';
import {
  initialBytesMax,
  paddingBytesMax,
  privateKeyBytes,
  StreamInitiator,
  StreamResponder,
  type StreamSecrets,
  type StreamStep,
  torrentMark,
} from '../../src/protocol/bittorrent/stream-encryption.ts';
import { readWebUrl, webSeedFileUrl, webSeedRedirect } from '../../src/protocol/bittorrent/web-seed.ts';
import { sha1, toHex } from '../../src/protocol/digest.ts';
import { answered, bytesOf, cuts, type Decoder, must, textOf, utf8Of } from './decoder.ts';

const torrent = wireHashFrom(sha1(Buffer.from('a torrent'))) as WireHash;
const secretsOf = (word: string): StreamSecrets => ({
  privateKey: sha1(Buffer.from(word)).subarray(0, privateKeyBytes),
  padding: new Uint8Array(60).fill(word.length),
});
const knows = (mark: string): WireHash | null => (mark === toHex(torrentMark(torrent)) ? torrent : null);
const responderOf = (): StreamResponder => new StreamResponder(() => secretsOf('responder'), knows, ['plain', 'rc4'], true);
const initiatorOf = (): StreamInitiator =>
  new StreamInitiator(secretsOf('initiator'), torrent, ['rc4', 'plain'], () => bytesOf('first words'));

/** What each side hears in a handshake that comes to its end. */
const conversation = (): { readonly responder: Uint8Array; readonly initiator: Uint8Array } => {
  const [initiator, responder] = [initiatorOf(), responderOf()];
  const heard = { responder: [initiator.hello()], initiator: [] as Uint8Array[] };
  const sent = (step: StreamStep): Uint8Array[] => ('send' in step && step.send !== null ? [step.send] : []);
  for (let toResponder: Uint8Array[] = heard.responder.slice(); toResponder.length > 0;) {
    const back = toResponder.flatMap((bytes) => sent(responder.push(bytes)));
    heard.initiator.push(...back);
    toResponder = back.flatMap((bytes) => sent(initiator.push(bytes)));
    heard.responder.push(...toResponder);
  }
  return { responder: Buffer.concat(heard.responder), initiator: Buffer.concat(heard.initiator) };
};
const valid = conversation();
/** Public key, padding, hashes, method, padding, first words: nobody is heard longer than that without an end. */
const HANDSHAKE_BYTES_MAX = 96 + 2 * paddingBytesMax + 100 + initialBytesMax;

const untilItEnds = (side: { push(chunk: Uint8Array): StreamStep }, chunks: readonly Uint8Array[]): StreamStep['kind'] => {
  let heard = 0;
  for (const chunk of chunks) {
    const step = side.push(chunk);
    if (step.kind !== 'more') return step.kind;
    heard += chunk.length;
    must(heard <= HANDSHAKE_BYTES_MAX, 'a handshake has an end');
  }
  return 'more';
};

const encryptedFrom: Decoder = {
  name: 'encrypted stream, of who dials',
  weight: 0.03,
  seeds: [valid.responder, bytesOf('\x13BitTorrent protocol'.padEnd(68, 'x'))],
  tokens: ['\x13BitTorrent protocol', '\0\0\0\0\0\0\0\0', '\0\0\0\x01', '\xff\xff'],
  run: (input, draw) => {
    const kind = untilItEnds(responderOf(), cuts(input, draw));
    return kind === 'agreed' || kind === 'plain';
  },
};

const encryptedTo: Decoder = {
  name: 'encrypted stream, of who answers',
  weight: 0.03,
  seeds: [valid.initiator],
  tokens: ['\0\0\0\0\0\0\0\0', '\0\0\0\x02', '\xff\xff'],
  run: (input, draw) => {
    const initiator = initiatorOf();
    initiator.hello();
    return untilItEnds(initiator, cuts(input, draw)) === 'agreed';
  },
};

const webSeed: Decoder = {
  name: 'web seed URL',
  seeds: ['http://seeds.example/files/', 'https://[2001:db8::1]:8443/a%20b?x=y', '/elsewhere'].map(bytesOf),
  tokens: ['http://', 'https://', 'ftp://', '://', '..', '/', '%2e', '#', '?', '@', '127.0.0.1', '\u{ff}'],
  run: (input) => {
    const text = textOf(input);
    const url = answered(readWebUrl(text));
    const file = answered(webSeedFileUrl('http://seeds.example/dir/', ['name', utf8Of(input)], false));
    if (file !== undefined)
      must(file.host === 'seeds.example' && file.target.startsWith('/dir/name/'), 'no name of a file leads elsewhere');
    const from = readWebUrl('https://seeds.example/a');
    const target = from.ok ? answered(webSeedRedirect(from.value, text)) : undefined;
    if (target !== undefined) must(target.scheme === 'https', 'no redirect leads out of https');
    return url !== undefined;
  },
};

const magnetRecord: Decoder = {
  name: 'magnet record',
  seeds: [encodeMagnetRecord({ version: 1, link: 'magnet:?xt=urn:btih:x', to: '/d', files: ['*.txt'], sequential: false, paused: true })],
  tokens: ['"', '{', '}', '[', ']', ':', ',', 'null', '-1', '"__proto__":1', '\xff'],
  run: (input) => {
    const read = decodeMagnetRecord(input);
    return read !== null && decodeMagnetRecord(encodeMagnetRecord(read)) !== null;
  },
};

export const streamDecoders: readonly Decoder[] = [encryptedFrom, encryptedTo, webSeed, magnetRecord];
