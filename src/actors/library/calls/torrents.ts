/** `torrent` and `magnet`: a content as other programs take it, with announce URLs that are this member's own. */
import { announceTiers, announceUrls, givenTiers } from '../../../domain/accounts/passkeys.ts';
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

type Tiers = readonly (readonly string[])[];

/** The member's own announce URLs, a tier for each proxy that has a gate. Error: `no-gate`. */
const ownTiers = ({ config, passkey }: LibraryParts, done: Done<Tiers>): void => {
  const { proxies } = config.network;
  if (announceUrls(proxies, '').length === 0)
    return done(fail('no-gate', 'No proxy of this network takes announces of other programs: none has "announce" in network.json.'));
  return passkey((key) => done(key.ok ? ok(announceTiers(announceUrls(proxies, key.value))) : key));
};

/** Those that were given, of another device, in place of the member's own. */
const tiersOf = (parts: LibraryParts, given: readonly string[] | undefined, done: Done<Tiers>): void =>
  given === undefined ? ownTiers(parts, done) : done(givenTiers(given));

const commentOf = ({ config, network }: LibraryParts, given: readonly string[] | undefined): string => {
  const from = `From the network ${config.network.name}.`;
  if (given === undefined) return `${from} Its announce URL is a secret of ${network.state.account ?? 'a member'}.`;
  return given.length === 0 ? from : `${from} Its announce URL is a secret of one member.`;
};

const ELSEWHERE = fail(
  'bad-request',
  'It is not in the catalog, and its torrent keeps the trackers that it came with. Once it is published ("shoal share" with its id) it takes announce URLs.',
);

export const torrentCalls = (parts: LibraryParts): CallsOf<'torrent' | 'magnet'> => ({
  torrent: ({ announce, what }, done) =>
    find(parts, what.trim(), (found) => {
      if (!found.ok) return done(found);
      const { bytes, metainfo, ofCatalog } = found.value;
      const give = (torrent: Uint8Array, personal: boolean): void =>
        done(ok({ id: metainfo.id, name: cleanName(metainfo.name), torrent: Buffer.from(torrent).toString('base64'), personal }));
      if (!ofCatalog) return announce === undefined ? give(bytes, false) : done(ELSEWHERE);
      return tiersOf(parts, announce, (tiers) => {
        if (!tiers.ok) return done(tiers);
        const dress = { trackers: tiers.value, comment: commentOf(parts, announce) };
        const dressed = redress(bytes, dress, metainfoLimits.torrentBytesMax);
        return dressed.ok ? give(dressed.value, tiers.value.length > 0) : done(dressed);
      });
    }),
  magnet: ({ announce, bare, what }, done) =>
    find(parts, what.trim(), (found) => {
      if (!found.ok) return done(found);
      const { metainfo, ofCatalog } = found.value;
      const { contentBytes: size, id, name, v1, v2 } = metainfo;
      const webSeeds = bare ? [] : metainfo.webSeeds.slice(0, WEB_SEEDS_MAX);
      const give = (trackers: readonly string[], personal: boolean): void =>
        done(ok({ id, name: cleanName(name), magnet: printMagnet({ v1, v2, name, size, trackers, webSeeds }), personal }));
      if (!ofCatalog && announce !== undefined) return done(ELSEWHERE);
      if (bare) return give([], false);
      if (!ofCatalog) return give(metainfo.trackers.flat(), false);
      return tiersOf(parts, announce, (tiers) => (tiers.ok ? give(tiers.value.flat(), tiers.value.length > 0) : done(tiers)));
    }),
});
