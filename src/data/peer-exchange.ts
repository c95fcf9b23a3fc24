import type { Clock, Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import { bytesOfIp } from '../protocol/bittorrent/compact-peers.ts';
import { decodePexMessage, encodePexMessage, pexFlag, type PexPeer, pexPeersMax } from '../protocol/bittorrent/pex-message.ts';
import { type Address, formatAddress } from '../transports/transport.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';

export interface PeerExchangeSettings {
  readonly clock: Clock;
  /** The transfer's peers; changes as they come and go. */
  readonly peers: ReadonlyMap<number, Peer>;
  /** A peer has named another one. */
  learn(address: Address, seeder: boolean): void;
}

interface Told {
  readonly peers: Map<string, PexPeer>;
  sentAt: Micros | null;
  heardAt: Micros | null;
}

/**
 * Tells the peers of a public torrent of each other (BEP 11): who has come and who has gone since the last time, at most
 * once a minute, and takes no more than that from each of them.
 */
export class PeerExchange {
  readonly #settings: PeerExchangeSettings;
  readonly #told = new Map<Peer, Told>();

  constructor(settings: PeerExchangeSettings) {
    this.#settings = settings;
  }

  message(peer: Peer, payload: Uint8Array): void {
    const told = this.#of(peer);
    const now = this.#settings.clock.now();
    // A little earlier than after a minute is no offence; what comes much earlier is not read.
    if (told.heardAt !== null && now - told.heardAt < millis(dataLimits.pexIntervalMs) / 2) return;
    told.heardAt = now;
    const read = decodePexMessage(payload);
    if (!read.ok) {
      peer.close(read.error.message);
      return;
    }
    for (const { flags, host, port } of read.value.added.slice(0, dataLimits.pexLearnedMax))
      this.#settings.learn({ host, port }, (flags & pexFlag.seed) !== 0);
  }

  /** Once a second. */
  tick(): void {
    const now = this.#settings.clock.now();
    for (const peer of this.#settings.peers.values()) {
      if (peer.extensions.idOf('ut_pex') === null) continue;
      const told = this.#of(peer);
      if (told.sentAt === null || now - told.sentAt >= millis(dataLimits.pexIntervalMs)) this.#tell(peer, told, now);
    }
  }

  forget(peer: Peer): void {
    this.#told.delete(peer);
  }

  #tell(peer: Peer, told: Told, now: Micros): void {
    const there = new Map([...this.#settings.peers.values()].flatMap((other) => (other === peer ? [] : entryOf(other))));
    const added = [...there].filter(([key]) => !told.peers.has(key)).slice(0, pexPeersMax);
    const dropped = [...told.peers].filter(([key]) => !there.has(key)).slice(0, pexPeersMax);
    if (added.length + dropped.length === 0) return;
    for (const [key] of dropped) told.peers.delete(key);
    for (const [key, entry] of added) told.peers.set(key, entry);
    told.sentAt = now;
    peer.sendExtended('ut_pex', encodePexMessage({ added: added.map(([, entry]) => entry), dropped: dropped.map(([, entry]) => entry) }));
  }

  #of(peer: Peer): Told {
    const told = this.#told.get(peer) ?? { peers: new Map(), sentAt: null, heardAt: null };
    this.#told.set(peer, told);
    return told;
  }
}

/** Where a peer listens and what it is, as far as known; nothing for one that can only dial. */
const entryOf = (peer: Peer): [string, PexPeer][] => {
  const { bits, dialled, listenPort, remote, uploadOnly } = peer;
  const host = dialled?.host ?? remote.host;
  const port = dialled?.port ?? listenPort;
  if (port === null || bytesOfIp(host) === null) return [];
  const seed = bits?.complete === true || uploadOnly ? pexFlag.seed : 0;
  return [[formatAddress({ host, port }), { host, port, flags: seed | (dialled === null ? 0 : pexFlag.reachable) }]];
};
