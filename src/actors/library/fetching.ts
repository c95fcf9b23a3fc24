/** From what a user names to a torrent that can be downloaded: the catalog is asked, and what it says is checked. */
import type { Network } from '../../data/network.ts';
import { each } from '../../data/each.ts';
import type { Disk } from '../../ports/disk.ts';
import { type Metainfo, readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import type { ContentSummary, SearchHit } from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';
import { type Done, type Failure, fail, ok } from '../../protocol/result.ts';
import type { RecordedFile, TransferRecord } from '../../domain/transfer/journal.ts';
import { selectFiles } from '../../domain/transfer/select-files.ts';
import { createLayout, type TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import { finalPath, partPath, partRoot } from '../transfer/placement.ts';

const none = new Uint8Array(0);
const CANDIDATES_SHOWN = 8;
const PAGE = 100;
/** A prefix of an id is looked for in so many pages of the catalog at most. */
const PAGES_MAX = 50;
export const ID_PREFIX_MIN = 8;

const isId = (what: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/iu.test(what);
export const isIdPrefix = (what: string): boolean => /^[0-9a-f]+$/iu.test(what) && what.length >= ID_PREFIX_MIN && what.length <= 64;

const candidates = (hits: readonly ContentSummary[], total: number): string => {
  const shown = hits.slice(0, CANDIDATES_SHOWN).map((hit) => `${hit.id.slice(0, 12)} "${hit.name}"`);
  return shown.join(', ') + (total > shown.length ? `, and ${total - shown.length} more` : '');
};

/** The content of the catalog that is meant. Errors: `not-found`, `ambiguous` (with the candidates), the network's. */
export const resolveContent = (network: Network, what: string, done: Done<ContentSummary>): void => {
  if (isId(what)) {
    network.request({ op: 'content', id: what.toLowerCase() }, none, (reply) => {
      if (reply.ok) done(ok(reply.value.value));
      else done(reply.error.code === 'not-found' ? fail('not-found', `The catalog has no content ${what}.`) : reply);
    });
  } else if (isIdPrefix(what)) byPrefix(network, what.toLowerCase(), done);
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

/** The catalog is gone through for it; words that happen to look like one are searched for when none has it. */
const byPrefix = (network: Network, prefix: string, done: Done<ContentSummary>): void => {
  const matches: SearchHit[] = [];
  const page = (n: number): void =>
    network.request({ op: 'need', words: '', offset: n * PAGE, limit: PAGE }, none, (reply) => {
      if (!reply.ok) return done(reply);
      const { hits, total } = reply.value.value;
      matches.push(...hits.filter((hit) => hit.id.startsWith(prefix) || hit.v1?.startsWith(prefix) === true));
      if (hits.length > 0 && (n + 1) * PAGE < total && n + 1 < PAGES_MAX) return page(n + 1);
      const [first] = matches;
      if (first === undefined) return byWords(network, prefix, done);
      if (matches.length > 1) return done(fail('ambiguous', `${prefix} begins several ids: ${candidates(matches, matches.length)}.`));
      return done(ok(first));
    });
  page(0);
};

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

export interface DownloadRequest {
  readonly metainfo: Metainfo;
  readonly folder: string;
  readonly globs: readonly string[];
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
  const selected = selectFiles(
    layout.files.map((file) => file.path),
    request.globs,
  );
  if ('unmatched' in selected) return done(fail('no-such-file', `No file of the torrent matches "${selected.unmatched}".`));
  const files: RecordedFile[] = layout.files.map((file) => ({
    path: partPath(folder, layout, file.index),
    selected: selected[file.index] === true,
    adopted: false,
    facts: null,
  }));
  let adopted = 0;
  const adopt = (n: number, next: Done<void, Failure>): void => {
    const path = finalPath(folder, layout, n);
    disk.stat(path, (stat) => {
      if (!stat.ok) return next(stat.error.code === 'missing' ? ok(undefined) : stat);
      const size = layout.files[n]?.size ?? 0;
      if (stat.value.kind !== 'file' || stat.value.size !== size) {
        return next(
          fail(
            'exists',
            `${path} exists already and is different (${stat.value.size} bytes, not ${size}). It is not replaced: move it away, or download to another folder.`,
          ),
        );
      }
      files[n] = { ...(files[n] as RecordedFile), path, adopted: true };
      adopted++;
      return next(ok(undefined));
    });
  };
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
  return each(
    layout.files.filter((file) => selected[file.index] === true).map((file) => file.index),
    adopt,
    (result) => (result.ok ? finish() : done(result)),
  );
};
