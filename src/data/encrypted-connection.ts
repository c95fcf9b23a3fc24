import type { StreamAgreement, StreamInitiator, StreamResponder, StreamStep } from '../protocol/bittorrent/stream-encryption.ts';
import { initialBytesMax } from '../protocol/bittorrent/stream-encryption.ts';
import type { Address, CloseReason, Connection, ConnectionHandler } from '../transports/transport.ts';

const none = new Uint8Array(0);

/**
 * A connection below a peer on which the two sides first agree whether and how they encrypt (MSE). To the peer it is a
 * connection, to the transport a handler; once plain text is agreed, it only hands on.
 */
export class EncryptedConnection implements Connection, ConnectionHandler {
  readonly #owner: ConnectionHandler;
  readonly #side: StreamInitiator | StreamResponder;
  #inner: Connection | null = null;
  /** Sent by the peer before the sides agreed; bounded, because a peer says no more than its handshake before it has heard one. */
  #waiting: Uint8Array = none;
  #agreed: Pick<StreamAgreement, 'encrypt' | 'decrypt'> | null = null;
  #over = false;
  /** Decrypted bytes are lent from here, as the transport lends its own. */
  #lent = none;

  /** Makes the two sides; `StreamInitiator` takes what waits by `initial`. */
  constructor(owner: ConnectionHandler, side: (initial: () => Uint8Array) => StreamInitiator | StreamResponder) {
    this.#owner = owner;
    this.#side = side(() => {
      const initial = this.#waiting;
      this.#waiting = none;
      return initial;
    });
  }

  carry(connection: Connection): void {
    this.#inner = connection;
  }

  /** Whether bytes are encrypted; null before that is agreed. */
  get encrypted(): boolean | null {
    return this.#agreed === null ? null : this.#agreed.encrypt !== null;
  }

  // ---- To the transport --------------------------------------------------------------------------------------------

  open(): void {
    this.#owner.open();
    if ('hello' in this.#side) this.#inner?.send(this.#side.hello());
  }

  bytes(chunk: Uint8Array): void {
    if (this.#over) return;
    if (this.#agreed === null) this.#step(this.#side.push(chunk));
    else if (this.#agreed.decrypt === null) this.#owner.bytes(chunk);
    else {
      if (this.#lent.length < chunk.length) this.#lent = new Uint8Array(chunk.length);
      this.#agreed.decrypt.crypt(chunk, this.#lent);
      this.#owner.bytes(this.#lent.subarray(0, chunk.length));
    }
  }

  drain(): void {
    this.#owner.drain();
  }

  end(): void {
    this.#owner.end();
  }

  closed(reason: CloseReason): void {
    this.#over = true;
    this.#owner.closed(reason);
  }

  // ---- To the peer -------------------------------------------------------------------------------------------------

  get id(): number {
    return this.#connection.id;
  }

  get remote(): Address {
    return this.#connection.remote;
  }

  get local(): Address {
    return this.#connection.local;
  }

  send(bytes: Uint8Array, written?: () => void): boolean {
    if (this.#agreed === null) {
      if (this.#waiting.length + bytes.length > initialBytesMax) this.abort();
      else this.#waiting = Buffer.concat([this.#waiting, bytes]);
      return true;
    }
    if (this.#agreed.encrypt === null) return this.#connection.send(bytes, written);
    const sent = new Uint8Array(bytes.length);
    this.#agreed.encrypt.crypt(bytes, sent);
    return this.#connection.send(sent, written);
  }

  queuedBytes(): number {
    return this.#waiting.length + this.#connection.queuedBytes();
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  close(): void {
    this.#connection.close();
  }

  abort(): void {
    this.#over = true;
    this.#connection.abort();
  }

  // ------------------------------------------------------------------------------------------------------------------

  get #connection(): Connection {
    if (this.#inner === null) throw new Error('An encrypted connection that nothing carries');
    return this.#inner;
  }

  #step(step: StreamStep): void {
    if (step.kind === 'failed') return this.abort();
    if (step.kind !== 'plain' && step.send !== null) this.#connection.send(step.send);
    if (step.kind === 'more') return undefined;
    this.#agreed = step.kind === 'plain' ? { encrypt: null, decrypt: null } : step.agreement;
    const early = step.kind === 'plain' ? step.early : step.agreement.early;
    if (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = none;
      this.send(waiting);
    }
    if (early.length > 0) this.#owner.bytes(early);
    return undefined;
  }
}
