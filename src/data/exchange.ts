import { below } from '../ports/random.ts';
import { type Handshake } from '../protocol/bittorrent/handshake.ts';
import { infoHash as asInfoHash, type PieceIndex, type WireHash, wireHash } from '../protocol/bittorrent/ids.ts';
import type { BlockRange } from '../protocol/bittorrent/wire.ts';
import type { Address } from '../transports/transport.ts';
import { Picker } from '../domain/transfer/picker.ts';
import { RateMeter } from '../domain/transfer/rates.ts';
import { Asking } from './asking.ts';
import { Admissions } from './admissions.ts';
import type { Content } from './content.ts';
import type { ExchangeSettings } from './exchange-settings.ts';
import { Features } from './features.ts';
import { InitialSeeding } from './initial-seeding.ts';
import { Inbound } from './inbound.ts';
import { News } from './news.ts';
import type { Peer } from './peer.ts';
import type { Admission, Gathering, PeerOwner } from './peer-owner.ts';
import type { Request } from './requests.ts';
import { Serving } from './serving.ts';
import { Sources } from './sources.ts';
import { Supply } from './supply.ts';
import { Unchoking } from './unchoking.ts';
import { WebSeeds } from './web-seeds/web-seeds.ts';

export type { ExchangeEvents } from './exchange-settings.ts';

/** 20-byte hashes under which peers may ask for a content: v2 first. */
export const wireHashesOf = ({ metainfo: { v1, v2 } }: Content): readonly WireHash[] =>
  [v2, v1].flatMap((hash) => {
    const checked = hash === null ? null : asInfoHash(hash);
    return checked === null ? [] : [wireHash(checked)];
  });

/** The piece exchange of one transfer: its peers, what is asked of whom, and who is served. Plain code beside a machine. */
export class Exchange implements PeerOwner, Gathering {
  readonly content: Content;
  readonly picker: Picker;
  readonly down = new RateMeter();
  readonly up = new RateMeter();
  piecesBad = 0;
  readonly webSeeds: WebSeeds;
  readonly #settings: ExchangeSettings;
  readonly #sources = new Sources();
  readonly #peers = new Map<number, Peer>();
  readonly #admissions: Admissions;
  readonly #inbound: Inbound;
  readonly #asking: Asking;
  readonly #serving: Serving;
  readonly #unchoking: Unchoking;
  readonly #news: News;
  readonly #supply: Supply;
  readonly #features: Features;
  readonly #initial: InitialSeeding;
  #running = false;

  constructor(settings: ExchangeSettings) {
    this.#settings = settings;
    this.content = settings.content;
    const draw = (limit: number): number => below(settings.random, 'transfer.pick', limit);
    this.picker = new Picker(this.content.map, (piece) => this.content.layout.pieceBytes(piece), draw);
    this.#inbound = new Inbound(this.content, this.picker, settings.pool, {
      stored: (piece) => this.#stored(piece),
      bad: () => {
        this.piecesBad++;
        this.#asking.fillAll();
      },
      liars: (names) => {
        for (const name of names) this.ban(name);
      },
      failed: (failure) => settings.events.failed(failure),
    });
    this.#features = new Features({
      clock: settings.clock,
      content: this.content,
      peers: this.#peers,
      private: settings.private ?? this.content.metainfo.private,
      uploadOnly: () => this.#running && !this.#asking.active && !this.#initial.active,
      learn: (address, seeder) => this.learn(address, null, seeder),
      modeChanged: (peer) => {
        // While something is missing, it is still of use.
        if (!this.#asking.active) this.#reconsider(peer);
      },
    });
    this.#initial = new InitialSeeding({
      clock: settings.clock,
      map: this.content.map,
      peers: this.#peers,
      below: (limit) => below(settings.random, 'transfer.offer', limit),
    });
    this.#admissions = new Admissions({
      clock: settings.clock,
      content: this.content,
      peerId: settings.dialler.peerId,
      peersMax: settings.peersMax,
      peers: this.#peers,
      wireHashes: this.wireHashes,
      owner: this,
      features: this.#features,
      dial: (candidate, infoHash) => settings.dialler.dial(this, candidate, infoHash) !== null,
      banned: (name) => settings.events.banned(name),
      named: (peer, node) => this.#sources.named(peer, node),
    });
    this.#asking = new Asking({ ...settings, picker: this.picker, inbound: this.#inbound, peers: this.#peers });
    this.webSeeds = new WebSeeds({
      ...settings,
      ways: settings.web ?? null,
      picker: this.picker,
      inbound: this.#inbound,
      wanting: () => this.#asking.active,
      peers: this.#peers,
      down: this.down,
      block: (name, request) => {
        this.#sources.credit(name, request.range.length);
        if (this.picker.endgame) this.#asking.cancelTwins(null, request);
      },
      changed: () => {
        this.#supply.check();
        this.#asking.fillAll();
      },
    });
    this.#serving = new Serving({
      ...settings,
      below: (limit) => below(settings.random, 'transfer.suggest', limit),
      up: this.up,
      failed: (failure) => settings.events.failed(failure),
      advises: (peer) => !this.#initial.hides(peer),
    });
    this.#supply = new Supply({
      map: this.content.map,
      picker: this.picker,
      peers: this.#peers,
      wanting: () => this.#asking.active,
      elsewhere: () => this.webSeeds.useful,
      changed: (there) => {
        if (this.#running) settings.events.supply(there);
      },
    });
    this.#news = new News(settings.clock, this.#peers);
    this.#unchoking = new Unchoking({
      clock: settings.clock,
      below: (limit) => below(settings.random, 'transfer.optimistic', limit),
      slots: settings.uploadSlots,
      choked: (peer) => this.#serving.refuseQueued(peer),
      unchoking: (peer) => this.#serving.unchoking(peer),
    });
  }

  get sources(): ReadonlyMap<string, number> {
    return this.#sources.bytes;
  }

  get clients(): ReadonlyMap<string, string> {
    return this.#sources.clients;
  }

  get peers(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  get running(): boolean {
    return this.#running;
  }

  /** Addresses of peers that the transfer knows. */
  get peersKnown(): number {
    return this.#admissions.peersKnown;
  }

  /** Those of them that could not be reached at the last try. */
  get peersFailed(): number {
    return this.#admissions.peersFailed;
  }

  /** Pieces that may be on disk without the journal saying so: under way, verified, or written since the last call. */
  get unsettled(): readonly PieceIndex[] {
    return this.picker.unsettled;
  }

  /** Pieces that are being verified or written right now. */
  get settling(): number {
    return this.#inbound.settling;
  }

  /** 20-byte hashes under which peers may ask for this content: v2 first. */
  get wireHashes(): readonly WireHash[] {
    return wireHashesOf(this.content);
  }

  get v2(): boolean {
    return this.content.metainfo.v2 !== null;
  }

  /** Peers are served and asked from now on. */
  start(): void {
    this.#running = true;
    this.#asking.active = !this.content.map.complete;
    if (this.#asking.active) this.#admissions.renew();
    this.connectMore();
    for (const peer of this.#peers.values()) this.#reconsider(peer);
    this.webSeeds.start();
  }

  /** Lets every peer go and drops what is under way; what is being written still gets done. */
  stop(reason: string): void {
    this.#running = false;
    this.#asking.active = false;
    for (const peer of this.peers) peer.close(reason);
    this.webSeeds.stop();
    this.#inbound.dropAll();
  }

  ban(name: string): void {
    if (!this.webSeeds.ban(name)) this.#admissions.ban(name);
  }

  /** Peers that the tracker, or somebody else, knows of. */
  learn(address: Address, node: string | null, seeder: boolean): void {
    this.#admissions.learn(address, node, seeder);
  }

  /** Super-seeding (BEP 16), from when everything is here until the others have everything. */
  setSuperSeeding(wanted: boolean): void {
    this.#initial.set(wanted);
  }

  /** Lets everybody go, and knows nobody any more. */
  forgetPeers(reason: string): void {
    for (const peer of this.peers) peer.close(reason);
    this.#admissions.forgetCandidates();
  }

  connectMore(): void {
    if (this.#running) this.#admissions.connectMore(this.#asking.active);
  }

  /** A connection is over, with or without having become a peer. */
  gone(peer: Peer): void {
    this.#features.forget(peer);
    this.#initial.forget(peer);
    this.#admissions.gone(peer);
  }

  /** Whether a connection that has said hello becomes one of ours. */
  admit(peer: Peer, handshake: Handshake): Admission | { readonly refused: string } {
    const admission = this.#running ? this.#admissions.admit(peer, handshake) : { refused: 'the transfer does not run' };
    if ('refused' in admission || !this.#initial.active) return admission;
    this.#initial.hidFrom(peer);
    return { ...admission, have: new Uint8Array(0), haveCount: 0 };
  }

  /** Once a second: deadlines, choking, snubbing, dials. */
  tick(): void {
    if (!this.#running) return;
    const now = this.#settings.clock.now();
    for (const peer of this.peers) {
      peer.tick(now);
      if (this.#admissions.isBanned(peer)) peer.close('it is banned');
      else if (this.#asking.active) this.#asking.checkSnub(peer);
    }
    this.#unchoking.tick(this.peers, this.content.map.complete);
    this.connectMore();
    this.#asking.tick();
    this.webSeeds.tick();
    this.#features.tick();
    this.#initial.tick();
  }

  /** The wishes have changed: priorities, a re-check, pieces lost. */
  reconsider(): void {
    this.#asking.cancelPieces(this.#inbound.dropUnwanted());
    for (let piece = 0; piece < this.content.map.count; piece++) this.picker.refresh(piece as PieceIndex);
    this.#asking.active = this.#running && !this.content.map.complete;
    for (const peer of this.#peers.values()) this.#reconsider(peer);
    this.webSeeds.reconsider();
  }

  // ---- What peers tell ---------------------------------------------------------------------------------------------

  joined(peer: Peer): void {
    this.#peers.set(peer.key, peer);
    this.#news.since(peer, this.#admissions.toldOf(peer), this.content.map);
    this.#supply.joined(peer);
    this.#initial.joined(peer);
    this.#reconsider(peer);
    this.#supply.check();
  }

  claimed(peer: Peer, node: string): void {
    this.#admissions.claimed(peer, node);
  }

  gained(peer: Peer, piece: PieceIndex): void {
    this.#initial.gained(peer, piece);
    if (this.#supply.gained(peer, piece)) this.#asking.fill(peer);
    else if (peer.bits?.complete === true) this.#reconsider(peer);
  }

  choking(peer: Peer, voided: readonly Request[]): void {
    this.#asking.release(voided);
    if (peer.chokesUs) {
      this.picker.left(peer.key);
      this.#asking.fillAll();
    } else this.#asking.fill(peer);
  }

  interest(peer: Peer): void {
    this.#initial.interest(peer);
    if (this.#running) this.#unchoking.interest(peer, this.#peers.values());
  }

  asked(peer: Peer, range: BlockRange): void {
    this.#serving.asked(peer, range, this.#running);
  }

  cancelled(peer: Peer, range: BlockRange): void {
    this.#serving.cancelled(peer, range);
  }

  blockStart(peer: Peer, request: Request): boolean {
    return this.#inbound.start(peer.key, request);
  }

  blockBytes(peer: Peer, request: Request, offset: number, chunk: Uint8Array): void {
    this.down.add(this.#settings.clock.now(), chunk.length);
    peer.snubbed = false;
    this.#inbound.bytes(request, offset, chunk);
  }

  blockEnd(peer: Peer, request: Request, kept: boolean): void {
    // Who cancels releases.
    if (!kept && !request.cancelled) this.picker.released(request.run);
    if (kept) {
      this.#sources.creditPeer(peer, request.range.length);
      if (this.picker.endgame) this.#asking.cancelTwins(peer, request);
      this.#inbound.end(peer.name, request);
    }
    this.#asking.fill(peer);
  }

  rejected(peer: Peer, request: Request): void {
    this.picker.released(request.run);
    if (peer.chokesUs) return;
    this.#asking.rejected(peer);
    this.#asking.fillAll();
  }

  drained(peer: Peer): void {
    this.#serving.drained(peer);
  }

  closed(peer: Peer, _reason: string, voided: readonly Request[]): void {
    this.#peers.delete(peer.key);
    this.#serving.forget(peer);
    this.#settings.downGate.forget(peer);
    const broken = peer.receiving;
    if (broken !== null) {
      this.#inbound.broken(broken);
      this.picker.released(broken.run);
    }
    this.#asking.release(voided);
    this.picker.left(peer.key);
    this.#supply.left(peer);
    this.#asking.fillAll();
  }

  // ------------------------------------------------------------------------------------------------------------------

  /** What a peer is good for, from scratch. */
  #reconsider(peer: Peer): void {
    if (peer.bits === null || !this.#running) return;
    this.#supply.count(peer);
    if ((peer.bits.complete || peer.uploadOnly) && !this.#asking.active) {
      this.#admissions.useless(peer);
      return;
    }
    peer.setInterested(peer.useful > 0);
    this.#asking.fill(peer);
  }

  #stored(piece: PieceIndex): void {
    this.#supply.stored(piece);
    this.#news.add(piece);
    this.#settings.events.stored(piece);
    if (!this.content.map.complete || !this.#asking.active) {
      this.#asking.fillAll();
      return;
    }
    this.#asking.active = false;
    for (const peer of this.peers) this.#reconsider(peer);
    this.webSeeds.stop();
    this.#settings.events.complete();
  }
}
