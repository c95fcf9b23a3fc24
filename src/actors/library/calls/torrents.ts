/** `torrent` and `magnet`: a content as other programs take it, with announce URLs that are this member's own. */
import { announceTiers, announceUrls } from '../../../domain/accounts/passkeys.ts';
import { isOfCatalog } from '../../../domain/transfer/journal.ts';
import { printMagnet } from '../../../protocol/bittorrent/magnet.ts';
import { type Metainfo, readMetainfo } from '../../../protocol/bittorrent/metainfo.ts';
import { metainfoLimits } from '../../../protocol/bittorrent/metainfo-files.ts';
import { cleanName } from '../../../protocol/bittorrent/names.ts';
import { redress } from '../../../protocol/bittorrent/redress.ts';
import { type Done, fail, ok } from '../../../protocol/result.ts';
import { fetchTorrent, resolveContent } from '../fetching.ts';
import type { CallsOf, LibraryParts } from '../parts.ts';

/** Of those that a magnet link names: links are to stay short. */
const WEB_SEEDS_MAX = 8;

interface Found {
  readonly bytes: Uint8Array;
  readonly metainfo: Metainfo;
  /** Its peers meet by the network's trackers. */
  readonly ofCatalog: boolean;
}

/** What this node holds, by the id of a transfer; else a content of the catalog, by its id or words. */
const find = ({ holdings, network, shelf }: LibraryParts, what: string, done: Done<Found>): void => {
  const held = holdings.named(what);
  if (held !== null) {
    const ofCatalog = isOfCatalog(held.notes.swarm);
    return shelf.torrent(held.id, metainfoLimits.torrentBytesMax, (bytes) => {
      if (!bytes.ok) return done(bytes);
      const metainfo = readMetainfo(bytes.value);
      return done(metainfo.ok ? ok({ bytes: bytes.value, metainfo: metainfo.value, ofCatalog }) : metainfo);
    });
  }
  return resolveContent(network, what, (content) => {
    if (!content.ok) return done(content);
    return fetchTorrent(network, content.value.id, (torrent) => done(torrent.ok ? ok({ ...torrent.value, ofCatalog: true }) : torrent));
  });
};

/** The member's own announce URLs, a tier for each proxy that has a gate. Error: `no-gate`. */
const ownTiers = ({ config, passkey }: LibraryParts, done: Done<readonly (readonly string[])[]>): void => {
  const { proxies } = config.network;
  if (announceUrls(proxies, '').length === 0)
    return done(fail('no-gate', 'No proxy of this network takes announces of other programs: none has "announce" in network.json.'));
  return passkey((key) => done(key.ok ? ok(announceTiers(announceUrls(proxies, key.value))) : key));
};

export const torrentCalls = (parts: LibraryParts): CallsOf<'torrent' | 'magnet'> => ({
  torrent: ({ what }, done) =>
    find(parts, what.trim(), (found) => {
      if (!found.ok) return done(found);
      const { bytes, metainfo, ofCatalog } = found.value;
      const give = (torrent: Uint8Array, personal: boolean): void =>
        done(ok({ id: metainfo.id, name: cleanName(metainfo.name), torrent: Buffer.from(torrent).toString('base64'), personal }));
      if (!ofCatalog) return give(bytes, false);
      return ownTiers(parts, (tiers) => {
        if (!tiers.ok) return done(tiers);
        const comment = `From the network ${parts.config.network.name}. Its announce URL is a secret of ${parts.network.state.account ?? 'a member'}.`;
        const dressed = redress(bytes, { trackers: tiers.value, comment }, metainfoLimits.torrentBytesMax);
        return dressed.ok ? give(dressed.value, true) : done(dressed);
      });
    }),
  magnet: ({ what, bare }, done) =>
    find(parts, what.trim(), (found) => {
      if (!found.ok) return done(found);
      const { metainfo, ofCatalog } = found.value;
      const { contentBytes: size, id, name, v1, v2 } = metainfo;
      const webSeeds = bare ? [] : metainfo.webSeeds.slice(0, WEB_SEEDS_MAX);
      const give = (trackers: readonly string[], personal: boolean): void =>
        done(ok({ id, name: cleanName(name), magnet: printMagnet({ v1, v2, name, size, trackers, webSeeds }), personal }));
      if (bare) return give([], false);
      if (!ofCatalog) return give(metainfo.trackers.flat(), false);
      return ownTiers(parts, (tiers) => (tiers.ok ? give(tiers.value.flat(), true) : done(tiers)));
    }),
});
