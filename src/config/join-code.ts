/**
 * The join code: everything a new member needs, in one string that survives mail, chat and dictation. Crockford's base32
 * (no case, no look-alikes) after the word `shoal`:
 *
 *     version (1 byte) · network id (16) · network key (32) · network name · proxies: name, address … · checksum (4)
 *
 * Version 2 has with each proxy the address of its gate as well, empty where it has none. Texts are a length byte and UTF-8; the checksum is the head of the SHA-256 of all before it.
 */
import { fromHex, sha256, toHex } from '../protocol/digest.ts';
import { fail, type Failure, ok, type Result } from '../protocol/result.ts';
import { parseAddress } from './address.ts';

export interface JoinCode {
  /** 32 hexadecimal digits. */
  readonly networkId: string;
  /** 64 hexadecimal digits: a secret. */
  readonly networkKey: string;
  readonly name: string;
  /** At least one. */
  readonly proxies: readonly { readonly name: string; readonly address: string; readonly announce?: string }[];
}

const PREFIX = 'shoal';
const VERSION = 1;
const VERSION_WITH_GATES = 2;
const CHECKSUM_BYTES = 4;
const HEAD_BYTES = 1 + 16 + 32;
const TEXT_BYTES_MAX = 255;
const PROXIES_MAX = 16;
/** Characters of the longest code that is looked at. */
export const CODE_LENGTH_MAX = 16_384;

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const LOOK_ALIKES: Readonly<Record<string, string>> = { o: '0', i: '1', l: '1' };

const toBase32 = (bytes: Uint8Array): string => {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += DIGITS[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + DIGITS[(held << (5 - bits)) & 31];
};

const fromBase32 = (text: string): Uint8Array | null => {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const character of text) {
    const digit = DIGITS.indexOf(LOOK_ALIKES[character] ?? character);
    if (digit < 0) return null;
    held = (held << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >>> bits) & 255);
    }
    held &= (1 << bits) - 1;
  }
  return held === 0 && bits < 5 ? Uint8Array.from(bytes) : null;
};

const textField = (text: string): Uint8Array => {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > TEXT_BYTES_MAX) throw new Error(`"${text.slice(0, 40)}…" is too long for a join code`);
  return Uint8Array.from([bytes.length, ...bytes]);
};

/** @throws where a text is over 255 bytes or there is no proxy: the schema of `network.json` does not let it come so far. */
export const encodeJoinCode = (code: JoinCode): string => {
  if (code.proxies.length === 0 || code.proxies.length > PROXIES_MAX) throw new Error('A join code has 1 to 16 proxies');
  const gates = code.proxies.some(({ announce }) => announce !== undefined);
  const body = Buffer.concat([
    Uint8Array.of(gates ? VERSION_WITH_GATES : VERSION),
    fromHex(code.networkId) ?? new Uint8Array(),
    fromHex(code.networkKey) ?? new Uint8Array(),
    textField(code.name),
    Uint8Array.of(code.proxies.length),
    ...code.proxies.flatMap(({ name, address, announce = '' }) => [name, address, ...(gates ? [announce] : [])].map(textField)),
  ]);
  return PREFIX + toBase32(Buffer.concat([body, sha256(body).subarray(0, CHECKSUM_BYTES)]));
};

const invalid = (message: string): { readonly ok: false; readonly error: Failure<'code-invalid'> } => fail('code-invalid', message);

const readTexts = (bytes: Uint8Array): JoinCode | null => {
  let at = HEAD_BYTES;
  const text = (): string | null => {
    const length = bytes[at];
    if (length === undefined || at + 1 + length > bytes.length) return null;
    const read = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(at + 1, at + 1 + length));
    at += 1 + length;
    return read;
  };
  const name = text();
  const count = bytes[at++] ?? 0;
  const gates = bytes[0] === VERSION_WITH_GATES;
  const proxies: { name: string; address: string; announce?: string }[] = [];
  for (let i = 0; i < count && i < PROXIES_MAX; i++) {
    const [proxy, address, announce] = [text(), text(), gates ? text() : ''];
    if (proxy === null || address === null || parseAddress(address) === null) return null;
    if (announce === null || (announce !== '' && parseAddress(announce) === null)) return null;
    proxies.push({ name: proxy, address, ...(announce === '' ? {} : { announce }) });
  }
  if (name === null || proxies.length === 0 || at !== bytes.length) return null;
  return { networkId: toHex(bytes.subarray(1, 17)), networkKey: toHex(bytes.subarray(17, HEAD_BYTES)), name, proxies };
};

/** Reads a join code; spaces, line breaks, hyphens and case do not matter. A mistyped one is told from one that is cut off. */
export const decodeJoinCode = (text: string): Result<JoinCode, Failure<'code-invalid'>> => {
  if (text.length > CODE_LENGTH_MAX) return invalid('This is too long for a join code.');
  const plain = text.replaceAll(/[\s-]/gu, '').toLowerCase();
  if (!plain.startsWith(PREFIX))
    return invalid(
      `This is no join code. A join code is one long word of letters and digits that begins with "${PREFIX}0"; whoever runs the network has it.`,
    );
  const bytes = fromBase32(plain.slice(PREFIX.length));
  if (bytes === null) return invalid('The join code has a character that none has, or a part of one is missing. Copy it again as a whole.');
  if (bytes.length < HEAD_BYTES + CHECKSUM_BYTES) return invalid('The join code is cut off. Copy it again as a whole.');
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  if (toHex(sha256(body).subarray(0, CHECKSUM_BYTES)) !== toHex(bytes.subarray(-CHECKSUM_BYTES))) {
    return invalid('The join code is mistyped or cut off: its checksum is wrong. Copy it again as a whole.');
  }
  if (body[0] !== VERSION && body[0] !== VERSION_WITH_GATES)
    return invalid(`The join code is of version ${body[0]}, which this program does not know. Install a newer one.`);
  const code = readTexts(body);
  return code === null ? invalid('The join code makes no sense, though its checksum is right.') : ok(code);
};
