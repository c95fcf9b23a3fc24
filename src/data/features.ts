import type { ExtensionHandshake, ExtensionName } from '../protocol/bittorrent/extension.ts';
import type { HashRange } from '../protocol/bittorrent/wire.ts';
import type { Peer } from './peer.ts';
import type { Introduction } from './peer-extensions.ts';
import type { PeerFeatures } from './peer-owner.ts';

/** What an exchange does with its peers beside pieces: extensions and hashes, each in a file of its own. */
export class Features implements PeerFeatures {
  introduction(_peer: Peer): Introduction {
    return { extensions: [] };
  }

  introduced(_peer: Peer, _said: ExtensionHandshake): void {}

  extended(_peer: Peer, _name: ExtensionName, _payload: Uint8Array): void {}

  hashesAsked(peer: Peer, range: HashRange): void {
    peer.send({ ...range, kind: 'hash-reject' });
  }

  hashesCame(peer: Peer): void {
    peer.close('it sent hashes that nobody asked for');
  }
}
