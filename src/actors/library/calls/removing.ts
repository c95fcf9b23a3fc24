/** `remove` and `unshare`: this node lets go of a content. */
import { cleanName } from '../../../protocol/bittorrent/names.ts';
import { type Done, fail, ok } from '../../../protocol/result.ts';
import { isOfCatalog } from '../../../domain/transfer/journal.ts';
import type { Transfer } from '../../transfer/transfer.ts';
import type { CallsOf, LibraryParts } from '../parts.ts';
import type { Waiting } from '../registrar.ts';
import { unsharing } from '../unshare.ts';

/** Stops it, takes it out of the catalog and off the shelf. With `data`, what was downloaded is deleted. */
const remove = (parts: LibraryParts, transfer: Transfer, data: boolean, done: Done<Record<string, never>>, first?: Waiting): void => {
  const { id } = transfer;
  const { catalog, holdings, ports, shelf } = parts;
  if (data && transfer.notes.origin === 'share') {
    return done(fail('forbidden', 'It is shared from where it lies, so its files are not deleted; leave out --data.'));
  }
  if (holdings.changing.has(id)) return done(fail('busy', `${cleanName(transfer.metainfo.name)} is being changed just now; ask again.`));
  holdings.changing.add(id);
  const gone: Done<void> = (result) => {
    holdings.changing.delete(id);
    if (!result.ok || !data) done(result.ok ? ok({}) : result);
    else shelf.removeData(transfer, ports.disk, (deleted) => done(deleted.ok ? ok({}) : deleted));
  };
  // Also where the catalog has not answered yet: it may have been told.
  const told = transfer.notes.owned || catalog.has(id) || (transfer.notes.placed && isOfCatalog(transfer.notes.swarm));
  return parts.release(transfer, told ? { content: id, account: transfer.notes.account } : null, gone, first);
};

export const removingCalls = (parts: LibraryParts): CallsOf<'remove' | 'unshare'> => ({
  remove: ({ id, data }, done) => {
    const magnet = parts.holdings.named(id) === null ? parts.magnets.named(id) : null;
    if (magnet !== null) return parts.magnets.remove(magnet, (removed) => done(removed.ok ? ok({}) : removed));
    return parts.holdings.with(id, done, (transfer) => remove(parts, transfer, data, done));
  },
  unshare: ({ id, require = 'any' }, done) =>
    parts.holdings.with(id, done, (transfer) => {
      if (!isOfCatalog(transfer.notes.swarm))
        return done(fail('not-found', 'It is not shared with the network: "shoal pause" stops giving it, "shoal remove" forgets it.'));
      const { gone, first } = unsharing(require, parts.network.state.online, done);
      return remove(parts, transfer, false, gone, first);
    }),
});
