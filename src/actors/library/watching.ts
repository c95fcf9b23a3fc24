/** What is done with what is dropped into the watched folder: the calls that a user would make. */
import type { WatchConfig } from '../../config/types.ts';
import type { Ports } from '../../ports/ports.ts';
import { metainfoLimits } from '../../protocol/bittorrent/metainfo-files.ts';
import { type Done, fail } from '../../protocol/result.ts';
import type { CallsOf } from './parts.ts';
import { Watcher } from './watcher.ts';

export const watcherOf = (
  watch: WatchConfig,
  { clock, disk, log }: Pick<Ports, 'clock' | 'disk' | 'log'>,
  calls: CallsOf<'get' | 'publish'>,
): Watcher => {
  const get = (what: string, torrent: string | null, done: Done<unknown>): void =>
    calls.get({ what, to: watch.to, files: [], sequential: false, ...(torrent === null ? {} : { torrent }) }, done);
  const publish = (torrent: string, done: Done<unknown>): void =>
    calls.publish({ torrent, id: null, data: null, beside: watch.to, tags: [] }, done);
  return new Watcher({
    clock,
    disk,
    log: log.child({ watched: watch.folder }),
    folder: watch.folder,
    seconds: watch.seconds,
    delete: watch.delete,
    torrentBytesMax: metainfoLimits.torrentBytesMax,
    take: (dropped, done) => {
      if ('magnet' in dropped && !/^magnet:/iu.test(dropped.magnet)) done(fail('magnet-invalid', 'It holds no magnet link.'));
      else if ('magnet' in dropped) get(dropped.magnet, null, done);
      else {
        const torrent = Buffer.from(dropped.torrent).toString('base64');
        if (watch.as === 'share') publish(torrent, done);
        else get('', torrent, done);
      }
    },
  });
};
