import type { Clock, TimerId } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import type { Crypto } from '../ports/crypto.ts';
import type { Handshake } from '../protocol/bittorrent/handshake.ts';
import type { PeerId, WireHash } from '../protocol/bittorrent/ids.ts';
import { toHex } from '../protocol/digest.ts';
import { type Done, ok } from '../protocol/result.ts';
import type { Address, Connection, ConnectionHandler, Listener, Transport, TransportFailure } from '../transports/transport.ts';
import type { Candidate } from './candidates.ts';
import { type EncryptionPolicy, StreamEncryption } from './stream-encryption.ts';
import { dataLimits } from './limits.ts';
import { Peer } from './peer.ts';
import type { Admission, Dialler, Gathering, PeerMoved, PeerSetting } from './peer-owner.ts';

export interface PeerPortSettings {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly crypto: Pick<Crypto, 'secretBytes'>;
  readonly encryption: EncryptionPolicy;
  readonly peerId: PeerId;
  readonly node: string;
  readonly client: string;
  /** Connections to peers in the whole node, those that have not said hello yet among them. */
  readonly peersMax: number;
  readonly moved?: PeerMoved;
}

/** Where peers meet the node: one listener for all torrents, and every dial. A handshake's hash tells which torrent. */
export class PeerPort implements Dialler {
  readonly #settings: PeerPortSettings;
  readonly #gatherings = new Map<string, Gathering>();
  readonly #peers = new Map<Peer, Gathering | null>();
  readonly #setting: PeerSetting;
  readonly #encryption: StreamEncryption;
  #listener: Listener | null = null;
  #address: Address | null = null;
  #ticking: TimerId | null = null;
  #lastKey = 0;
  #dials = 0;

  constructor(settings: PeerPortSettings) {
    this.#settings = settings;
    this.#encryption = new StreamEncryption(settings.encryption, settings.crypto);
    this.#setting = {
      clock: settings.clock,
      peerId: settings.peerId,
      node: settings.node,
      client: settings.client,
      admit: (peer, handshake) => this.#admit(peer, handshake),
      listenPort: () => this.#address?.port ?? null,
      gone: (peer) => this.#gone(peer),
      ...(settings.moved === undefined ? {} : { moved: settings.moved }),
    };
  }

  get peerId(): PeerId {
    return this.#settings.peerId;
  }

  /** Where it listens; null before that. */
  get address(): Address | null {
    return this.#address;
  }

  get peerCount(): number {
    return this.#peers.size;
  }

  listen(address: Address, done: Done<Address, TransportFailure>): void {
    this.#tickLater();
    let answered = false;
    const answer: Done<Address, TransportFailure> = (result) => {
      if (!answered) done(result);
      answered = true;
    };
    this.#listener = this.#settings.transport.listen(
      address,
      {},
      {
        listening: (at) => {
          this.#address = at;
          answer(ok(at));
        },
        connection: (connection) => this.#accept(connection),
        failed: (error) => answer({ ok: false, error }),
      },
    );
  }

  /** Peers meet the gathering from now on. */
  register(gathering: Gathering): void {
    for (const hash of gathering.wireHashes) {
      this.#gatherings.set(toHex(hash), gathering);
      this.#encryption.know(hash);
    }
  }

  unregister(gathering: Gathering): void {
    for (const hash of gathering.wireHashes) {
      if (this.#gatherings.get(toHex(hash)) !== gathering) continue;
      this.#gatherings.delete(toHex(hash));
      this.#encryption.forget(hash);
    }
  }

  dial(gathering: Gathering, candidate: Candidate, infoHash: WireHash): Peer | null {
    if (this.#peers.size >= this.#settings.peersMax || this.#dials >= dataLimits.dialsUnderWayMax) return null;
    const { address, node } = candidate;
    const peer = new Peer(++this.#lastKey, this.#setting, { address, node, infoHash, v2: gathering.v2 });
    this.#peers.set(peer, gathering);
    this.#dials++;
    const { transport } = this.#settings;
    const to = { candidate, infoHash, hashes: gathering.wireHashes.length };
    peer.carry(this.#encryption.dial(peer, to, (handler) => transport.dial(address, { timeoutMs: dataLimits.dialTimeoutMs }, handler)));
    return peer;
  }

  /** Listens no more and lets every peer go. */
  close(): void {
    this.#listener?.close();
    this.#listener = null;
    if (this.#ticking !== null) this.#settings.clock.clearTimer(this.#ticking);
    this.#ticking = null;
    for (const peer of this.#peers.keys()) peer.close('this node stops');
  }

  #accept(connection: Connection): ConnectionHandler | null {
    const { peersMax } = this.#settings;
    if (this.#peers.size >= peersMax) return null;
    // Whoever opens connection after connection from one host leaves room for the others.
    const { host } = connection.remote;
    let same = 0;
    for (const peer of this.#peers.keys()) if (!peer.outgoing && peer.remote.host === host) same++;
    if (same >= Math.max(dataLimits.connectionsPerHostMin, peersMax / 2)) return null;
    const peer = new Peer(++this.#lastKey, this.#setting, null);
    this.#peers.set(peer, null);
    const { connection: carrier, handler } = this.#encryption.accept(connection, peer);
    peer.carry(carrier);
    return handler;
  }

  #admit(peer: Peer, handshake: Handshake): Admission | { readonly refused: string } {
    const gathering = this.#gatherings.get(toHex(handshake.infoHash));
    const dialled = this.#peers.get(peer) ?? null;
    if (peer.outgoing) this.#dials--;
    if (gathering === undefined || (dialled !== null && dialled !== gathering))
      return { refused: 'it speaks of a torrent that is not here' };
    this.#peers.set(peer, gathering);
    return gathering.admit(peer, handshake);
  }

  #gone(peer: Peer): void {
    const gathering = this.#peers.get(peer);
    this.#peers.delete(peer);
    if (peer.outgoing && peer.peerId === null) this.#dials--;
    gathering?.gone(peer);
  }

  #tickLater(): void {
    this.#ticking = this.#settings.clock.setTimer(millis(dataLimits.tickMs), () => {
      const now = this.#settings.clock.now();
      for (const [peer, gathering] of this.#peers) if (gathering === null || !peer.joined) peer.tick(now);
      for (const gathering of new Set(this.#gatherings.values())) gathering.tick();
      this.#tickLater();
    });
  }
}
