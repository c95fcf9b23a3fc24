import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import tls from 'node:tls';
import type { Reactor } from '../../bus/reactor.ts';
import type { Address, Listener, ListenHandler, Security } from '../transport.ts';
import type { TcpConnection } from './connection.ts';
import { insecure, listenFailure } from './failures.ts';
import { readAccepted } from './reading.ts';
import { PLAIN_CLIENT_ALERT, serverOptions } from './security.ts';

/** See `TcpOptions`. */
interface ListenerLimits {
  readonly readBytesMax: number;
  readonly handshakeTimeoutMs: number;
  readonly handshakesMax: number;
  readonly connectionsMax: number;
  readonly keepAliveAfterMs: number;
}

interface ListenerSetup {
  readonly security: readonly Security[] | undefined;
  readonly limits: ListenerLimits;
  /** Makes the connection for a socket that was accepted. */
  readonly adopt: (remote: Address) => TcpConnection;
  readonly forget: (listener: TcpListener) => void;
}

/** Accepted connections that the system holds until this process takes them. */
const BACKLOG = 1_024;

/** A listening port. Secured connections are shown to the owner only once they have proved their key. */
export class TcpListener implements Listener {
  readonly #id: number;
  readonly #reactor: Reactor;
  readonly #address: Address;
  readonly #handler: ListenHandler;
  readonly #setup: ListenerSetup;
  readonly #server: net.Server;
  /** Connections under handshake, by the address they came from. */
  readonly #handshakes = new Map<string, Socket>();
  /** Connections that live, under handshake or past it. */
  #connections = 0;
  #closed = false;

  constructor(id: number, reactor: Reactor, address: Address, handler: ListenHandler, setup: ListenerSetup) {
    this.#id = id;
    this.#reactor = reactor;
    this.#address = address;
    this.#handler = handler;
    this.#setup = setup;
    this.#server = setup.security === undefined ? this.#plainServer() : this.#securedServer(setup.security);
    this.#server.on('error', (error) => this.#failed(error));
    this.#server.on('listening', () => this.#listening());
    this.#server.listen({ host: address.host, port: address.port, backlog: BACKLOG, exclusive: true });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#setup.forget(this);
    this.#server.close();
    for (const raw of this.#handshakes.values()) raw.destroy();
  }

  #socketOptions(): net.ServerOpts {
    return { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: this.#setup.limits.keepAliveAfterMs };
  }

  #plainServer(): net.Server {
    return net.createServer({ ...this.#socketOptions(), pauseOnConnect: true }, (accepted) => {
      if (this.#full()) {
        accepted.destroy();
        return;
      }
      const connection = this.#adopt(accepted);
      const socket = readAccepted(accepted, this.#setup.limits.readBytesMax, (chunk) => connection.received(chunk));
      this.#count(socket);
      this.#show(connection, socket, socket);
    });
  }

  #securedServer(keys: readonly Security[]): net.Server {
    const { handshakeTimeoutMs, handshakesMax } = this.#setup.limits;
    const server = tls.createServer({ ...this.#socketOptions(), ...serverOptions(keys, handshakeTimeoutMs) });
    server.on('connection', (raw: Socket) => {
      // TLS reports what goes wrong; without a listener an early error would end the process.
      raw.on('error', () => {});
      const key = origin(raw);
      if (this.#full() || this.#handshakes.size >= handshakesMax || key === null) {
        raw.destroy();
        return;
      }
      this.#count(raw);
      this.#handshakes.set(key, raw);
      raw.once('close', () => this.#handshakes.delete(key));
    });
    server.on('secureConnection', (stream) => {
      const key = origin(stream);
      const raw = key === null ? undefined : this.#handshakes.get(key);
      if (key === null || raw === undefined) {
        stream.destroy();
        return;
      }
      this.#handshakes.delete(key);
      const connection = this.#adopt(stream);
      stream.on('data', (chunk: Uint8Array) => connection.received(chunk));
      this.#show(connection, stream, raw);
    });
    server.on('tlsClientError', (error, stream) => this.#refused(error, stream));
    return server;
  }

  #full(): boolean {
    return this.#closed || this.#connections >= this.#setup.limits.connectionsMax;
  }

  #count(socket: Socket): void {
    this.#connections++;
    socket.once('close', () => this.#connections--);
  }

  #adopt(socket: Socket): TcpConnection {
    // A socket for both families shows IPv4 in IPv6 clothes; everywhere else such a peer has its own address.
    const host = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/u, '');
    return this.#setup.adopt({ host, port: socket.remotePort ?? 0 });
  }

  #show(connection: TcpConnection, stream: Socket, raw: Socket): void {
    connection.carry(stream, raw);
    this.#step('connection', () => {
      const handler = this.#handler.connection(connection);
      if (handler === null) {
        connection.abort();
        return;
      }
      connection.handleBy(handler);
      if (!connection.over) connection.open();
    });
  }

  /** A connection that did not prove its key. A plain client is told so in the one way that it may understand. */
  #refused(error: NodeJS.ErrnoException, stream: tls.TLSSocket): void {
    const key = origin(stream);
    const raw = key === null ? undefined : this.#handshakes.get(key);
    const plain = PLAIN_CLIENT_CODES.has(error.code ?? '') || raw?.bytesRead === 0;
    if (plain && raw !== undefined && !raw.destroyed) raw.write(PLAIN_CLIENT_ALERT);
    stream.destroy();
    if (this.#closed || error.code === 'ECONNRESET') return;
    const remote = { host: stream.remoteAddress ?? '', port: stream.remotePort ?? 0 };
    const why = plain ? 'is not secured, and this port takes secured connections only' : "did not prove that it has the network's key";
    this.#step('rejected', () => this.#handler.rejected?.(insecure(remote, why)));
  }

  #listening(): void {
    if (this.#closed) return;
    const { address, port } = this.#server.address() as AddressInfo;
    this.#step('listening', () => this.#handler.listening({ host: address, port }));
  }

  #failed(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#setup.forget(this);
    this.#server.close();
    this.#step('failed', () => this.#handler.failed(listenFailure(error, this.#address)));
  }

  #step(kind: string, run: () => void): void {
    this.#reactor.step({ port: 'transport', id: this.#id, kind }, run);
  }
}

/** What OpenSSL says of bytes that are no TLS record. */
const PLAIN_CLIENT_CODES: ReadonlySet<string> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
]);

const origin = ({ remoteAddress, remotePort }: Socket): string | null =>
  remoteAddress === undefined || remotePort === undefined ? null : `${remoteAddress} ${remotePort}`;
