import type { Clock, Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import { Bencoded, encodeBencode } from '../protocol/bittorrent/bencode.ts';
import type { ExtensionHandshake, ExtensionName } from '../protocol/bittorrent/extension.ts';
import type { Handshake } from '../protocol/bittorrent/handshake.ts';
import { infoHash as asInfoHash, type InfoHash, type WireHash, wireHash } from '../protocol/bittorrent/ids.ts';
import type { HashRange } from '../protocol/bittorrent/wire.ts';
import { decodeMetadataMessage, encodeMetadataMessage } from '../protocol/bittorrent/metadata-message.ts';
import { type Metainfo, readMetainfo } from '../protocol/bittorrent/metainfo.ts';
import { metainfoLimits } from '../protocol/bittorrent/metainfo-files.ts';
import { equalBytes, sha1, sha256 } from '../protocol/digest.ts';
import { type Done, fail, ok } from '../protocol/result.ts';
import type { Address } from '../transports/transport.ts';
import type { MetadataProgress } from '../domain/transfer/waiting-reason.ts';
import { FetchPeers } from './fetch-peers.ts';
import { InfoFetch } from './info-fetch.ts';
import { LayerFetch, layersBytes, rangeKey } from './layer-fetch.ts';
import { dataLimits } from './limits.ts';
import { type Asked, Party } from './metadata-party.ts';
import { Onlooker } from './onlooker.ts';
import type { Peer } from './peer.ts';
import type { Admission, Dialler, Gathering, PeerFeatures } from './peer-owner.ts';

export interface MetadataFetchSettings {
  readonly clock: Clock;
  /** The node's peer port. The fetch registers with it while it runs. */
  readonly port: Dialler & { register(gathering: Gathering): void; unregister(gathering: Gathering): void };
  /** What is known of the torrent: the SHA-1 (20 bytes), the SHA-256 (32 bytes), or both. */
  readonly v1: InfoHash | null;
  readonly v2: InfoHash | null;
  /** To be written into the torrent file: announce URLs by tier, and web seeds. */
  readonly trackers?: readonly (readonly string[])[];
  readonly webSeeds?: readonly string[];
  /**
   * Called once, when the torrent is here, or turns out to be none that this program takes: then with the errors of
   * `readMetainfo`, or `torrent-too-large`. Peers that lie or fail are dealt with and no reason to end. Not after `stop`.
   */
  readonly done: Done<FetchedTorrent>;
}

export interface FetchedTorrent {
  /** The torrent file: info dictionary, and the piece layers where it is v2. */
  readonly bytes: Uint8Array;
  readonly metainfo: Metainfo;
  /** Where the peers that were met listen. */
  readonly peers: readonly Address[];
}

/**
 * Fetches a torrent from peers by its info-hashes alone, as a magnet link has them: the info dictionary (BEP 9), checked
 * against every hash that is known, and for v2 the piece layers (BEP 52), each run of hashes checked against its file's
 * root, so that a download begins with all that its pieces are checked by.
 */
export class MetadataFetch implements Gathering, PeerFeatures {
  readonly #settings: MetadataFetchSettings;
  readonly #peers: FetchPeers;
  readonly #parties = new Map<Peer, Party>();
  readonly #info: InfoFetch;
  readonly #onlooker = new Onlooker();
  #v1: InfoHash | null;
  #v2: InfoHash | null;
  #metainfo: Metainfo | null = null;
  #layers: LayerFetch | null = null;
  #progressAt: Micros = 0;
  #running = false;

  constructor(settings: MetadataFetchSettings) {
    this.#settings = settings;
    this.#v1 = settings.v1;
    this.#v2 = settings.v2;
    this.#peers = new FetchPeers({
      clock: settings.clock,
      peerId: settings.port.peerId,
      peersMax: dataLimits.metadataPeersMax,
      wireHashes: () => this.wireHashes,
      dial: (candidate, infoHash) => settings.port.dial(this, candidate, infoHash) !== null,
    });
    this.#info = new InfoFetch({
      parties: this.#parties,
      matches: (info) => this.#matches(info),
      ban: (name, reason) => this.#peers.ban(name, reason),
    });
  }

  get wireHashes(): readonly WireHash[] {
    return [this.#v2, this.#v1].flatMap((hash) => (hash === null ? [] : [wireHash(hash)]));
  }

  get v2(): boolean {
    return this.#v2 !== null;
  }

  get progress(): MetadataProgress {
    const info = this.#metainfo === null ? this.#info.progress : { done: this.#metainfo.info.length, total: this.#metainfo.info.length };
    const runs = this.#layers?.runs ?? { done: 0, total: 0 };
    return {
      phase: this.#metainfo === null ? 'info' : 'layers',
      peers: this.#parties.size,
      peersKnown: this.#peers.known,
      infoBytes: info.done,
      infoBytesTotal: info.total,
      hashRuns: runs.done,
      hashRunsTotal: runs.total,
    };
  }

  start(): void {
    this.#running = true;
    this.#settings.port.register(this);
    this.#peers.connectMore();
  }

  /** Lets every peer go. Nothing is answered any more. */
  stop(reason = 'the fetch of the torrent ends'): void {
    this.#running = false;
    this.#settings.port.unregister(this);
    for (const peer of this.#parties.keys()) peer.close(reason);
  }

  /** A peer that a tracker, a magnet link or somebody else names; `node`: its id in this network, where it has one. */
  learn(address: Address, node: string | null = null): void {
    this.#peers.learn(address, node);
    if (this.#running) this.#peers.connectMore();
  }

  // ---- What the peer port asks -------------------------------------------------------------------------------------

  admit(peer: Peer, handshake: Handshake): Admission | { readonly refused: string } {
    const refused = this.#running ? this.#peers.admit(peer, handshake) : 'the fetch of the torrent has ended';
    if (refused !== null) return { refused };
    const own = this.#v2 === null ? null : wireHash(this.#v2);
    const v2 = own !== null && ((handshake.v2 && !peer.outgoing) || equalBytes(handshake.infoHash, own));
    this.#parties.set(peer, new Party(peer, v2, handshake.v2, this.#settings.clock.now()));
    const infoHash = v2 ? own : handshake.infoHash;
    return {
      infoHash,
      v2: this.v2,
      pieceCount: null,
      v1Only: !v2,
      have: new Uint8Array(0),
      haveCount: 0,
      owner: this.#onlooker,
      features: this,
    };
  }

  gone(peer: Peer): void {
    const party = this.#parties.get(peer) ?? null;
    this.#left(peer);
    this.#peers.gone(peer);
    if (!this.#running) return;
    // It was let go only to be met by the v2 hash.
    if (this.#layers !== null && party?.takesV2 === true && !party.v2) this.#peers.renew();
    this.#peers.connectMore();
  }

  tick(): void {
    const now = this.#settings.clock.now();
    for (const [peer, party] of this.#parties) {
      peer.tick(now);
      for (const asked of party.overdue(now)) this.#release(party, asked);
      if (party.timeouts >= 2) peer.close('it does not answer');
      else if (party.asked.length > 0) party.usefulAt = now;
      else if (now - party.usefulAt > millis(dataLimits.metadataIdleMs)) peer.close('it has nothing that is wanted');
    }
    if (!this.#running) return;
    this.#info.tick();
    const waited = now - this.#progressAt;
    if (this.#layers !== null && this.#metainfo?.v1 && waited > millis(dataLimits.layersGraceMs)) return this.#finish(false);
    this.#askAll();
    return this.#peers.connectMore();
  }

  // ---- What peers tell ---------------------------------------------------------------------------------------------

  introduction(): { readonly extensions: readonly ExtensionName[] } {
    return { extensions: ['ut_metadata'] };
  }

  introduced(peer: Peer, said: ExtensionHandshake): void {
    const party = this.#parties.get(peer);
    if (party === undefined) return;
    const bytes = said.metadataBytes;
    if (bytes !== null && bytes > dataLimits.metadataBytesMax) {
      this.#peers.ban(peer.name, `it claims an info dictionary of ${bytes} bytes`);
      return;
    }
    party.infoBytes ??= bytes;
    this.#ask(party);
  }

  extended(peer: Peer, name: ExtensionName, payload: Uint8Array): void {
    const party = this.#parties.get(peer);
    if (name !== 'ut_metadata' || party === undefined) return undefined;
    const read = decodeMetadataMessage(payload);
    if (!read.ok) return peer.close(read.error.message);
    const message = read.value;
    if (message === null) return undefined;
    const { piece } = message;
    if (message.kind === 'request') {
      peer.sendExtended('ut_metadata', encodeMetadataMessage({ kind: 'reject', piece }));
      return undefined;
    }
    const asked = party.answered((one) => one.kind === 'piece' && one.piece === piece);
    // Late, or never asked for.
    if (asked === null) return undefined;
    if (message.kind === 'reject') {
      party.refuse(null, this.#settings.clock.now());
      return this.#release(party, asked);
    }
    const info = this.#info.came(party, message);
    if (info !== null) return this.#infoHere(info);
    return this.#askAll();
  }

  hashesAsked(peer: Peer, range: HashRange): void {
    peer.send({ ...range, kind: 'hash-reject' });
  }

  hashesCame(peer: Peer, range: HashRange, hashes: Uint8Array | null): void {
    const party = this.#parties.get(peer);
    const asked = party?.answered((one) => one.kind === 'hashes' && rangeKey(one.range) === rangeKey(range)) ?? null;
    if (party === undefined || asked === null || this.#layers === null) return undefined;
    if (hashes === null) {
      party.refuse(range, this.#settings.clock.now());
      return this.#release(party, asked);
    }
    if (!this.#layers.add(range, hashes)) {
      this.#release(party, asked);
      return this.#peers.ban(peer.name, 'it sent hashes that do not fit the torrent');
    }
    this.#progressAt = this.#settings.clock.now();
    return this.#layers.whole ? this.#finish(true) : this.#ask(party);
  }

  // ------------------------------------------------------------------------------------------------------------------

  #askAll(): void {
    for (const party of this.#parties.values()) this.#ask(party);
  }

  /** Asks the peer for what it may have and nobody else is asked for. */
  #ask(party: Party): void {
    if (!this.#running) return;
    while (party.free && (this.#layers === null ? this.#askPiece(party) : this.#askHashes(party, this.#layers)));
  }

  #askPiece(party: Party): boolean {
    const now = this.#settings.clock.now();
    if (this.#metainfo !== null || party.refuses(null, now) || party.peer.extensions.idOf('ut_metadata') === null) return false;
    const piece = this.#info.next(party);
    if (piece === null) return false;
    party.ask({ kind: 'piece', piece, at: now });
    return party.peer.sendExtended('ut_metadata', encodeMetadataMessage({ kind: 'request', piece }));
  }

  #askHashes(party: Party, layers: LayerFetch): boolean {
    const now = this.#settings.clock.now();
    if (!party.v2 || party.refuses(null, now)) return false;
    const range = layers.take(party.peer.key, (one) => !party.refuses(one, now));
    if (range === null) return false;
    party.ask({ kind: 'hashes', range, at: now });
    party.peer.send({ ...range, kind: 'hash-request' });
    return true;
  }

  /** The peer owes this no more; somebody else may be asked. */
  #release(party: Party, asked: Asked): void {
    if (asked.kind === 'piece') this.#info.release(party, asked.piece);
    else this.#layers?.release(party.peer.key, asked.range);
    this.#askAll();
  }

  #left(peer: Peer): void {
    const party = this.#parties.get(peer);
    this.#parties.delete(peer);
    if (party !== undefined) for (const asked of party.asked) this.#release(party, asked);
  }

  #matches(info: Uint8Array): boolean {
    const { v1, v2 } = this.#settings;
    return (v1 === null || equalBytes(sha1(info), v1)) && (v2 === null || equalBytes(sha256(info), v2));
  }

  #infoHere(info: Uint8Array): void {
    const read = readMetainfo(encodeBencode({ info: new Bencoded(info) }));
    if (!read.ok) return this.#conclude(read);
    const metainfo = read.value;
    this.#metainfo = metainfo;
    this.#v1 = metainfo.v1 === null ? null : asInfoHash(metainfo.v1);
    this.#v2 = metainfo.v2 === null ? null : asInfoHash(metainfo.v2);
    for (const party of this.#parties.values()) party.asked = [];
    if (!metainfo.missingLayers) return this.#finish(true);
    if (info.length + layersBytes(metainfo) > metainfoLimits.torrentBytesMax)
      return this.#conclude(fail('torrent-too-large', `the torrent is larger than ${metainfoLimits.torrentBytesMax} bytes`));
    this.#layers = new LayerFetch(metainfo);
    this.#progressAt = this.#settings.clock.now();
    return this.#upgrade();
  }

  /** Hashes are asked for on v2 connections only: who was met by the v1 hash and takes v2 is met again by that. */
  #upgrade(): void {
    this.#settings.port.register(this);
    for (const [peer, party] of this.#parties) if (!party.v2 && party.takesV2) peer.close('it is met again by the v2 hash');
    this.#askAll();
  }

  /** The torrent file is put together and read as a whole. */
  #finish(layers: boolean): void {
    const { trackers = [], webSeeds = [] } = this.#settings;
    const metainfo = this.#metainfo as Metainfo;
    const tiers = trackers.filter((tier) => tier.length > 0);
    const bytes = encodeBencode({
      info: new Bencoded(metainfo.info),
      'piece layers': layers && metainfo.v2 !== null ? (this.#layers?.layers() ?? new Map()) : undefined,
      announce: tiers[0]?.[0],
      'announce-list': tiers.length > 0 ? tiers : undefined,
      'url-list': webSeeds.length > 0 ? webSeeds : undefined,
    });
    const read = readMetainfo(bytes);
    const peers = [...this.#parties.keys()].flatMap((peer) => addressOf(peer) ?? []);
    this.#conclude(read.ok ? ok({ bytes, metainfo: read.value, peers }) : read);
  }

  #conclude(result: Parameters<Done<FetchedTorrent>>[0]): void {
    this.stop('the torrent is here');
    this.#settings.done(result);
  }
}

/** Where the peer listens, as far as known. */
const addressOf = ({ dialled, listenPort, remote }: Peer): Address | null =>
  dialled ?? (listenPort === null ? null : { host: remote.host, port: listenPort });
