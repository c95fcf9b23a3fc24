import type { Clock } from '../ports/clock.ts';
import { bytesOfIp } from '../protocol/bittorrent/compact-peers.ts';
import type { ExtensionHandshake, ExtensionName } from '../protocol/bittorrent/extension.ts';
import { decodeMetadataMessage } from '../protocol/bittorrent/metadata-message.ts';
import type { HashRange } from '../protocol/bittorrent/wire.ts';
import type { Address } from '../transports/transport.ts';
import type { Content } from './content.ts';
import { HashServing } from './hash-serving.ts';
import { MetadataServing } from './metadata-serving.ts';
import type { Peer } from './peer.ts';
import { PeerExchange } from './peer-exchange.ts';
import type { Introduction } from './peer-extensions.ts';
import type { PeerFeatures } from './peer-owner.ts';

export interface FeaturesSettings {
  readonly clock: Clock;
  readonly content: Content;
  /** The transfer's peers; changes as they come and go. */
  readonly peers: ReadonlyMap<number, Peer>;
  /** Peers are to be told of by trackers alone (BEP 27): no peer exchange. */
  readonly private: boolean;
  /** This side only gives (BEP 21), and may say so. */
  uploadOnly(): boolean;
  /** A peer has named another one. */
  learn(address: Address, seeder: boolean): void;
  /** A peer has said that it only gives, or that it takes again. */
  modeChanged(peer: Peer): void;
}

/** What an exchange does with its peers beside pieces: extensions and hashes, each in a file of its own. */
export class Features implements PeerFeatures {
  readonly #settings: FeaturesSettings;
  readonly #metadata: MetadataServing;
  readonly #hashes: HashServing;
  readonly #pex: PeerExchange | null;
  #uploadOnly = false;

  constructor(settings: FeaturesSettings) {
    const { clock, content } = settings;
    this.#settings = settings;
    this.#metadata = new MetadataServing(content.metainfo.info);
    this.#hashes = new HashServing(clock, content);
    this.#pex = settings.private ? null : new PeerExchange(settings);
  }

  introduction(peer: Peer): Introduction {
    return {
      extensions: ['ut_metadata', 'upload_only', ...(this.#pex === null ? [] : ['ut_pex' as const])],
      metadataBytes: this.#metadata.bytes,
      uploadOnly: this.#settings.uploadOnly(),
      yourIp: bytesOfIp(peer.remote.host),
    };
  }

  introduced(peer: Peer, said: ExtensionHandshake): void {
    this.#mode(peer, said.uploadOnly);
  }

  extended(peer: Peer, name: ExtensionName, payload: Uint8Array): void {
    if (name === 'ut_metadata') return this.#metadataMessage(peer, payload);
    if (name === 'ut_pex') return this.#pex?.message(peer, payload);
    return this.#mode(peer, (payload[0] ?? 0) !== 0);
  }

  hashesAsked(peer: Peer, range: HashRange): void {
    this.#hashes.asked(peer, range);
  }

  hashesCame(_peer: Peer, _range: HashRange, _hashes: Uint8Array | null): void {
    // Nothing was asked for: all hashes are here before an exchange begins.
  }

  /** Once a second. */
  tick(): void {
    this.#pex?.tick();
    const uploadOnly = this.#settings.uploadOnly();
    if (uploadOnly === this.#uploadOnly) return;
    this.#uploadOnly = uploadOnly;
    for (const peer of this.#settings.peers.values()) {
      if (peer.extensions.introduced && !peer.sendExtended('upload_only', Uint8Array.of(uploadOnly ? 1 : 0))) peer.introduce();
    }
  }

  /** The peer has gone. */
  forget(peer: Peer): void {
    this.#hashes.forget(peer);
    this.#pex?.forget(peer);
  }

  #mode(peer: Peer, uploadOnly: boolean): void {
    if (uploadOnly === peer.uploadOnly) return;
    peer.uploadOnly = uploadOnly;
    this.#settings.modeChanged(peer);
  }

  #metadataMessage(peer: Peer, payload: Uint8Array): void {
    const read = decodeMetadataMessage(payload);
    if (!read.ok) peer.close(read.error.message);
    else if (read.value !== null) this.#metadata.message(peer, read.value);
  }
}
