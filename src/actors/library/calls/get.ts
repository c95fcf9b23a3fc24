/** `get`: a download begins, or what is held already goes on with more of its files. */
import type { ApiCalls } from '../../../protocol/api.ts';
import { cleanName } from '../../../protocol/bittorrent/names.ts';
import { type Done, type Failure, fail, ok } from '../../../protocol/result.ts';
import type { Transfer } from '../../transfer/transfer.ts';
import { chooseFiles, fetchTorrent, lookForFiles, planDownload, resolveContent } from '../fetching.ts';
import type { CallsOf, LibraryParts } from '../parts.ts';
import { isAbsolute } from '../walk.ts';

type GetArgs = ApiCalls['get']['args'];
type GetResult = ApiCalls['get']['result'];

const PIECE_BYTES_MAX = 16 * 1024 * 1024;

const plainFolder = (folder: string): string => folder.replace(/[/\\]+$/u, '');

/** What is held already is taken up again, with more of its files where more are asked for. */
const getMore = ({ ports }: LibraryParts, args: GetArgs, held: Transfer, done: Done<void>): void => {
  const name = cleanName(held.metainfo.name);
  if (args.to !== null && plainFolder(args.to) !== plainFolder(held.notes.folder))
    return done(fail('exists', `${name} is in ${held.notes.folder} already. Leave out the folder, or remove it there first.`));
  const chosen = chooseFiles(held.layout, args.files);
  if (!chosen.ok) return done(chosen);
  const more = chosen.value.filter((file) => held.selected[file] !== true);
  if (args.sequential) held.exchange.picker.sequential = true;
  if (more.length === 0) {
    if (held.phase === 'paused' || held.phase === 'failed') held.resume();
    return done(ok(undefined));
  }
  return lookForFiles(ports.disk, held.notes.folder, held.layout, more, (files) => {
    if (!files.ok) return done(files);
    if (held.phase === 'completing') return done(fail('busy', `${name} is being moved to its place just now; ask again.`));
    return held.extend(files.value, done);
  });
};

const setUp = (parts: LibraryParts, args: GetArgs, content: GetResult['content'], done: Done<void, Failure>): void => {
  const { config, network, ports, shelf } = parts;
  fetchTorrent(network, content.id, (torrent) => {
    if (!torrent.ok) return done(torrent);
    const { bytes, metainfo } = torrent.value;
    const request = {
      metainfo,
      folder: args.to ?? config.downloadFolder,
      globs: args.files,
      sequential: args.sequential,
      tags: content.tags,
      pieceBytesMax: Math.min(PIECE_BYTES_MAX, config.limits.pieceBufferBytesMax),
    };
    return planDownload(ports.disk, request, (plan) => {
      if (!plan.ok) return done(plan);
      return shelf.put(plan.value.record, bytes, (stored) => {
        if (stored.ok) parts.begin({ metainfo, ...plan.value });
        done(stored);
      });
    });
  });
};

const get = (parts: LibraryParts, args: GetArgs, done: Done<GetResult>): void => {
  const { to, what } = args;
  if (to !== null && !isAbsolute(to)) return done(fail('bad-request', `${to} is no absolute path.`));
  if (what.trim() === '') return done(fail('bad-request', 'Say what to get: an id, or words.'));
  return resolveContent(parts.network, what.trim(), (content) => {
    if (!content.ok) return done(content);
    const { id } = content.value;
    const { changing } = parts.holdings;
    const held = parts.holdings.get(id);
    const answer: Done<void> = (result) => {
      changing.delete(id);
      done(result.ok ? ok({ id, content: content.value }) : result);
    };
    if (changing.has(id)) return done(fail('busy', `${content.value.name} is being set up or removed just now; ask again.`));
    changing.add(id);
    return held === undefined ? setUp(parts, args, content.value, answer) : getMore(parts, args, held, answer);
  });
};

export const getCalls = (parts: LibraryParts): CallsOf<'get'> => ({ get: (args, done) => get(parts, args, done) });
