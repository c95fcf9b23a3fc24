import type { BlockRange } from '../protocol/bittorrent/wire.ts';
import type { Peer } from './peer.ts';
import type { PeerOwner } from './peer-owner.ts';

/** Owns peers with whom no pieces are exchanged: it wants none, and gives none. */
export class Onlooker implements PeerOwner {
  joined(): void {}
  claimed(): void {}
  gained(): void {}
  choking(): void {}
  interest(): void {}

  asked(peer: Peer, range: BlockRange): void {
    if (peer.fast) peer.send({ ...range, kind: 'reject' });
  }

  cancelled(): void {}

  blockStart(): boolean {
    return false;
  }

  blockBytes(): void {}
  blockEnd(): void {}
  rejected(): void {}
  drained(): void {}
  closed(): void {}
}
