import type { Socket } from 'node:net';
import type { Reactor } from '../../bus/reactor.ts';
import type { Address, CloseReason, Connection, ConnectionHandler, TransportFailure } from '../transport.ts';
import { connectionFailure, insecure } from './failures.ts';
import { isTlsAlert } from './security.ts';

export interface ConnectionSettings {
  readonly reactor: Reactor;
  /** Above this many bytes queued, `send` says false. */
  readonly sendHighWaterBytes: number;
  /** Asks for `flush` at the end of the step. */
  readonly flushLater: (connection: TcpConnection) => void;
  /** Called once, after `closed`. */
  readonly forget: (connection: TcpConnection) => void;
}

/** Runs of sends up to this size are joined into one buffer of at most `JOINED_BYTES_MAX`: one write, one packet. */
const SMALL_SEND_BYTES_MAX = 1_024;
const JOINED_BYTES_MAX = 65_536;

/** An abort waits so long at most for a shutdown that is under way. */
const RESET_WAIT_MS = 1_000;

/** One TCP connection, plain or under TLS, as the contract wants it. Whoever makes it hands it the socket by `carry`. */
export class TcpConnection implements Connection {
  readonly id: number;
  #remote: Address;
  #local: Address = { host: '', port: 0 };
  readonly #settings: ConnectionSettings;
  #handler: ConnectionHandler;
  /** The stream that is read and written: the TCP socket itself or the TLS socket on top of it. */
  #stream: Socket | null = null;
  /** The TCP socket, which alone can be reset. */
  #raw: Socket | null = null;
  #outgoing: Uint8Array[] = [];
  /** Of what is in `#outgoing`: whom to tell that it has been written. */
  #writtenOutgoing: (() => void)[] = [];
  #outgoingBytes = 0;
  #opened = false;
  #heard = false;
  #paused = false;
  #closing = false;
  #ended = false;
  #aborted = false;
  #over = false;
  #finished = false;
  #drainWanted = false;
  #failure: TransportFailure | null = null;

  constructor(id: number, remote: Address, handler: ConnectionHandler, settings: ConnectionSettings) {
    this.id = id;
    this.#remote = remote;
    this.#handler = handler;
    this.#settings = settings;
  }

  get remote(): Address {
    return this.#remote;
  }

  get local(): Address {
    return this.#local;
  }

  /** For an accepted connection, whose handler is known only when its owner has seen it. */
  handleBy(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  send(bytes: Uint8Array, written?: () => void): boolean {
    if (this.#closing || this.#over || bytes.length === 0) return !this.#drainWanted;
    this.#outgoing.push(bytes);
    if (written !== undefined) this.#writtenOutgoing.push(written);
    this.#outgoingBytes += bytes.length;
    this.#flushAtEndOfStep();
    if (this.queuedBytes() > this.#settings.sendHighWaterBytes) this.#drainWanted = true;
    return !this.#drainWanted;
  }

  queuedBytes(): number {
    return this.#over ? 0 : this.#outgoingBytes + (this.#stream?.writableLength ?? 0);
  }

  pause(): void {
    this.#paused = true;
    if (this.#opened) this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#opened) this.#stream?.resume();
  }

  close(): void {
    if (this.#closing || this.#over) return;
    this.#closing = true;
    this.#flushAtEndOfStep();
  }

  abort(): void {
    if (this.#over) return;
    this.#aborted = true;
    this.#over = true;
    this.#outgoing = [];
    this.#writtenOutgoing = [];
    this.#outgoingBytes = 0;
    this.#reset();
  }

  // What follows is for the transport, not for the connection's owner.

  /** Reads and writes through `stream` from now on; `raw` is the TCP socket below it, or the same. */
  carry(stream: Socket, raw: Socket): void {
    this.#stream = stream;
    this.#raw = raw;
    stream.on('error', (error) => this.failed(connectionFailure(error, this.#remote)));
    stream.on('end', () => this.#end());
    stream.on('close', () => this.finish());
    if (this.#aborted) this.#reset();
  }

  /** The connection stands: tells its owner, inside a step that is under way or in one of its own. */
  open(): void {
    const stream = this.#stream as Socket;
    this.#opened = true;
    this.#remote = endpoint(stream.remoteAddress, stream.remotePort) ?? this.#remote;
    this.#local = endpoint(stream.localAddress, stream.localPort) ?? this.#local;
    if (this.#settings.reactor.stepping) this.#handler.open();
    else this.#step('open', () => this.#handler.open());
    this.#flushAtEndOfStep();
    if (this.#over) return;
    if (this.#paused) stream.pause();
    else stream.resume();
  }

  get over(): boolean {
    return this.#over;
  }

  get opened(): boolean {
    return this.#opened;
  }

  /** Bytes came from the other side; lent. */
  received(chunk: Uint8Array): void {
    if (this.#over) return;
    if (!this.#heard) {
      this.#heard = true;
      if (isTlsAlert(chunk)) {
        this.giveUp(insecure(this.#remote, 'takes secured connections only; this one was plain'));
        return;
      }
    }
    this.#step('bytes', () => this.#handler.bytes(chunk), chunk);
  }

  /** Remembers why the connection ends; the first reason counts. */
  failed(error: TransportFailure): void {
    this.#failure ??= error;
  }

  /** Ends a connection that cannot be made or kept. */
  giveUp(error: TransportFailure): void {
    this.failed(error);
    this.#over = true;
    this.#raw?.destroy();
  }

  /** Hands what was sent in this step to the system: as few writes as can be, large buffers uncopied. */
  flush(): void {
    const stream = this.#stream;
    if (!this.#opened || this.#over || stream === null) return;
    const pieces = joinSmall(this.#outgoing);
    const onWritten = this.#tellingWritten(this.#writtenOutgoing);
    this.#outgoing = [];
    this.#writtenOutgoing = [];
    this.#outgoingBytes = 0;
    if (pieces.length > 1) stream.cork();
    for (let i = 0; i < pieces.length; i++) {
      if (i === pieces.length - 1) stream.write(pieces[i] as Uint8Array, onWritten);
      else stream.write(pieces[i] as Uint8Array);
    }
    if (pieces.length > 1) stream.uncork();
    if (stream.writableLength === 0) this.#endIfClosing();
  }

  /** The last event. Also for a dial that failed before there was a socket. */
  finish(): void {
    if (this.#finished || (this.#stream !== null && !this.#stream.destroyed)) return;
    this.#finished = true;
    const reason = this.#reason();
    this.#over = true;
    this.#outgoing = [];
    this.#writtenOutgoing = [];
    this.#stream = null;
    this.#raw = null;
    this.#settings.forget(this);
    this.#step('closed', () => this.#handler.closed(reason));
  }

  #reason(): CloseReason {
    if (this.#aborted) return failedBy({ code: 'aborted', message: 'The connection was aborted on this side' });
    if (this.#failure !== null) return failedBy(this.#failure);
    if (this.#ended && this.#closing) return { kind: 'ended' };
    return failedBy({ code: 'reset', message: 'The connection broke off' });
  }

  #end(): void {
    if (this.#over || !this.#opened || this.#ended) return;
    this.#ended = true;
    this.#step('end', () => this.#handler.end());
  }

  readonly #onWritten = (): void => {
    if (this.#over || this.queuedBytes() > 0) return;
    this.#endIfClosing();
    if (!this.#drainWanted || this.#closing) return;
    this.#drainWanted = false;
    this.#step('drain', () => this.#handler.drain());
  };

  /** A write that has failed may still be under way: its memory is left to the garbage collector. */
  #tellingWritten(written: readonly (() => void)[]): (error?: Error | null) => void {
    if (written.length === 0) return this.#onWritten;
    return (error) => {
      if (error === undefined || error === null) for (const tell of written) tell();
      this.#onWritten();
    };
  }

  /** Only behind the last write: a socket with a shutdown under way cannot be reset, so it must be a short one. */
  #endIfClosing(): void {
    if (this.#closing && this.#stream?.writableEnded === false) this.#stream.end();
  }

  #reset(): void {
    const raw = this.#raw;
    const stream = this.#stream;
    if (raw === null || stream === null) return;
    if (raw.connecting) raw.destroy();
    else if (stream.writableEnded && !stream.writableFinished) this.#resetBehindShutdown(stream, raw);
    else raw.resetAndDestroy();
  }

  #resetBehindShutdown(stream: Socket, raw: Socket): void {
    const timer = setTimeout(() => raw.destroy(), RESET_WAIT_MS);
    stream.once('finish', () => raw.resetAndDestroy());
    stream.once('close', () => clearTimeout(timer));
  }

  #flushAtEndOfStep(): void {
    if (!this.#opened) return;
    if (this.#settings.reactor.stepping) this.#settings.flushLater(this);
    else this.flush();
  }

  #step(kind: string, run: () => void, bytes?: Uint8Array): void {
    const cause = { port: 'transport', id: this.id, kind } as const;
    this.#settings.reactor.step(bytes === undefined ? cause : { ...cause, bytes }, run);
  }
}

const failedBy = (error: TransportFailure): CloseReason => ({ kind: 'failed', error });

/** IPv4 that came through an IPv6 socket is shown as IPv4. */
const endpoint = (host: string | undefined, port: number | undefined): Address | null =>
  host === undefined || port === undefined ? null : { host: host.startsWith('::ffff:') ? host.slice(7) : host, port };

/** Joins neighbours that are small; all others stay the buffers they are. */
const joinSmall = (parts: readonly Uint8Array[]): readonly Uint8Array[] => {
  if (parts.length < 2) return parts;
  const joined: Uint8Array[] = [];
  for (let i = 0; i < parts.length;) {
    let bytes = 0;
    let next = i;
    while (next < parts.length && (parts[next] as Uint8Array).length <= SMALL_SEND_BYTES_MAX && bytes < JOINED_BYTES_MAX) {
      bytes += (parts[next++] as Uint8Array).length;
    }
    if (next - i > 1) joined.push(Buffer.concat(parts.slice(i, next), bytes));
    else joined.push(parts[(next = i + 1) - 1] as Uint8Array);
    i = next;
  }
  return joined;
};
