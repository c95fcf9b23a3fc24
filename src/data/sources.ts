/** Where the verified bytes of a content came from. */
import { clientName } from '../domain/swarm/client-name.ts';
import { toHex } from '../protocol/digest.ts';
import { formatAddress } from '../transports/transport.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';

/** What a peer says that it runs; whoever does not say it tells by its peer id (BEP 20). Empty where neither is known. */
export const clientOf = ({ client, peerId }: Pick<Peer, 'client' | 'peerId'>): string =>
  client || (peerId === null ? '' : clientName(toHex(peerId)));

export class Sources {
  /** By node, by address where it is no node of ours, or by the URL of a web seed. */
  readonly bytes = new Map<string, number>();
  /** What those at addresses run, also after they have left. */
  readonly clients = new Map<string, string>();

  credit(source: string, bytes: number): void {
    if (this.bytes.size >= dataLimits.sourcesMax && !this.bytes.has(source)) return;
    this.bytes.set(source, (this.bytes.get(source) ?? 0) + bytes);
  }

  creditPeer(peer: Pick<Peer, 'client' | 'node' | 'peerId' | 'remote'>, bytes: number): void {
    const source = peer.node ?? formatAddress(peer.remote);
    this.credit(source, bytes);
    if (peer.node !== null || !this.bytes.has(source)) return;
    // Its own word may come after its first bytes.
    if (peer.client !== '' || !this.clients.has(source)) this.clients.set(source, clientOf(peer));
  }

  /** What came from its address came from that node. */
  named({ remote }: Pick<Peer, 'remote'>, node: string): void {
    const address = formatAddress(remote);
    const bytes = this.bytes.get(address);
    this.clients.delete(address);
    if (!this.bytes.delete(address) || bytes === undefined) return;
    this.credit(node, bytes);
  }
}
