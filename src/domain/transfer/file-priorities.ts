/** How much each file of a torrent is wanted, and with it each of its pieces. */
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { type Priority, PRIORITY_MAX } from './piece-map.ts';
import { selectFiles } from './select-files.ts';
import type { TorrentLayout } from './torrent-layout.ts';

export const FILE_PRIORITIES = ['skip', 'low', 'normal', 'high'] as const;
export type FilePriority = (typeof FILE_PRIORITIES)[number];

/** Of its pieces, for the picker. */
const priorityValue = (priority: FilePriority): Priority => FILE_PRIORITIES.indexOf(priority) as Priority;

/** A piece is wanted as much as the most wanted file that has some of it. */
export const piecePriority = (layout: TorrentLayout, files: readonly FilePriority[], piece: PieceIndex): Priority => {
  let most: Priority = 0;
  for (const { file } of layout.segments(piece)) {
    const priority = priorityValue(files[file.index] ?? 'skip');
    if (priority > most) most = priority;
    if (most === PRIORITY_MAX) break;
  }
  return most;
};

export type PriorityWishes = { readonly [P in FilePriority]?: readonly string[] };

/**
 * The priorities after a user's wishes, each a list of globs: what is skipped first, then the others from low to high, so
 * that a file which several globs mean gets the highest. A glob that matches nothing is an answer of its own.
 */
export const wishedPriorities = (
  paths: readonly (readonly string[])[],
  before: readonly FilePriority[],
  wishes: PriorityWishes,
): readonly FilePriority[] | { readonly unmatched: string } => {
  const after = [...before];
  for (const priority of FILE_PRIORITIES) {
    const globs = wishes[priority] ?? [];
    if (globs.length === 0) continue;
    const meant = selectFiles(paths, globs);
    if ('unmatched' in meant) return meant;
    for (const [n, hit] of meant.entries()) if (hit) after[n] = priority;
  }
  return after;
};
