/** The extension handshake (BEP 10) with this program's own entry. */
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { BencodeNode } from './bencode.ts';
import { bytesOf, countOf, decodeBencode, encodeBencode, entryOf, textOf } from './bencode.ts';
import { standardBlockBytes } from './wire.ts';

/** The id of the extension handshake among extended messages. */
export const extensionHandshakeId = 0;

/**
 * The extensions that this program speaks, with the ids under which it wants their messages: metadata exchange (BEP 9),
 * peer exchange (BEP 11), and the change of `upload_only` after the handshake, as libtorrent has it (BEP 21).
 */
export const extensionIds = { ut_metadata: 1, ut_pex: 2, upload_only: 3 } as const;
export type ExtensionName = keyof typeof extensionIds;

/** The extension whose messages come under an id of ours; null for any other. */
export const extensionOfId = (id: number): ExtensionName | null =>
  (Object.keys(extensionIds) as ExtensionName[]).find((name) => extensionIds[name] === id) ?? null;

export interface ExtensionHandshake {
  /** Name of an extension → the id under which the sender wants its messages, 1 to 255; 0 turns it off. */
  readonly extensions: ReadonlyMap<string, number>;
  /** The sender's program and version. */
  readonly client: string | null;
  /** Where the sender listens, 1 to 65535. */
  readonly listenPort: number | null;
  /** Requests that the sender keeps in its queue. */
  readonly requestQueueMax: number | null;
  /** Length of the info dictionary (BEP 9). */
  readonly metadataBytes: number | null;
  /** BEP 21: the sender will not download. */
  readonly uploadOnly: boolean;
  /** The address at which the sender sees the receiver: 4 or 16 bytes; told, and never believed. */
  readonly yourIp: Uint8Array | null;
  /** The largest block that the sender asks for and answers; null where it says nothing and so takes 16 KiB. */
  readonly blockBytesMax: number | null;
  /** The node id that the sender says it has: a hint, for showing where bytes come from. */
  readonly node: string | null;
}

const clientCharactersMax = 64;
const nodeCharactersMax = 128;
const extensionsMax = 64;
const requestQueueLimit = 65_536;
const payloadBytesMax = 64 * 1024;
/** The key under which nodes of this program tell each other more: `{block: bytes, node: id}`. */
const ownKey = 'shoal';

/** The payload of the extended message with id 0. */
export const encodeExtensionHandshake = (handshake: Partial<ExtensionHandshake>): Uint8Array =>
  encodeBencode({
    m: new Map(handshake.extensions ?? []),
    v: handshake.client ?? undefined,
    p: handshake.listenPort ?? undefined,
    reqq: handshake.requestQueueMax ?? undefined,
    metadata_size: handshake.metadataBytes ?? undefined,
    yourip: handshake.yourIp ?? undefined,
    upload_only: handshake.uploadOnly === true ? 1 : undefined,
    [ownKey]: handshake.blockBytesMax ? { block: handshake.blockBytesMax, node: handshake.node ?? undefined } : undefined,
  });

const orNull = (value: number | undefined): number | null => (value === undefined || value === 0 ? null : value);

const ipOrNull = (bytes: Uint8Array | undefined): Uint8Array | null => (bytes?.length === 4 || bytes?.length === 16 ? bytes.slice() : null);

const readExtensions = (node: BencodeNode | undefined): Map<string, number> => {
  const extensions = new Map<string, number>();
  if (node?.kind !== 'dictionary') return extensions;
  for (const [name, value] of node.entries) {
    const id = countOf(value, 255);
    if (id !== undefined && extensions.size < extensionsMax) extensions.set(name, id);
  }
  return extensions;
};

/** Reads the payload of an extended message with id 0. Entries of the wrong type count as absent. */
export const readExtensionHandshake = (payload: Uint8Array): Result<ExtensionHandshake> => {
  // Clients are known to send keys out of order here.
  const decoded = decodeBencode(payload, { bytesMax: payloadBytesMax, nodesMax: 4096, depthMax: 8, sortedKeys: false });
  if (!decoded.ok) return decoded;
  const root = decoded.value;
  if (root.kind !== 'dictionary') return fail('extension-invalid', 'the extension handshake is no dictionary');
  return ok({
    extensions: readExtensions(entryOf(root, 'm')),
    client: textOf(entryOf(root, 'v'))?.slice(0, clientCharactersMax) ?? null,
    listenPort: orNull(countOf(entryOf(root, 'p'), 65_535)),
    requestQueueMax: orNull(countOf(entryOf(root, 'reqq'), requestQueueLimit)),
    metadataBytes: orNull(countOf(entryOf(root, 'metadata_size'))),
    uploadOnly: countOf(entryOf(root, 'upload_only')) === 1,
    yourIp: ipOrNull(bytesOf(entryOf(root, 'yourip'))),
    blockBytesMax: orNull(countOf(entryOf(entryOf(root, ownKey), 'block'), 2 ** 31)),
    node: textOf(entryOf(entryOf(root, ownKey), 'node'))?.slice(0, nodeCharactersMax) ?? null,
  });
};

/**
 * The block size between two sides: the smaller of what both offer, cut to a power of two; 16 KiB with everybody who
 * offers nothing. It is for the asking side: a shorter block is always in order.
 */
export const agreedBlockBytes = (own: number, other: number | null): number => {
  const smaller = Math.min(own, other ?? standardBlockBytes);
  return Math.max(standardBlockBytes, 2 ** Math.floor(Math.log2(Math.max(1, smaller))));
};
