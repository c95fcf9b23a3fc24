/** How a voter's state looks on disk: a head, JSON, and a checksum over both. */
import type { VoterRecord } from '../../domain/replication/voter.ts';
import type { Configuration } from '../../domain/replication/types.ts';

/** "SHVT", then a version. */
const MAGIC = 0x5348_5654;
const VERSION = 1;
const HEAD_BYTES = 16;
const CRC_BYTES = 4;

/** A record is about 200 bytes; nothing larger is read. */
export const VOTER_FILE_BYTES_MAX = 4_096;

/** Counts the writes of a voter: of two whole copies the higher one is the newer. */
export interface VoterCopy {
  readonly generation: number;
  readonly record: VoterRecord;
}

/** u32 magic | u32 version | u32 generation | u32 length | JSON | u32 CRC-32 of all before. */
export const encodeVoterCopy = ({ generation, record }: VoterCopy): Uint8Array => {
  const body = new TextEncoder().encode(JSON.stringify(record));
  const bytes = new Uint8Array(HEAD_BYTES + body.length + CRC_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, VERSION);
  view.setUint32(8, generation);
  view.setUint32(12, body.length);
  bytes.set(body, HEAD_BYTES);
  view.setUint32(HEAD_BYTES + body.length, crc32(bytes.subarray(0, HEAD_BYTES + body.length)));
  return bytes;
};

/** Null for anything but a whole copy: missing bytes, flipped bits, another version. */
export const decodeVoterCopy = (bytes: Uint8Array): VoterCopy | null => {
  if (bytes.length < HEAD_BYTES + CRC_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC || view.getUint32(4) !== VERSION) return null;
  const end = HEAD_BYTES + view.getUint32(12);
  if (bytes.length !== end + CRC_BYTES || view.getUint32(end) !== crc32(bytes.subarray(0, end))) return null;
  const record = parseRecord(new TextDecoder().decode(bytes.subarray(HEAD_BYTES, end)));
  return record && { generation: view.getUint32(8), record };
};

const parseRecord = (text: string): VoterRecord | null => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const record = value as VoterRecord | null;
  const valid =
    record !== null &&
    typeof record === 'object' &&
    isEpoch(record.promised) &&
    Number.isSafeInteger(record.distrustedThrough) &&
    typeof record.holdsLog === 'boolean' &&
    (record.logGeneration === undefined || isEpoch(record.logGeneration)) &&
    isConfiguration(record.accepted);
  return valid ? record : null;
};

const isEpoch = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isConfiguration = (value: Configuration | null): boolean =>
  value !== null &&
  typeof value === 'object' &&
  isEpoch(value.e) &&
  isEpoch(value.v) &&
  (value.primary === null || typeof value.primary === 'string') &&
  (value.generation === undefined || isEpoch(value.generation)) &&
  Array.isArray(value.isr) &&
  value.isr.every((name) => typeof name === 'string');

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
  return value;
});

/** CRC-32 (ISO-HDLC, as in zip). */
const crc32 = (bytes: Uint8Array): number => {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number);
  return (crc ^ 0xffff_ffff) >>> 0;
};
