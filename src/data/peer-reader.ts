import { Bitfield } from '../protocol/bittorrent/bitfield.ts';
import { agreedBlockBytes, extensionHandshakeId, extensionOfId } from '../protocol/bittorrent/extension.ts';
import type { Handshake } from '../protocol/bittorrent/handshake.ts';
import type { BlockRange, WireMessage } from '../protocol/bittorrent/wire.ts';
import type { WireSink } from '../protocol/bittorrent/wire-decoder.ts';
import type { Micros } from '../ports/clock.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';
import type { Admission, PeerSetting } from './peer-owner.ts';
import type { Request } from './requests.ts';

/** Takes what the decoder finds in a peer's bytes: keeps what the peer says of itself, and tells its owner. */
export class PeerReader implements WireSink {
  readonly #peer: Peer;
  readonly #setting: PeerSetting;
  #admission: Admission | null = null;
  #receiving: { readonly request: Request; readonly startedAt: Micros; offset: number; kept: boolean } | null = null;

  constructor(peer: Peer, setting: PeerSetting) {
    this.#peer = peer;
    this.#setting = setting;
  }

  /** The request whose block is coming in right now, where its bytes are kept. */
  get receiving(): Request | null {
    return this.#receiving?.kept === true ? this.#receiving.request : null;
  }

  /** What has come of the block that is coming in, where its bytes are kept. */
  get progress(): { readonly startedAt: Micros; readonly bytes: number } | null {
    return this.#receiving?.kept === true ? { startedAt: this.#receiving.startedAt, bytes: this.#receiving.offset } : null;
  }

  /** The block that is coming in is not wanted any more; the rest of its bytes is passed over. */
  giveUp(): Request | null {
    const receiving = this.#receiving;
    if (receiving?.kept !== true) return null;
    receiving.kept = false;
    receiving.request.cancelled = true;
    return receiving.request;
  }

  handshake(handshake: Handshake): void {
    const peer = this.#peer;
    peer.peerId = handshake.peerId;
    peer.place = `${peer.remote.host} ${Buffer.from(handshake.peerId).toString('hex')}`;
    peer.fast = handshake.fast;
    const admission = this.#setting.admit(peer, handshake);
    if ('refused' in admission) {
      peer.close(admission.refused);
      return;
    }
    this.#admission = admission;
    peer.admitted(admission, handshake.extended);
  }

  message(message: WireMessage): void {
    const peer = this.#peer;
    if (message.kind === 'extended') return this.#extended(message.id, message.payload);
    if (peer.state === 'opening' && !this.#first(message)) return undefined;
    const { features, owner, pieceCount } = this.#admission as Admission;
    switch (message.kind) {
      case 'choke':
        peer.chokesUs = true;
        // With the fast extension each request is still answered by a piece or a reject; without it they are void.
        return owner.choking(peer, peer.fast ? [] : peer.requests.clear());
      case 'unchoke':
        peer.chokesUs = false;
        return owner.choking(peer, []);
      case 'interested':
      case 'not-interested':
        peer.interested = message.kind === 'interested';
        return owner.interest(peer);
      case 'suggest':
        peer.suggested = message.piece;
        return undefined;
      case 'have':
        return peer.bits?.add(message.piece) === true ? owner.gained(peer, message.piece) : undefined;
      case 'request':
        return owner.asked(peer, message);
      case 'cancel':
        return owner.cancelled(peer, message);
      case 'reject':
        return this.#rejected(message);
      case 'hash-request':
        return features.hashesAsked(peer, message);
      case 'hashes':
        return features.hashesCame(peer, message, message.hashes);
      case 'hash-reject':
        return features.hashesCame(peer, message, null);
      case 'bitfield':
        return pieceCount === null ? undefined : this.#gainedMore(message.bits, pieceCount);
      case 'have-all':
      case 'have-none':
        return pieceCount === null ? undefined : peer.close('it said twice what it has');
      default:
        return undefined;
    }
  }

  pieceStart(range: BlockRange): void {
    const peer = this.#peer;
    const request = peer.requests.take(range);
    if (request === null) {
      // Without the fast extension a block may cross a choke on its way; with it, every block was asked for.
      if (peer.fast) peer.close('it sent a block that was not asked for');
      return;
    }
    const kept = !request.cancelled && (this.#admission as Admission).owner.blockStart(peer, request);
    this.#receiving = { request, startedAt: this.#setting.clock.now(), offset: 0, kept };
  }

  pieceBytes(chunk: Uint8Array): void {
    const receiving = this.#receiving;
    this.#peer.down.add(this.#setting.clock.now(), chunk.length);
    if (receiving === null) return;
    if (receiving.kept) (this.#admission as Admission).owner.blockBytes(this.#peer, receiving.request, receiving.offset, chunk);
    receiving.offset += chunk.length;
  }

  pieceEnd(): void {
    const receiving = this.#receiving;
    const peer = this.#peer;
    this.#receiving = null;
    if (receiving === null) return;
    const now = this.#setting.clock.now();
    const delay = now - receiving.request.sentAt;
    peer.delayMicros = Math.min(peer.delayMicros ?? delay, delay);
    peer.lastBlockAt = now;
    (this.#admission as Admission).owner.blockEnd(peer, receiving.request, receiving.kept);
  }

  #extended(id: number, payload: Uint8Array): void {
    if (id === extensionHandshakeId) return this.#introduced(payload);
    const name = extensionOfId(id);
    // Under other ids we have asked for nothing.
    return name === null ? undefined : (this.#admission as Admission).features.extended(this.#peer, name, payload);
  }

  #introduced(payload: Uint8Array): void {
    const peer = this.#peer;
    const read = peer.extensions.read(payload);
    if (!read.ok) return peer.close(read.error.message);
    const said = read.value;
    const { features, owner } = this.#admission as Admission;
    peer.client = said.client ?? peer.client;
    peer.listenPort = said.listenPort ?? peer.listenPort;
    peer.requestsMax = Math.min(said.requestQueueMax ?? peer.requestsMax, dataLimits.requestsUnderWayMax);
    peer.blockBytes = agreedBlockBytes(dataLimits.blockBytesMax, said.blockBytesMax);
    peer.claim ??= said.node;
    if (peer.claim !== null) owner.claimed(peer, peer.claim);
    return features.introduced(peer, said);
  }

  /** The first message tells what the other side has (BEP 3, BEP 6). False: the message is done with. */
  #first(message: WireMessage): boolean {
    const peer = this.#peer;
    const pieceCount = (this.#admission as Admission).pieceCount ?? 0;
    switch (message.kind) {
      case 'keep-alive':
      case 'unknown':
        return false;
      case 'bitfield':
        peer.join(Bitfield.from(message.bits, pieceCount) ?? Bitfield.empty(pieceCount));
        return false;
      case 'have-all':
      case 'have-none':
        peer.join(message.kind === 'have-all' ? Bitfield.full(pieceCount) : Bitfield.empty(pieceCount));
        return false;
      default:
        if (peer.fast) peer.close('its first message does not say what it has');
        else peer.join(Bitfield.empty(pieceCount));
        return peer.state === 'active';
    }
  }

  /** A bitfield later on: aria2 tells of many new pieces so, in fewer bytes than one message for each takes. */
  #gainedMore(bits: Uint8Array, pieceCount: number): void {
    const peer = this.#peer;
    for (const piece of Bitfield.from(bits, pieceCount)?.pieces() ?? []) {
      if (peer.state !== 'active') return;
      if (peer.bits?.add(piece) === true) (this.#admission as Admission).owner.gained(peer, piece);
    }
  }

  #rejected(range: BlockRange): void {
    const request = this.#peer.requests.take(range);
    if (request === null) this.#peer.close('it rejected what was not asked for');
    else if (!request.cancelled) (this.#admission as Admission).owner.rejected(this.#peer, request);
  }
}
