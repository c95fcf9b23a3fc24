/** Messages of the metadata exchange (BEP 9): a bencoded dictionary, and after `data` the raw bytes. */
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import { countOf, decodeBencodePrefix, encodeBencode, entryOf } from './bencode.ts';

/** Bytes of every piece of an info dictionary but the last. */
export const metadataPieceBytes = 16 * 1024;

export type MetadataMessage =
  | { readonly kind: 'request'; readonly piece: number }
  /** `totalBytes`: of the whole info dictionary; null where the sender does not say. `data`: a view. */
  | { readonly kind: 'data'; readonly piece: number; readonly totalBytes: number | null; readonly data: Uint8Array }
  | { readonly kind: 'reject'; readonly piece: number };

const kinds = ['request', 'data', 'reject'] as const;
const dictionaryBytesMax = 1024;
const pieceMax = 2 ** 31 - 1;

export const metadataPieceCount = (totalBytes: number): number => Math.ceil(totalBytes / metadataPieceBytes);

export const encodeMetadataMessage = (message: MetadataMessage): Uint8Array => {
  const { kind, piece } = message;
  const head = { msg_type: kinds.indexOf(kind), piece };
  if (kind !== 'data') return encodeBencode(head);
  return Buffer.concat([encodeBencode({ ...head, total_size: message.totalBytes ?? undefined }), message.data]);
};

/** Reads a message. Null: of a kind that is not known, to be passed over (BEP 9). Error: `metadata-message`. Never throws on bytes. */
export const decodeMetadataMessage = (payload: Uint8Array): Result<MetadataMessage | null> => {
  const decoded = decodeBencodePrefix(payload, { bytesMax: dictionaryBytesMax, nodesMax: 64, depthMax: 4, sortedKeys: false });
  if (decoded.kind !== 'complete' || decoded.value.kind !== 'dictionary') {
    return fail('metadata-message', 'a metadata message does not begin with a dictionary');
  }
  const type = countOf(entryOf(decoded.value, 'msg_type'), 255);
  const piece = countOf(entryOf(decoded.value, 'piece'), pieceMax);
  if (type === undefined || piece === undefined) return fail('metadata-message', 'a metadata message has no kind or no piece');
  const kind = kinds[type];
  if (kind === undefined) return ok(null);
  if (kind !== 'data') return ok({ kind, piece });
  const data = payload.subarray(decoded.bytesUsed);
  if (data.length === 0 || data.length > metadataPieceBytes) return fail('metadata-message', `a metadata piece of ${data.length} bytes`);
  return ok({ kind, piece, totalBytes: countOf(entryOf(decoded.value, 'total_size'), pieceMax) ?? null, data });
};
