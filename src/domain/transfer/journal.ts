/** What survives a restart of a transfer, and which pieces must be hashed again after it. */
import { Bitfield } from '../../protocol/bittorrent/bitfield.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { fail, ok, type Result } from '../../protocol/result.ts';
import type { SeedingGoal } from '../../protocol/terms.ts';
import type { TorrentLayout } from './torrent-layout.ts';

/** What tells that a file has not been touched. */
export interface FileFacts {
  readonly size: number;
  readonly modifiedMs: number;
  /** 0 where the system has none. */
  readonly identity: number;
}

/** Whether a file is the one that the facts were taken of. */
export const sameFile = (a: FileFacts, b: FileFacts): boolean => a.size === b.size && a.modifiedMs === b.modifiedMs && sameIdentity(a, b);

const sameIdentity = (a: FileFacts, b: FileFacts): boolean => a.identity === b.identity || a.identity === 0 || b.identity === 0;

export interface RecordedFile {
  /** Absolute. */
  readonly path: string;
  readonly selected: boolean;
  /** Of one that is wanted; absent: as any other. */
  readonly priority?: 'low' | 'high';
  /** Was there before the download; never written. */
  readonly adopted: boolean;
  /** As it was when `have` was written; null where nothing of it was had. */
  readonly facts: FileFacts | null;
}

/**
 * Where a content's peers meet: by the network's catalog, by the trackers that its torrent names, or both. `unasked`: by
 * its trackers, until the network has been asked whether the content is in its catalog.
 */
export type SwarmKind = 'catalog' | 'trackers' | 'both' | 'unasked';

const SWARM_KINDS: readonly unknown[] = ['catalog', 'trackers', 'both', 'unasked'] satisfies SwarmKind[];

/** Whether a content of that kind is the network's: told to its catalog, and asked of it. */
export const isOfCatalog = (swarm: SwarmKind): boolean => swarm === 'catalog' || swarm === 'both';

/** Of one transfer alone; what is absent is as for any other. */
export interface TransferSettings {
  /** In the queue: a lower number comes first. Any number. */
  readonly place?: number;
  /** Bytes a second. */
  readonly uploadRate?: number;
  readonly downloadRate?: number;
  readonly goal?: SeedingGoal;
  /** As long as others do not have everything, each piece is given about once (BEP 16). */
  readonly superSeeding?: true;
  /** It is paused because this part of its goal was reached. */
  readonly reached?: 'ratio' | 'time';
  readonly seededSeconds?: number;
  /** Its files are being moved there; absolute. */
  readonly movingTo?: string;
  /** It became complete, and what is to follow that has not been done yet. */
  readonly finishing?: true;
}

/** The journal of one transfer: one JSON file beside its torrent file, replaced as a whole. */
export interface TransferRecord {
  readonly version: 1;
  readonly id: string;
  readonly origin: 'share' | 'get';
  /** Where the content is, or is to be. Absolute. */
  readonly folder: string;
  readonly tags: readonly string[];
  /** The files lie where they belong: the content was complete once. */
  readonly placed: boolean;
  readonly sequential: boolean;
  readonly paused: boolean;
  /** The catalog names this node as an owner. */
  readonly owned: boolean;
  /** The account under which it does; absent or null where that is not known. */
  readonly account?: string | null;
  /** Since how many forced promotions it does (`domain/replication/generation.ts`); absent: 0, or not known. */
  readonly generation?: number;
  /** Absent: by the catalog. The trackers stand in the torrent file beside the record. */
  readonly swarm?: SwarmKind;
  /** What its user has set for it alone; absent: nothing. */
  readonly settings?: TransferSettings;
  /** Nothing was written after this record: files must be exactly as recorded. */
  readonly clean: boolean;
  /** Pieces that were verified and synced before this record was written: a bitfield in base64. */
  readonly have: string;
  /** Pieces that may be on disk all the same: under way, or written and not synced. */
  readonly unsettled: readonly number[];
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  readonly files: readonly RecordedFile[];
}

export const encodeRecord = (record: TransferRecord): Uint8Array => Buffer.from(JSON.stringify(record));

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

const isFacts = (value: unknown): boolean =>
  value === null || (isObject(value) && isCount(value['size']) && Number.isFinite(value['modifiedMs']) && isCount(value['identity']));

const isFile = (value: unknown): boolean =>
  isObject(value) &&
  typeof value['path'] === 'string' &&
  typeof value['selected'] === 'boolean' &&
  typeof value['adopted'] === 'boolean' &&
  (value['priority'] === undefined || value['priority'] === 'low' || value['priority'] === 'high') &&
  isFacts(value['facts']);

const isAbsentOr = (value: unknown, is: (value: unknown) => boolean): boolean => value === undefined || is(value);
const isCountOrNull = (value: unknown): boolean => value === null || isCount(value);

const isSettings = (value: unknown): boolean =>
  isObject(value) &&
  isAbsentOr(value['place'], Number.isFinite) &&
  (['uploadRate', 'downloadRate', 'seededSeconds'] as const).every((key) => isAbsentOr(value[key], isCount)) &&
  isAbsentOr(value['goal'], (goal) => isObject(goal) && isCountOrNull(goal['ratio']) && isCountOrNull(goal['seconds'])) &&
  isAbsentOr(value['reached'], (reached) => reached === 'ratio' || reached === 'time') &&
  isAbsentOr(value['movingTo'], (folder) => typeof folder === 'string') &&
  isAbsentOr(value['superSeeding'], (superSeeding) => superSeeding === true) &&
  isAbsentOr(value['finishing'], (finishing) => finishing === true);

const isRecord = (value: unknown): value is TransferRecord =>
  isObject(value) &&
  typeof value['id'] === 'string' &&
  (value['origin'] === 'share' || value['origin'] === 'get') &&
  typeof value['folder'] === 'string' &&
  typeof value['have'] === 'string' &&
  (['placed', 'sequential', 'paused', 'owned', 'clean'] as const).every((key) => typeof value[key] === 'boolean') &&
  (value['account'] === undefined || value['account'] === null || typeof value['account'] === 'string') &&
  (value['generation'] === undefined || isCount(value['generation'])) &&
  (value['swarm'] === undefined || SWARM_KINDS.includes(value['swarm'])) &&
  isAbsentOr(value['settings'], isSettings) &&
  isCount(value['uploadedBytes']) &&
  isCount(value['downloadedBytes']) &&
  Array.isArray(value['tags']) &&
  value['tags'].every((tag) => typeof tag === 'string') &&
  Array.isArray(value['unsettled']) &&
  value['unsettled'].every(isCount) &&
  Array.isArray(value['files']) &&
  value['files'].every(isFile);

/** Errors: `record-invalid`. A record that cannot be read costs a check of the whole content, nothing else. */
export const decodeRecord = (bytes: Uint8Array): Result<TransferRecord> => {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return fail('record-invalid', 'the record of the transfer is no JSON');
  }
  if (isObject(value) && value['version'] !== 1) return fail('record-invalid', 'the record of the transfer is of another version');
  return isRecord(value) ? ok(value) : fail('record-invalid', 'the record of the transfer lacks something');
};

export interface ResumePlan {
  /** Had, without a look at the bytes. */
  readonly trusted: readonly PieceIndex[];
  /** To be hashed. */
  readonly check: readonly PieceIndex[];
  /** Files that are not as the record says, by their place: changed, or gone. */
  readonly changed: readonly number[];
}

/**
 * Which pieces can be trusted after a restart. Those of the journal, where their files are as they were: exactly, after a
 * clean stop; the same file and not shorter or older, after a crash, which may have left later writes. Everything that
 * may be on disk beyond that is hashed, and nothing else is.
 */
export const planResume = (record: TransferRecord, found: readonly (FileFacts | null)[], layout: TorrentLayout): ResumePlan => {
  const intact = record.files.map((file, n) => file.facts !== null && isIntact(file.facts, found[n] ?? null, record.clean));
  const have = Bitfield.from(Buffer.from(record.have, 'base64'), layout.pieceCount) ?? Bitfield.empty(layout.pieceCount);
  const trusted: PieceIndex[] = [];
  const check = new Set<PieceIndex>();
  for (const piece of have.pieces()) {
    if (layout.segments(piece).every(({ file }) => intact[file.index] === true)) trusted.push(piece);
    else check.add(piece);
  }
  for (const piece of record.unsettled) {
    if (Number.isInteger(piece) && piece < layout.pieceCount && !have.has(piece as PieceIndex)) check.add(piece as PieceIndex);
  }
  const changed = record.files.flatMap((file, n) => (file.facts !== null && intact[n] === false ? [n] : []));
  return { trusted, check: [...check], changed };
};

const isIntact = (recorded: FileFacts, found: FileFacts | null, clean: boolean): boolean => {
  if (found === null) return false;
  if (clean) return sameFile(recorded, found);
  return sameIdentity(recorded, found) && found.size >= recorded.size && found.modifiedMs >= recorded.modifiedMs;
};
