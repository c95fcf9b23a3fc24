import type { Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import { Bitfield } from '../protocol/bittorrent/bitfield.ts';
import { type ExtensionName, extensionHandshakeId } from '../protocol/bittorrent/extension.ts';
import { encodeHandshake } from '../protocol/bittorrent/handshake.ts';
import type { PeerId, PieceIndex, WireHash } from '../protocol/bittorrent/ids.ts';
import type { BlockRange, WireMessage } from '../protocol/bittorrent/wire.ts';
import { encodeMessage, encodeRequests, standardBlockBytes } from '../protocol/bittorrent/wire.ts';
import { WireDecoder } from '../protocol/bittorrent/wire-decoder.ts';
import type { Address, CloseReason, Connection, ConnectionHandler } from '../transports/transport.ts';
import { type Run, UNIT_BYTES } from '../domain/transfer/partial-piece.ts';
import { RateMeter } from '../domain/transfer/rates.ts';
import { dataLimits } from './limits.ts';
import { PeerExtensions } from './peer-extensions.ts';
import { PeerReader } from './peer-reader.ts';
import { nextPeerState, type PeerEvent, type PeerState } from './peer-states.ts';
import type { Admission, PeerSetting } from './peer-owner.ts';
import { type Request, Requests } from './requests.ts';

/**
 * One connection to a peer: the wire protocol, its deadlines, who chokes whom, and what is asked of whom. It decides
 * nothing; its owner does. Blocks pass through without a copy of its own.
 */
export class Peer implements ConnectionHandler {
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
  /** What it has; null before it has said that, and where nobody here knows how many pieces there are. */
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
  /** It says that it only gives (BEP 21). */
  uploadOnly = false;
  /** Where it listens, as it says; null where it does not. */
  listenPort: number | null = null;
  readonly extensions = new PeerExtensions();
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
  readonly #reader: PeerReader;
  #connection: Connection | null = null;
  #state: PeerState = 'connecting';
  #admission: Admission | null = null;
  readonly #offered: WireHash | null;
  readonly #v2Offered: boolean;
  readonly #dialledNode: string | null;
  #lastHeardAt: Micros;
  #lastSentAt: Micros;
  #joined = false;
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
    this.#reader = new PeerReader(this, setting);
    this.#decoder = new WireDecoder(this.#reader, { extendedBytesMax: 64 * 1024, unknownBytesMax: 512 * 1024 });
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

  /** Its owner has heard `joined`. */
  get joined(): boolean {
    return this.#joined;
  }

  /** The request whose block is coming in right now; it is not in the table any more. */
  get receiving(): Request | null {
    return this.#reader.receiving;
  }

  get progress(): PeerReader['progress'] {
    return this.#reader.progress;
  }

  /** The block that is coming in is not wanted any more. Null where none is, or it was not wanted before. */
  giveUpBlock(): Request | null {
    return this.#reader.giveUp();
  }

  carry(connection: Connection): void {
    this.#connection = connection;
  }

  // ---- What the owner does -----------------------------------------------------------------------------------------

  send(message: Exclude<WireMessage, { kind: 'unknown' }>): void {
    this.sendBytes(encodeMessage(message));
  }

  /** Sends a message of an extension; false where the other side does not take it. */
  sendExtended(name: ExtensionName, payload: Uint8Array): boolean {
    const id = this.extensions.idOf(name);
    if (id !== null) this.send({ kind: 'extended', id, payload });
    return id !== null;
  }

  /** `written`: as of `Connection.send`. */
  sendBytes(bytes: Uint8Array, written?: () => void): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#lastSentAt = this.#setting.clock.now();
    this.#congested = this.#connection?.send(bytes, written) === false;
    if (this.#congested && (this.#connection?.queuedBytes() ?? 0) > dataLimits.sendQueueBytesMax)
      this.close('it does not read what it asked for');
  }

  /** Says who we are and what we take (BEP 10); to be called again when that has changed. */
  introduce(): void {
    const payload = this.extensions.handshake({
      client: this.#setting.client,
      listenPort: this.#setting.listenPort(),
      requestQueueMax: dataLimits.requestsPerPeerMax,
      blockBytesMax: dataLimits.blockBytesMax,
      node: this.#setting.node,
      ...(this.#admission as Admission).features.introduction(this),
    });
    this.send({ kind: 'extended', id: extensionHandshakeId, payload });
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
    if (this.#state === 'connecting' || this.#state === 'handshaking')
      return now - this.openedAt > millis(dataLimits.handshakeTimeoutMs) ? this.close('no handshake came in time') : undefined;
    if (this.#state === 'opening' && now - this.openedAt > millis(dataLimits.firstMessageTimeoutMs)) {
      // Without the fast extension, nothing stands for "nothing" (BEP 3).
      if (this.fast) return this.close('it does not say what it has');
      this.join(Bitfield.empty((this.#admission as Admission).pieceCount ?? 0));
    }
    if (now - this.#lastHeardAt > millis(dataLimits.inactivityMs)) this.close('it has been silent for too long');
    else if (now - this.#lastSentAt > millis(dataLimits.keepAliveMs)) this.send({ kind: 'keep-alive' });
    return undefined;
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
    this.#move('over');
    this.#decoder.stop();
    const words = this.#closeReason !== '' ? this.#closeReason : reason.kind === 'ended' ? 'the connection ended' : reason.error.message;
    const voided = this.requests.clear();
    if (this.#joined) this.#admission?.owner.closed(this, words, voided);
    this.#setting.gone(this, words);
  }

  // ---- What its reader finds ---------------------------------------------------------------------------------------

  /** The other side's handshake is in order: it gets ours, what we have, and who we are. */
  admitted(admission: Admission, extended: boolean): void {
    this.#admission = admission;
    this.v1Only = admission.v1Only;
    this.#decoder.setTorrent(admission.pieceCount);
    this.#decoder.setLimits({ blockBytesMax: dataLimits.blockBytesMax });
    this.#move('handshake');
    if (!this.outgoing) this.#shakeHands(admission.infoHash, admission.v2);
    this.#sayWhatWeHave(admission);
    if (extended) this.introduce();
    // Nobody here could tell what it has.
    if (admission.pieceCount === null) this.join(null);
  }

  /** It has said what it has. */
  join(bits: Bitfield | null): void {
    this.bits = bits;
    this.#move('first');
    this.#joined = true;
    (this.#admission as Admission).owner.joined(this);
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
}
