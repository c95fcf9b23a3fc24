import type { Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import { Bitfield } from '../protocol/bittorrent/bitfield.ts';
import {
  agreedBlockBytes,
  encodeExtensionHandshake,
  extensionHandshakeId,
  readExtensionHandshake,
} from '../protocol/bittorrent/extension.ts';
import { encodeHandshake, type Handshake } from '../protocol/bittorrent/handshake.ts';
import type { PeerId, PieceIndex, WireHash } from '../protocol/bittorrent/ids.ts';
import type { BlockRange, WireMessage } from '../protocol/bittorrent/wire.ts';
import { encodeMessage, encodeRequests, standardBlockBytes } from '../protocol/bittorrent/wire.ts';
import { WireDecoder, type WireSink } from '../protocol/bittorrent/wire-decoder.ts';
import type { Address, CloseReason, Connection, ConnectionHandler } from '../transports/transport.ts';
import { type Run, UNIT_BYTES } from '../domain/transfer/partial-piece.ts';
import { RateMeter } from '../domain/transfer/rates.ts';
import { dataLimits } from './limits.ts';
import { nextPeerState, type PeerEvent, type PeerState } from './peer-states.ts';
import type { Admission, PeerSetting } from './peer-owner.ts';
import { type Request, Requests } from './requests.ts';

/**
 * One connection to a peer: the wire protocol, its deadlines, who chokes whom, and what is asked of whom. It decides
 * nothing; its owner does. Blocks pass through without a copy of its own.
 */
export class Peer implements ConnectionHandler, WireSink {
  readonly key: number;
  readonly outgoing: boolean;
  /** The node's id as the tracker gave it: for the address that was dialled, or for the host of one that says so itself. */
  node: string | null;
  /** The node that the other side says it is; anybody can say anything. */
  claim: string | null = null;
  client = '';
  peerId: PeerId | null = null;
  /** Its host and peer id; empty before its handshake. */
  place = '';
  bits: Bitfield | null = null;
  /** Pieces of it that we want; kept by the owner. */
  useful = 0;
  /** Its pieces count for rarity; kept by the owner. */
  counted = false;
  v1Only = false;
  fast = false;
  /** Largest block that we ask of it. */
  blockBytes = standardBlockBytes;
  requestsMax = 250;
  amChoking = true;
  amInterested = false;
  chokesUs = true;
  interested = false;
  snubbed = false;
  /** What it would rather be asked for (BEP 6), as it said last. */
  suggested: PieceIndex | null = null;
  readonly requests = new Requests();
  readonly down = new RateMeter();
  readonly up = new RateMeter();
  /** The shortest time seen between a request and its block. */
  delayMicros: Micros | null = null;
  /** When the last byte of a block came. */
  lastBlockAt: Micros;
  readonly openedAt: Micros;
  readonly #setting: PeerSetting;
  readonly #decoder: WireDecoder;
  #connection: Connection | null = null;
  #state: PeerState = 'connecting';
  #admission: Admission | null = null;
  readonly #offered: WireHash | null;
  readonly #v2Offered: boolean;
  readonly #dialledNode: string | null;
  #receiving: { readonly request: Request; offset: number; readonly kept: boolean } | null = null;
  #lastHeardAt: Micros;
  #lastSentAt: Micros;
  #closeReason = '';
  #congested = false;
  /** The address that was dialled; null for a peer that came by itself. */
  readonly dialled: Address | null;

  constructor(
    key: number,
    setting: PeerSetting,
    dial: { readonly address: Address; readonly node: string | null; readonly infoHash: WireHash; readonly v2: boolean } | null,
  ) {
    this.key = key;
    this.#setting = setting;
    this.outgoing = dial !== null;
    this.dialled = dial?.address ?? null;
    this.node = this.#dialledNode = dial?.node ?? null;
    this.#offered = dial?.infoHash ?? null;
    this.#v2Offered = dial?.v2 ?? false;
    this.#decoder = new WireDecoder(this, { extendedBytesMax: 64 * 1024, unknownBytesMax: 64 * 1024 });
    this.openedAt = this.#lastHeardAt = this.#lastSentAt = this.lastBlockAt = setting.clock.now();
  }

  get state(): PeerState {
    return this.#state;
  }

  get remote(): Address {
    return this.#connection?.remote ?? this.dialled ?? { host: '', port: 0 };
  }

  /** Under what its deeds count: the node that was dialled, else its place. Nobody can act under the name of another. */
  get name(): string {
    return this.#dialledNode ?? this.place;
  }

  /** Its connection has taken more than it likes: wait for `drained`. */
  get congested(): boolean {
    return this.#congested;
  }

  carry(connection: Connection): void {
    this.#connection = connection;
  }

  // ---- What the owner does -----------------------------------------------------------------------------------------

  send(message: Exclude<WireMessage, { kind: 'unknown' }>): void {
    this.sendBytes(encodeMessage(message));
  }

  /** `written`: as of `Connection.send`. */
  sendBytes(bytes: Uint8Array, written?: () => void): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#lastSentAt = this.#setting.clock.now();
    this.#congested = this.#connection?.send(bytes, written) === false;
    if (this.#congested && (this.#connection?.queuedBytes() ?? 0) > dataLimits.sendQueueBytesMax)
      this.close('it does not read what it asked for');
  }

  setChoking(choking: boolean): void {
    if (choking === this.amChoking) return;
    this.amChoking = choking;
    this.send({ kind: choking ? 'choke' : 'unchoke' });
  }

  setInterested(interested: boolean): void {
    if (interested === this.amInterested) return;
    this.amInterested = interested;
    this.send({ kind: interested ? 'interested' : 'not-interested' });
  }

  /** Asks for the runs, in one send. */
  ask(runs: readonly Run[], pieceBytes: (piece: PieceIndex) => number): void {
    const now = this.#setting.clock.now();
    if (this.requests.bytes === 0) this.lastBlockAt = now;
    const ranges = runs.map((run): BlockRange => {
      const begin = run.unit * UNIT_BYTES;
      return { piece: run.piece, begin, length: Math.min(run.units * UNIT_BYTES, pieceBytes(run.piece) - begin) };
    });
    for (const [n, run] of runs.entries()) this.requests.add(run, ranges[n] as BlockRange, now);
    this.sendBytes(encodeRequests(ranges));
  }

  /** The block is not wanted any more; an answer may still come. */
  cancel(request: Request): void {
    this.requests.cancel(request);
    this.send({ ...request.range, kind: 'cancel' });
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  /** Ends the connection. The owner hears `closed` when it is over. */
  close(reason: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#closeReason = reason;
    this.#move('end');
    this.#decoder.stop();
    this.#connection?.abort();
  }

  /** Looks at the deadlines; called about once a second. */
  tick(now: Micros): void {
    if (this.#state === 'connecting' || this.#state === 'handshaking') {
      if (now - this.openedAt > millis(dataLimits.handshakeTimeoutMs)) this.close('no handshake came in time');
      return;
    }
    if (now - this.#lastHeardAt > millis(dataLimits.inactivityMs)) this.close('it has been silent for too long');
    else if (now - this.#lastSentAt > millis(dataLimits.keepAliveMs)) this.send({ kind: 'keep-alive' });
  }

  // ---- What the connection tells -----------------------------------------------------------------------------------

  open(): void {
    if (this.#state !== 'connecting') return;
    this.#move('opened');
    if (this.#offered !== null) this.#shakeHands(this.#offered, this.#v2Offered);
  }

  bytes(chunk: Uint8Array): void {
    this.#lastHeardAt = this.#setting.clock.now();
    const violation = this.#decoder.push(chunk);
    if (violation !== null) this.close(`it broke the protocol: ${violation.reason}`);
  }

  drain(): void {
    this.#congested = false;
    if (this.#state === 'active') this.#admission?.owner.drained(this);
  }

  end(): void {
    this.close('it closed the connection');
  }

  closed(reason: CloseReason): void {
    if (this.#state === 'closed') return;
    const joined = this.#state === 'active' || (this.#state === 'closing' && this.bits !== null);
    this.#move('over');
    this.#decoder.stop();
    const words = this.#closeReason !== '' ? this.#closeReason : reason.kind === 'ended' ? 'the connection ended' : reason.error.message;
    const voided = this.requests.clear();
    if (joined) this.#admission?.owner.closed(this, words, voided);
    this.#setting.gone(this, words);
  }

  // ---- What the decoder finds --------------------------------------------------------------------------------------

  handshake(handshake: Handshake): void {
    this.peerId = handshake.peerId;
    this.place = `${this.remote.host} ${Buffer.from(handshake.peerId).toString('hex')}`;
    this.fast = handshake.fast;
    const admission = this.#setting.admit(this, handshake);
    if ('refused' in admission) {
      this.close(admission.refused);
      return;
    }
    this.#admission = admission;
    this.v1Only = admission.v1Only;
    this.#decoder.setTorrent(admission.pieceCount);
    this.#decoder.setLimits({ blockBytesMax: dataLimits.blockBytesMax });
    this.#move('handshake');
    if (!this.outgoing) this.#shakeHands(admission.infoHash, !admission.v1Only);
    this.#sayWhatWeHave(admission);
    if (handshake.extended) this.#extend();
  }

  message(message: WireMessage): void {
    if (this.#state === 'opening' && !this.#first(message)) return;
    const owner = (this.#admission as Admission).owner;
    switch (message.kind) {
      case 'choke':
        this.chokesUs = true;
        // With the fast extension each request is still answered by a piece or a reject; without it they are void.
        return owner.choking(this, this.fast ? [] : this.requests.clear());
      case 'unchoke':
        this.chokesUs = false;
        return owner.choking(this, []);
      case 'interested':
      case 'not-interested':
        this.interested = message.kind === 'interested';
        return owner.interest(this);
      case 'suggest':
        this.suggested = message.piece;
        return undefined;
      case 'have':
        return this.bits?.add(message.piece) === true ? owner.gained(this, message.piece) : undefined;
      case 'request':
        return owner.asked(this, message);
      case 'cancel':
        return owner.cancelled(this, message);
      case 'reject':
        return this.#rejected(message);
      case 'extended':
        return message.id === extensionHandshakeId ? this.#extended(message.payload) : undefined;
      case 'hash-request':
        return this.send({ ...message, kind: 'hash-reject' });
      case 'bitfield':
      case 'have-all':
      case 'have-none':
        return this.close('it said twice what it has');
      default:
        return undefined;
    }
  }

  pieceStart(range: BlockRange): void {
    const request = this.requests.take(range);
    if (request === null) {
      // Without the fast extension a block may cross a choke on its way; with it, every block was asked for.
      if (this.fast) this.close('it sent a block that was not asked for');
      return;
    }
    const kept = !request.cancelled && (this.#admission as Admission).owner.blockStart(this, request);
    this.#receiving = { request, offset: 0, kept };
  }

  pieceBytes(chunk: Uint8Array): void {
    const receiving = this.#receiving;
    this.down.add(this.#setting.clock.now(), chunk.length);
    if (receiving === null) return;
    if (receiving.kept) (this.#admission as Admission).owner.blockBytes(this, receiving.request, receiving.offset, chunk);
    receiving.offset += chunk.length;
  }

  pieceEnd(): void {
    const receiving = this.#receiving;
    this.#receiving = null;
    if (receiving === null) return;
    const now = this.#setting.clock.now();
    const delay = now - receiving.request.sentAt;
    this.delayMicros = Math.min(this.delayMicros ?? delay, delay);
    this.lastBlockAt = now;
    (this.#admission as Admission).owner.blockEnd(this, receiving.request, receiving.kept);
  }

  /** The request whose block is coming in right now; it is not in the table any more. */
  get receiving(): Request | null {
    return this.#receiving?.kept === true ? this.#receiving.request : null;
  }

  // ------------------------------------------------------------------------------------------------------------------

  #move(event: PeerEvent): void {
    const next = nextPeerState(this.#state, event);
    if (next === null) throw new Error(`A peer in ${this.#state} cannot take ${event}`);
    this.#setting.moved?.(this.#state, event, next);
    this.#state = next;
  }

  #shakeHands(infoHash: WireHash, v2: boolean): void {
    this.sendBytes(encodeHandshake({ infoHash, peerId: this.#setting.peerId, fast: true, extended: true, v2 }));
  }

  #sayWhatWeHave({ have, haveCount, pieceCount }: Admission): void {
    if (this.fast && haveCount === pieceCount) this.send({ kind: 'have-all' });
    else if (this.fast && haveCount === 0) this.send({ kind: 'have-none' });
    else if (haveCount > 0) this.send({ kind: 'bitfield', bits: have });
  }

  #extend(): void {
    const payload = encodeExtensionHandshake({
      client: this.#setting.client,
      listenPort: this.#setting.listenPort(),
      requestQueueMax: dataLimits.requestsPerPeerMax,
      blockBytesMax: dataLimits.blockBytesMax,
      node: this.#setting.node,
    });
    this.send({ kind: 'extended', id: extensionHandshakeId, payload });
  }

  #extended(payload: Uint8Array): void {
    const read = readExtensionHandshake(payload);
    if (!read.ok) return this.close(read.error.message);
    this.client = read.value.client ?? this.client;
    this.requestsMax = Math.min(read.value.requestQueueMax ?? this.requestsMax, dataLimits.requestsUnderWayMax);
    this.blockBytes = agreedBlockBytes(dataLimits.blockBytesMax, read.value.blockBytesMax);
    this.claim ??= read.value.node;
    if (this.claim !== null) this.#admission?.owner.claimed(this, this.claim);
    return undefined;
  }

  /** The first message tells what the other side has (BEP 3, BEP 6). False: the message is done with. */
  #first(message: WireMessage): boolean {
    const { pieceCount } = this.#admission as Admission;
    switch (message.kind) {
      case 'keep-alive':
      case 'unknown':
        return false;
      case 'extended':
        if (message.id === extensionHandshakeId) this.#extended(message.payload);
        return false;
      case 'bitfield':
        this.#joined(Bitfield.from(message.bits, pieceCount) ?? Bitfield.empty(pieceCount));
        return false;
      case 'have-all':
      case 'have-none':
        this.#joined(message.kind === 'have-all' ? Bitfield.full(pieceCount) : Bitfield.empty(pieceCount));
        return false;
      default:
        if (this.fast) this.close('its first message does not say what it has');
        else this.#joined(Bitfield.empty(pieceCount));
        return this.#state === 'active';
    }
  }

  #joined(bits: Bitfield): void {
    this.bits = bits;
    this.#move('first');
    (this.#admission as Admission).owner.joined(this);
  }

  #rejected(range: BlockRange): void {
    const request = this.requests.take(range);
    if (request === null) this.close('it rejected what was not asked for');
    else if (!request.cancelled) (this.#admission as Admission).owner.rejected(this, request);
  }
}
