/** From what a user names to a torrent that can be downloaded: the catalog is asked, and what it says is checked. */
import type { Network } from '../../data/network.ts';
import { each } from '../../data/each.ts';
import type { Disk } from '../../ports/disk.ts';
import type { FileRange } from '../../protocol/bittorrent/magnet.ts';
import { type Metainfo, type MetainfoFile, readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import { ID_PREFIX_MIN } from '../../protocol/control/limits.ts';
import type { ContentSummary } from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';
import { type Done, type Failure, fail, ok, type Result } from '../../protocol/result.ts';
import type { RecordedFile, SwarmKind, TransferRecord } from '../../domain/transfer/journal.ts';
import { selectFiles } from '../../domain/transfer/select-files.ts';
import { createLayout, type TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import { finalPath, partPath, partRoot } from '../transfer/placement.ts';
import type { WantedFile } from '../transfer/transfer.ts';

const none = new Uint8Array(0);
const CANDIDATES_SHOWN = 8;
const PAGE = 100;
/** Of a whole id. */
const ID_CHARACTERS_MIN = 40;

export const isIdPrefix = (what: string): boolean => /^[0-9a-f]+$/iu.test(what) && what.length >= ID_PREFIX_MIN && what.length <= 64;

const candidates = (hits: readonly ContentSummary[], total: number): string => {
  const shown = hits.slice(0, CANDIDATES_SHOWN).map((hit) => `${hit.id.slice(0, 12)} "${hit.name}"`);
  return shown.join(', ') + (total > shown.length ? `, and ${total - shown.length} more` : '');
};

/** The content of the catalog that is meant. Errors: `not-found`, `ambiguous` (with the candidates), the network's. */
export const resolveContent = (network: Network, what: string, done: Done<ContentSummary>): void => {
  if (isIdPrefix(what)) byId(network, what.toLowerCase(), done);
  else byWords(network, what, done);
};

const byWords = (network: Network, words: string, done: Done<ContentSummary>): void =>
  network.request({ op: 'need', words, offset: 0, limit: PAGE }, none, (reply) => {
    if (!reply.ok) return done(reply);
    const { hits, total } = reply.value.value;
    const exact = hits.filter((hit) => hit.name.normalize('NFC') === words.normalize('NFC'));
    const only = hits.length === 1 && total <= 1 ? hits[0] : exact.length === 1 ? exact[0] : undefined;
    if (only !== undefined) return done(ok(only));
    if (hits.length === 0) return done(fail('not-found', `Nothing in the catalog matches "${words}".`));
    return done(fail('ambiguous', `"${words}" matches ${total} contents: ${candidates(hits, total)}. Name one by its id.`));
  });

/** By an id or its first digits. Words that happen to look like one are searched for when none begins so. */
const byId = (network: Network, id: string, done: Done<ContentSummary>): void =>
  network.request({ op: 'content', id }, none, (reply) => {
    if (reply.ok) done(ok(reply.value.value));
    else if (reply.error.code !== 'not-found') done(reply);
    else if (id.length >= ID_CHARACTERS_MIN) done(fail('not-found', `The catalog has no content ${id}.`));
    else byWords(network, id, done);
  });

/** The torrent of a content, checked against its id. Errors: `torrent-invalid`, the network's. */
export const fetchTorrent = (network: Network, id: string, done: Done<{ readonly bytes: Uint8Array; readonly metainfo: Metainfo }>): void =>
  network.request({ op: 'torrent', id }, none, (reply) => {
    if (!reply.ok) return done(reply);
    const bytes = reply.value.tail.slice();
    const read = readMetainfo(bytes);
    if (!read.ok) return done(fail('torrent-invalid', `The torrent of ${id} is not valid: ${read.error.message}.`));
    const { v1, v2 } = read.value;
    if (![v1, v2].some((hash) => hash !== null && toHex(hash) === id))
      return done(fail('torrent-invalid', `The torrent that came is not that of ${id}.`));
    return done(ok({ bytes, metainfo: read.value }));
  });

/** Which files of a torrent are meant: by globs, else by places in it (BEP 53), else all. */
export interface FileChoice {
  readonly globs: readonly string[];
  readonly places: readonly FileRange[];
}

export interface DownloadRequest {
  readonly metainfo: Metainfo;
  readonly folder: string;
  readonly choice: FileChoice;
  readonly swarm: SwarmKind;
  readonly sequential: boolean;
  readonly tags: readonly string[];
  readonly pieceBytesMax: number;
}

/**
 * What a download begins with: where each file goes, and which are there already. Errors: those of `createLayout`,
 * `no-such-file` (a glob that matches nothing), `exists` (a different file is in the way).
 */
export const planDownload = (
  disk: Disk,
  request: DownloadRequest,
  done: Done<{ readonly layout: TorrentLayout; readonly record: TransferRecord }>,
): void => {
  const { folder } = request;
  const made = createLayout(request.metainfo, { pieceBytesMax: request.pieceBytesMax });
  if (!made.ok) return done(made);
  const layout = made.value;
  const chosen = chooseFiles(request.metainfo, layout, request.choice);
  if (!chosen.ok) return done(chosen);
  const files: RecordedFile[] = layout.files.map((file) => ({
    path: partPath(folder, layout, file.index),
    selected: chosen.value.includes(file.index),
    adopted: false,
    facts: null,
  }));
  let adopted = 0;
  const finish = (): void =>
    disk.stat(partRoot(folder, layout), (part) => {
      const all = Array.from({ length: layout.pieceCount }, (_, piece) => piece);
      const record: TransferRecord = {
        version: 1,
        id: layout.id,
        origin: 'get',
        folder,
        tags: request.tags,
        placed: false,
        sequential: request.sequential,
        paused: false,
        owned: false,
        ...(request.swarm === 'catalog' ? {} : { swarm: request.swarm }),
        clean: true,
        have: '',
        // What an earlier download of the same left behind, and what is there complete, is looked at.
        unsettled: adopted > 0 || part.ok ? all : [],
        uploadedBytes: 0,
        downloadedBytes: 0,
        files,
      };
      done(ok({ layout, record }));
    });
  return lookForFiles(disk, folder, layout, chosen.value, (found) => {
    if (!found.ok) return done(found);
    for (const { index, path, adopted: there } of found.value) {
      files[index] = { ...(files[index] as RecordedFile), path, adopted: there };
      if (there) adopted++;
    }
    return finish();
  });
};

/** The files of a torrent that are meant, by their places in the layout. Errors: `no-such-file` (what matches nothing). */
export const chooseFiles = (metainfo: Metainfo, layout: TorrentLayout, { globs, places }: FileChoice): Result<readonly number[]> => {
  if (globs.length === 0 && places.length > 0) return filesAt(metainfo, places);
  const selected = selectFiles(
    layout.files.map((file) => file.path),
    globs,
  );
  if ('unmatched' in selected) return fail('no-such-file', `No file of the torrent matches "${selected.unmatched}".`);
  return ok(layout.files.flatMap(({ index }) => (selected[index] === true ? [index] : [])));
};

/** Links count files as the torrent lists them: of version 1 with the padding among them. */
const filesAt = ({ files, v1 }: Metainfo, places: readonly FileRange[]): Result<readonly number[]> => {
  const listed = v1 === null ? files.filter(({ pad }) => !pad) : files;
  const meant = new Set<MetainfoFile>();
  for (const { first, last } of places) for (const file of listed.slice(first, last + 1)) meant.add(file);
  const chosen = files.filter(({ pad, symlink }) => !pad && symlink === null).flatMap((file, index) => (meant.has(file) ? [index] : []));
  return chosen.length > 0
    ? ok(chosen)
    : fail('no-such-file', `The torrent has ${listed.length} files; those that the link asks for are not among them.`);
};

/** Where each of these files is to be written, or lies already. Errors: `exists` (a different file is in the way), the disk's. */
export const lookForFiles = (
  disk: Disk,
  folder: string,
  layout: TorrentLayout,
  files: readonly number[],
  done: Done<readonly WantedFile[]>,
): void => {
  const wanted: WantedFile[] = [];
  const look = (index: number, next: Done<void, Failure>): void => {
    const path = finalPath(folder, layout, index);
    const size = layout.files[index]?.size ?? 0;
    disk.stat(path, (stat) => {
      if (!stat.ok && stat.error.code !== 'missing') return next(stat);
      if (stat.ok && (stat.value.kind !== 'file' || stat.value.size !== size)) {
        return next(
          fail(
            'exists',
            `${path} exists already and is different (${stat.value.size} bytes, not ${size}). It is not replaced: move it away, or download to another folder.`,
          ),
        );
      }
      wanted.push(stat.ok ? { index, path, adopted: true } : { index, path: partPath(folder, layout, index), adopted: false });
      return next(ok(undefined));
    });
  };
  each(files, look, (result) => done(result.ok ? ok(wanted) : result));
};
