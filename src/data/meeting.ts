import type { Handshake } from '../protocol/bittorrent/handshake.ts';
import type { PieceIndex, WireHash } from '../protocol/bittorrent/ids.ts';
import type { Address } from '../transports/transport.ts';
import { RateMeter } from '../domain/transfer/rates.ts';
import type { Content } from './content.ts';
import { type Exchange, wireHashesOf } from './exchange.ts';
import type { Peer } from './peer.ts';
import type { Admission, Gathering } from './peer-owner.ts';
import type { WebSeedReport } from './web-seeds/web-seeds.ts';

export interface MeetingSettings {
  readonly content: Content;
  readonly port: { register(gathering: Gathering): void; unregister(gathering: Gathering): void };
  readonly sequential: boolean;
  readonly superSeeding: boolean;
  /** Called once at most. */
  make(): Exchange;
}

/** Of those that have never exchanged anything. */
const QUIET = new RateMeter();
const NO_SOURCES: ReadonlyMap<string, number> = new Map();
const NO_CLIENTS: ReadonlyMap<string, string> = new Map();

/**
 * Where a transfer meets its peers. The exchange behind it, which takes some twenty kilobytes, is made when there is
 * something to fetch or somebody comes: most contents of a node that has many are asked for seldom.
 */
export class Meeting implements Gathering {
  readonly #settings: MeetingSettings;
  #exchange: Exchange | null = null;
  #sequential: boolean;
  #superSeeding: boolean;
  #running = false;

  constructor(settings: MeetingSettings) {
    this.#settings = settings;
    this.#sequential = settings.sequential;
    this.#superSeeding = settings.superSeeding;
  }

  get running(): boolean {
    return this.#running;
  }

  get peers(): readonly Peer[] {
    return this.#exchange?.peers ?? [];
  }

  get peersKnown(): number {
    return this.#exchange?.peersKnown ?? 0;
  }

  get peersFailed(): number {
    return this.#exchange?.peersFailed ?? 0;
  }

  get down(): Exchange['down'] {
    return this.#exchange?.down ?? QUIET;
  }

  get up(): Exchange['up'] {
    return this.#exchange?.up ?? QUIET;
  }

  /** Bytes of blocks by who sent them: the node's id, else the peer's address. */
  get sources(): ReadonlyMap<string, number> {
    return this.#exchange?.sources ?? NO_SOURCES;
  }

  /** What those sources run that are addresses. */
  get clients(): ReadonlyMap<string, string> {
    return this.#exchange?.clients ?? NO_CLIENTS;
  }

  get webSeeds(): readonly WebSeedReport[] {
    return this.#exchange?.webSeeds.reports ?? [];
  }

  get piecesBad(): number {
    return this.#exchange?.piecesBad ?? 0;
  }

  get unsettled(): readonly PieceIndex[] {
    return this.#exchange?.unsettled ?? [];
  }

  get settling(): number {
    return this.#exchange?.settling ?? 0;
  }

  get wireHashes(): readonly WireHash[] {
    return wireHashesOf(this.#settings.content);
  }

  get v2(): boolean {
    return this.#settings.content.metainfo.v2 !== null;
  }

  /** Pieces are fetched from the front on, not the rarest first. */
  get sequential(): boolean {
    return this.#sequential;
  }

  set sequential(sequential: boolean) {
    this.#sequential = sequential;
    if (this.#exchange !== null) this.#exchange.picker.sequential = sequential;
  }

  setSuperSeeding(wanted: boolean): void {
    this.#superSeeding = wanted;
    this.#exchange?.setSuperSeeding(wanted);
  }

  /** Peers are met from now on. */
  start(): void {
    this.#running = true;
    if (this.#exchange === null && this.#settings.content.map.complete) this.#settings.port.register(this);
    else if (this.#exchange === null) this.#wake();
    else this.#begin(this.#exchange);
  }

  /** Lets every peer go and drops what is under way; what is being written still gets done. */
  stop(reason: string): void {
    this.#running = false;
    this.#exchange?.stop(reason);
    this.#settings.port.unregister(this.#exchange ?? this);
  }

  /** Peers that the tracker, or somebody else, knows of. */
  learn(address: Address, node: string | null, seeder: boolean): void {
    // Two that have everything have nothing to say to each other.
    if (this.#exchange === null && seeder && this.#settings.content.map.full) return;
    this.#wake().learn(address, node, seeder);
  }

  connectMore(): void {
    this.#exchange?.connectMore();
  }

  forgetPeers(reason: string): void {
    this.#exchange?.forgetPeers(reason);
  }

  /** The wishes have changed: priorities, a re-check, pieces lost. */
  reconsider(): void {
    if (this.#exchange !== null) this.#exchange.reconsider();
    else if (this.#running && !this.#settings.content.map.complete) this.#wake();
  }

  // ---- As a gathering, until the exchange is there -----------------------------------------------------------------

  admit(peer: Peer, handshake: Handshake): Admission | { readonly refused: string } {
    return this.#wake().admit(peer, handshake);
  }

  gone(peer: Peer): void {
    this.#exchange?.gone(peer);
  }

  tick(): void {}

  #wake(): Exchange {
    if (this.#exchange !== null) return this.#exchange;
    const exchange = this.#settings.make();
    exchange.picker.sequential = this.#sequential;
    if (this.#superSeeding) exchange.setSuperSeeding(true);
    this.#exchange = exchange;
    if (this.#running) {
      this.#settings.port.unregister(this);
      this.#begin(exchange);
    }
    return exchange;
  }

  #begin(exchange: Exchange): void {
    this.#settings.port.register(exchange);
    exchange.start();
  }
}
