import type { Clock } from '../ports/clock.ts';
import type { ExtensionHandshake, ExtensionName } from '../protocol/bittorrent/extension.ts';
import { decodeMetadataMessage } from '../protocol/bittorrent/metadata-message.ts';
import type { HashRange } from '../protocol/bittorrent/wire.ts';
import type { Content } from './content.ts';
import { HashServing } from './hash-serving.ts';
import { MetadataServing } from './metadata-serving.ts';
import type { Peer } from './peer.ts';
import type { Introduction } from './peer-extensions.ts';
import type { PeerFeatures } from './peer-owner.ts';

export interface FeaturesSettings {
  readonly clock: Clock;
  readonly content: Content;
}

/** What an exchange does with its peers beside pieces: extensions and hashes, each in a file of its own. */
export class Features implements PeerFeatures {
  readonly #metadata: MetadataServing;
  readonly #hashes: HashServing;

  constructor({ clock, content }: FeaturesSettings) {
    this.#metadata = new MetadataServing(content.metainfo.info);
    this.#hashes = new HashServing(clock, content);
  }

  introduction(_peer: Peer): Introduction {
    return { extensions: ['ut_metadata'], metadataBytes: this.#metadata.bytes };
  }

  introduced(_peer: Peer, _said: ExtensionHandshake): void {}

  extended(peer: Peer, name: ExtensionName, payload: Uint8Array): void {
    if (name !== 'ut_metadata') return undefined;
    const read = decodeMetadataMessage(payload);
    if (!read.ok) return peer.close(read.error.message);
    return read.value === null ? undefined : this.#metadata.message(peer, read.value);
  }

  hashesAsked(peer: Peer, range: HashRange): void {
    this.#hashes.asked(peer, range);
  }

  hashesCame(_peer: Peer, _range: HashRange, _hashes: Uint8Array | null): void {
    // Nothing was asked for: all hashes are here before an exchange begins.
  }

  /** The peer has gone. */
  forget(peer: Peer): void {
    this.#hashes.forget(peer);
  }
}
