import { cleanName } from '../../protocol/bittorrent/names.ts';
import { readMetainfo } from '../../protocol/bittorrent/metainfo.ts';
import type { ContentSummary } from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';
import { fail, ok, type Result } from '../../protocol/result.ts';

/** What the catalog says of a content, read from its torrent. Refuses what nodes could not verify piece by piece. */
export const describeTorrent = (bytes: Uint8Array, tags: readonly string[]): Result<ContentSummary> => {
  const read = readMetainfo(bytes);
  if (!read.ok) return read;
  const { v1, v2, id, name, contentBytes, files, pieceLength, missingLayers } = read.value;
  if (missingLayers) return fail('torrent-invalid', 'the torrent lacks piece layers: make it again from the files');
  return ok({
    id,
    v1: v1 === null ? null : toHex(v1),
    v2: v2 === null ? null : toHex(v2),
    name: cleanName(name),
    tags,
    size: contentBytes,
    files: files.filter((file) => !file.pad && file.symlink === null).length,
    pieceLength,
  });
};
