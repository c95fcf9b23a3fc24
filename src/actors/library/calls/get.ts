/**
 * `get`: a download begins, or what is held already goes on with more of its files. What is meant may be an id or words of
 * the catalog, a torrent file, or a magnet link; a torrent that the catalog knows is the catalog's.
 */
import type { ApiCalls } from '../../../protocol/api.ts';
import { readMagnet } from '../../../protocol/bittorrent/magnet.ts';
import { type Metainfo, readMetainfo } from '../../../protocol/bittorrent/metainfo.ts';
import { cleanName } from '../../../protocol/bittorrent/names.ts';
import type { ContentSummary } from '../../../protocol/control/messages.ts';
import { type Done, type Failure, fail, ok } from '../../../protocol/result.ts';
import { isOfCatalog, type SwarmKind } from '../../../domain/transfer/journal.ts';
import type { FoundTorrent, PendingMagnet } from '../../magnet/magnet.ts';
import type { MagnetRecord } from '../../magnet/record.ts';
import type { Transfer } from '../../transfer/transfer.ts';
import { chooseFiles, fetchTorrent, type FileChoice, lookForFiles, planDownload, resolveContent } from '../fetching.ts';
import { askCatalog } from '../in-catalog.ts';
import type { CallsOf, LibraryParts } from '../parts.ts';
import { contentSummary } from '../summaries.ts';
import { isAbsolute } from '../walk.ts';

type GetArgs = ApiCalls['get']['args'];
type GetResult = ApiCalls['get']['result'];

/** How a download is wanted, whatever it is of. */
interface Wanted {
  readonly to: string | null;
  readonly choice: FileChoice;
  readonly sequential: boolean;
}

/** A torrent that is to be downloaded, and where its peers meet. */
interface Torrent {
  readonly bytes: Uint8Array;
  readonly metainfo: Metainfo;
  readonly tags: readonly string[];
  readonly swarm: SwarmKind;
}

const PIECE_BYTES_MAX = 64 * 1024 * 1024;

const plainFolder = (folder: string): string => folder.replace(/[/\\]+$/u, '');

/** What is held already is taken up again, with more of its files where more are asked for. */
const getMore = ({ ports }: LibraryParts, wanted: Wanted, held: Transfer, done: Done<void>): void => {
  const name = cleanName(held.metainfo.name);
  const { folder } = held.notes;
  if (wanted.to !== null && plainFolder(wanted.to) !== plainFolder(folder))
    return done(fail('exists', `${name} is in ${folder} already. Leave out the folder, or remove it there first.`));
  const chosen = chooseFiles(held.metainfo, held.layout, wanted.choice);
  if (!chosen.ok) return done(chosen);
  const more = chosen.value.filter((file) => held.selected[file] !== true);
  if (wanted.sequential) held.wishes.setSequential(true);
  if (more.length === 0) {
    if (held.phase === 'paused' || held.phase === 'failed') held.resume();
    return done(ok(undefined));
  }
  return lookForFiles(ports.disk, folder, held.layout, more, (files) => {
    if (!files.ok) return done(files);
    if (held.phase === 'completing') return done(fail('busy', `${name} is being moved to its place just now; ask again.`));
    return held.extend(files.value, done);
  });
};

/** Puts a torrent on the shelf and begins with it. Errors: those of `planDownload`, the disk's. */
const beginDownload = (parts: LibraryParts, wanted: Wanted, torrent: Torrent, done: Done<Transfer, Failure>): void => {
  const { config, ports, shelf } = parts;
  const { bytes, metainfo, swarm, tags } = torrent;
  const request = {
    metainfo,
    swarm,
    tags,
    folder: wanted.to ?? config.downloadFolder,
    choice: wanted.choice,
    sequential: wanted.sequential,
    pieceBytesMax: PIECE_BYTES_MAX,
  };
  planDownload(ports.disk, request, (plan) => {
    if (!plan.ok) return done(plan);
    return shelf.put(plan.value.record, bytes, (stored) => {
      if (!stored.ok) return done(stored);
      parts.magnets.superseded(metainfo);
      return done(ok(parts.begin({ metainfo, ...plan.value })));
    });
  });
};

const withoutValue =
  (done: Done<void, Failure>): Done<unknown, Failure> =>
  (result) =>
    done(result.ok ? ok(undefined) : result);

/** A content of the catalog: the one that is held, or a new download. Answers with the content as the catalog has it. */
const getContent = (parts: LibraryParts, wanted: Wanted, content: ContentSummary, done: Done<GetResult>): void => {
  const { id, name, tags } = content;
  const { changing } = parts.holdings;
  const held = parts.holdings.get(id);
  if (changing.has(id)) return done(fail('busy', `${cleanName(name)} is being set up or removed just now; ask again.`));
  changing.add(id);
  const answer: Done<void> = (result) => {
    changing.delete(id);
    done(result.ok ? ok({ id, content }) : result);
  };
  if (held !== undefined) {
    held.meetInCatalog(tags);
    return getMore(parts, wanted, held, answer);
  }
  return fetchTorrent(parts.network, id, (torrent) => {
    if (!torrent.ok) return answer(torrent);
    return beginDownload(parts, wanted, { ...torrent.value, tags, swarm: 'catalog' }, withoutValue(answer));
  });
};

/** What is held already, whatever the catalog says of it. */
const getHeld = (parts: LibraryParts, wanted: Wanted, held: Transfer, done: Done<GetResult>): void => {
  const { changing } = parts.holdings;
  const { id, metainfo, notes } = held;
  if (changing.has(id)) return done(fail('busy', `${cleanName(metainfo.name)} is being set up or removed just now; ask again.`));
  changing.add(id);
  return getMore(parts, wanted, held, (result) => {
    changing.delete(id);
    done(result.ok ? ok({ id, content: contentSummary(metainfo, notes.tags) }) : result);
  });
};

/** A torrent of elsewhere, which its own trackers know; the catalog has been asked. */
const getOutside = (parts: LibraryParts, wanted: Wanted, torrent: Torrent, done: Done<GetResult>): void => {
  const { id, name } = torrent.metainfo;
  const { changing } = parts.holdings;
  const held = parts.holdings.get(id);
  if (held !== undefined) return getHeld(parts, wanted, held, done);
  if (changing.has(id)) return done(fail('busy', `${cleanName(name)} is being set up or removed just now; ask again.`));
  changing.add(id);
  return beginDownload(parts, wanted, torrent, (begun) => {
    changing.delete(id);
    done(begun.ok ? ok({ id, content: contentSummary(torrent.metainfo, torrent.tags) }) : begun);
  });
};

const getTorrent = (parts: LibraryParts, wanted: Wanted, text: string, done: Done<GetResult>): void => {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  const read = readMetainfo(bytes);
  if (!read.ok) return done(fail('torrent-invalid', `This is no valid torrent file: ${read.error.message}.`));
  const metainfo = read.value;
  return askCatalog({ network: parts.network, clock: parts.ports.clock }, metainfo, (found) => {
    if (typeof found !== 'string') return getContent(parts, wanted, found, done);
    const swarm = found === 'absent' ? 'trackers' : 'unasked';
    return getOutside(parts, wanted, { bytes, metainfo, tags: [], swarm }, done);
  });
};

/** A link whose content is neither here nor in the catalog waits for its torrent. */
const getMagnet = (parts: LibraryParts, given: Wanted, link: string, done: Done<GetResult>): void => {
  const read = readMagnet(link);
  if (!read.ok) return done(fail('magnet-invalid', `This is ${read.error.message}.`));
  const magnet = read.value;
  const { globs } = given.choice;
  const wanted: Wanted = { ...given, choice: { globs, places: magnet.files } };
  const held = parts.holdings.ofHash(magnet);
  if (held !== undefined && !isOfCatalog(held.notes.swarm)) return getHeld(parts, wanted, held, done);
  return askCatalog({ network: parts.network, clock: parts.ports.clock }, magnet, (found) => {
    if (typeof found !== 'string') return getContent(parts, wanted, found, done);
    const holder = parts.holdings.ofHash(magnet);
    if (holder !== undefined) return getHeld(parts, wanted, holder, done);
    if (found === 'absent' && magnet.trackers.length === 0 && magnet.peers.length === 0)
      return done(fail('not-found', 'It is not in the catalog, and the link names neither a tracker nor a peer that could have it.'));
    const { to, sequential } = wanted;
    const record: MagnetRecord = { version: 1, link, to, files: [...globs], sequential, paused: false };
    return parts.magnets.add(magnet, record, found === 'absent', (added) =>
      done(added.ok ? ok({ id: added.value.id, content: null }) : added),
    );
  });
};

/** Begins what a link that waited has found. */
export const setUpMagnet = (parts: LibraryParts, pending: PendingMagnet, found: FoundTorrent, done: Done<unknown, Failure>): void => {
  const { to, files, sequential } = pending.record;
  const wanted: Wanted = { to, choice: { globs: files, places: pending.magnet.files }, sequential };
  if (found.kind === 'content') return getContent(parts, wanted, found.content, done);
  const { bytes, metainfo, peers } = found.torrent;
  return getOutside(parts, wanted, { bytes, metainfo, tags: [], swarm: found.asked ? 'trackers' : 'unasked' }, (begun) => {
    const exchange = parts.holdings.get(metainfo.id)?.exchange;
    for (const peer of [...peers, ...pending.magnet.peers]) exchange?.learn(peer, null, false);
    exchange?.connectMore();
    done(begun);
  });
};

const get = (parts: LibraryParts, args: GetArgs, done: Done<GetResult>): void => {
  const { to, torrent } = args;
  const what = args.what.trim();
  if (to !== null && !isAbsolute(to)) return done(fail('bad-request', `${to} is no absolute path.`));
  const wanted: Wanted = { to, choice: { globs: args.files, places: [] }, sequential: args.sequential };
  if (torrent !== undefined) return getTorrent(parts, wanted, torrent, done);
  if (what === '') return done(fail('bad-request', 'Say what to get: an id, words, a torrent file or a magnet link.'));
  if (/^magnet:/iu.test(what)) return getMagnet(parts, wanted, what, done);
  // What came from elsewhere is in no catalog, and may be named by its id all the same.
  const held = parts.holdings.named(what);
  if (held !== null && !isOfCatalog(held.notes.swarm)) return getHeld(parts, wanted, held, done);
  return resolveContent(parts.network, what, (content) => (content.ok ? getContent(parts, wanted, content.value, done) : done(content)));
};

export const getCalls = (parts: LibraryParts): CallsOf<'get'> => ({ get: (args, done) => get(parts, args, done) });
