import net from 'node:net';
import tls from 'node:tls';
import type { Reactor } from '../../bus/reactor.ts';
import { isDialable, notDialable } from '../transport.ts';
import type {
  Address,
  CertifiedServer,
  Connection,
  ConnectionHandler,
  DialOptions,
  Listener,
  ListenHandler,
  Security,
  Transport,
} from '../transport.ts';
import { TcpConnection } from './connection.ts';
import type { ConnectionSettings } from './connection.ts';
import { certificateFailure, connectionFailure, insecure, OTHER_KEY, timedOut } from './failures.ts';
import { TcpListener } from './listener.ts';
import { readingInto } from './reading.ts';
import { certifiedOptions, checkSecurity, clientOptions, provedKey } from './security.ts';

export interface TcpOptions {
  /** `send` says false while more than this is queued. Default 1 MiB. */
  readonly sendHighWaterBytes?: number;
  /** Read at most this much at a time. Default 64 KiB. */
  readonly readBytesMax?: number;
  /** Time for a secured connection to prove its key. Default 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** Connections that have not proved their key yet, per listener. Default 256. */
  readonly handshakesMax?: number;
  /** Connections per listener, all kinds. Default 4,096. */
  readonly connectionsMax?: number;
  /** An idle connection is probed after this time, so that a vanished peer is noticed. Default 15 s. */
  readonly keepAliveAfterMs?: number;
  /** Certificates (PEM) of authorities that vouch for servers dialled with `tls`. Default: those that Node.js knows. */
  readonly authorities?: readonly string[];
}

export interface TcpTransport extends Transport {
  /** Stops listening and aborts every connection; each still tells `closed`. */
  shutdown(): void;
}

/** TCP, with TLS 1.3 under a pre-shared key where `security` is given. Every callback runs in a step of `reactor`. */
export const createTcpTransport = (reactor: Reactor, options: TcpOptions = {}): TcpTransport => new Tcp(reactor, options);

class Tcp implements TcpTransport {
  readonly #reactor: Reactor;
  readonly #options: Required<Omit<TcpOptions, 'authorities'>>;
  readonly #authorities: readonly string[] | undefined;
  readonly #settings: ConnectionSettings;
  readonly #connections = new Set<TcpConnection>();
  readonly #listeners = new Set<TcpListener>();
  #unflushed = new Set<TcpConnection>();
  #lastId = 0;

  constructor(reactor: Reactor, options: TcpOptions) {
    this.#reactor = reactor;
    this.#authorities = options.authorities;
    this.#options = {
      sendHighWaterBytes: 1_048_576,
      readBytesMax: 65_536,
      handshakeTimeoutMs: 10_000,
      handshakesMax: 256,
      connectionsMax: 4_096,
      keepAliveAfterMs: 15_000,
      ...options,
    };
    this.#settings = {
      reactor,
      sendHighWaterBytes: this.#options.sendHighWaterBytes,
      flushLater: (connection) => this.#unflushed.add(connection),
      forget: (connection) => this.#connections.delete(connection),
    };
    reactor.taps.on('stepped', () => this.#flush());
  }

  listen(address: Address, { security }: { readonly security?: readonly Security[] }, handler: ListenHandler): Listener {
    security?.forEach(checkSecurity);
    const listener = new TcpListener(++this.#lastId, this.#reactor, address, handler, {
      security,
      limits: this.#options,
      adopt: (remote) => this.#connection(remote, idle),
      forget: (closed) => this.#listeners.delete(closed),
    });
    this.#listeners.add(listener);
    return listener;
  }

  dial(address: Address, options: DialOptions, handler: ConnectionHandler): Connection {
    if (options.security !== undefined) checkSecurity(options.security);
    const connection = this.#connection(address, handler);
    if (!isDialable(address)) {
      connection.failed(notDialable(address));
      setImmediate(() => connection.finish());
      return connection;
    }
    const raw = this.#connect(address, options.localHost, connection);
    const timer = setTimeout(() => connection.giveUp(timedOut(address, options.timeoutMs)), options.timeoutMs);
    raw.once('close', () => clearTimeout(timer));
    const opened = (): void => {
      clearTimeout(timer);
      connection.open();
    };
    if (options.security !== undefined) {
      this.#secure(connection, raw, address, options.security, opened);
    } else if (options.tls !== undefined) {
      this.#certify(connection, raw, address, options.tls, opened);
    } else {
      connection.carry(raw, raw);
      raw.once('connect', opened);
    }
    return connection;
  }

  shutdown(): void {
    for (const listener of this.#listeners) listener.close();
    for (const connection of this.#connections) connection.abort();
  }

  #connect({ host, port }: Address, localHost: string | undefined, connection: TcpConnection): net.Socket {
    return net.connect({
      host,
      port,
      ...(localHost === undefined ? {} : { localAddress: localHost }),
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: this.#options.keepAliveAfterMs,
      onread: readingInto(this.#options.readBytesMax, (chunk) => connection.received(chunk)),
    });
  }

  #secure(connection: TcpConnection, raw: net.Socket, address: Address, security: Security, opened: () => void): void {
    const tooEarly = (error: unknown): void => connection.failed(connectionFailure(error, address));
    raw.on('error', tooEarly);
    // Until TLS takes over, the end of the TCP socket is the end of the connection.
    connection.carry(raw, raw);
    raw.once('connect', () => {
      const stream = tls.connect({ socket: raw, ...clientOptions(security) });
      connection.carry(stream, raw);
      stream.on('data', (chunk: Uint8Array) => connection.received(chunk));
      stream.once('secureConnect', () => {
        if (provedKey(stream)) opened();
        else connection.giveUp(insecure(address, OTHER_KEY));
      });
      stream.once('end', () => {
        if (!connection.opened) connection.giveUp(insecure(address, 'ended the handshake: is it a secured port of this network?'));
      });
    });
  }

  #certify(connection: TcpConnection, raw: net.Socket, address: Address, server: CertifiedServer, opened: () => void): void {
    raw.on('error', (error) => connection.failed(connectionFailure(error, address)));
    connection.carry(raw, raw);
    raw.once('connect', () => {
      const stream = tls.connect({ socket: raw, ...certifiedOptions(server, this.#authorities) });
      // Before the connection itself hears of it: what is wrong with a certificate is said in other words than with a key.
      stream.on('error', (error) => {
        if (!connection.opened) connection.failed(certificateFailure(error, address, server.serverName));
      });
      connection.carry(stream, raw);
      stream.on('data', (chunk: Uint8Array) => connection.received(chunk));
      stream.once('secureConnect', opened);
      stream.once('end', () => {
        if (!connection.opened) connection.giveUp(insecure(address, 'ended the handshake: does it speak TLS?'));
      });
    });
  }

  #connection(remote: Address, handler: ConnectionHandler): TcpConnection {
    const connection = new TcpConnection(++this.#lastId, remote, handler, this.#settings);
    this.#connections.add(connection);
    return connection;
  }

  #flush(): void {
    if (this.#unflushed.size === 0) return;
    const flushed = this.#unflushed;
    this.#unflushed = new Set();
    for (const connection of flushed) connection.flush();
  }
}

const idle: ConnectionHandler = { open() {}, bytes() {}, drain() {}, end() {}, closed() {} };
