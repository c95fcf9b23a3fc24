/** Reliable ordered byte streams between processes: what TCP gives, and what the memory transport must give as well. */
import type { Failure } from '../protocol/result.ts';

export interface Address {
  /** An IP address, or a name that the transport resolves. No brackets around IPv6. */
  readonly host: string;
  /** 1 to 65535; 0 in `listen` lets the system choose. */
  readonly port: number;
}

export const formatAddress = ({ host, port }: Address): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

export type TransportFailure = Failure<
  'refused' | 'unreachable' | 'timeout' | 'in-use' | 'denied' | 'reset' | 'security' | 'aborted' | 'io'
>;

/** Names longer than this are no names (RFC 1035, 2.3.4). */
const HOST_LENGTH_MAX = 255;

/** Whether a dial there makes sense at all: addresses come from other machines too. */
export const isDialable = ({ host, port }: Address): boolean =>
  host.length > 0 && host.length <= HOST_LENGTH_MAX && Number.isInteger(port) && port >= 1 && port <= 65_535;

export const notDialable = ({ host, port }: Address): TransportFailure => ({
  code: 'unreachable',
  message: `"${host.slice(0, HOST_LENGTH_MAX)}" port ${port} is not an address`,
});

/**
 * `ended`: both sides have closed and every byte was delivered. Anything else is a failure; `aborted` when this side
 * called `abort`.
 */
export type CloseReason = { readonly kind: 'ended' } | { readonly kind: 'failed'; readonly error: TransportFailure };

/** TLS 1.3 with a pre-shared key. Nothing above the transport sees more of it. */
export interface Security {
  /** Tells which key is meant; not secret. */
  readonly identity: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** TLS with a certificate that an authority of this machine vouches for, as web servers have them. */
export interface CertifiedServer {
  /** A host name, or an IP address, that the certificate must be for. */
  readonly serverName: string;
}

export interface DialOptions {
  readonly security?: Security;
  /** Of foreign servers (trackers, web seeds by https); never together with `security`. The memory transport dials plain. */
  readonly tls?: CertifiedServer;
  readonly timeoutMs: number;
  readonly localHost?: string;
}

/**
 * What a connection tells its owner, each call inside a step. Order: `open` once (not when the dial fails), then any
 * number of `bytes` and `drain`, `end` at most once, and `closed` exactly once as the last.
 */
export interface ConnectionHandler {
  open(): void;
  /** The bytes are lent: they may be used only during the call. Cut at any boundary. */
  bytes(chunk: Uint8Array): void;
  /** The queue that made `send` say false is empty again. */
  drain(): void;
  /** The other side has closed its half: no more bytes will come. This side may go on sending. */
  end(): void;
  closed(reason: CloseReason): void;
}

export interface Connection {
  /** Unique within the transport. */
  readonly id: number;
  /** Known from `open` on. */
  readonly remote: Address;
  readonly local: Address;
  /**
   * Takes ownership of the bytes: the caller must not change them afterwards. False asks the caller to wait for `drain`
   * before it sends much more; the bytes are taken all the same. Bytes sent before `open` are kept; after `close`,
   * `abort` or `closed` they are dropped.
   *
   * `written`, where given, is told when the bytes are not needed any more and their memory may be used again. That may
   * never be told (the connection ends, the transport keeps them), it is told outside any step, and it is no event:
   * nothing but memory may depend on it.
   */
  send(bytes: Uint8Array, written?: () => void): boolean;
  /** Bytes taken by `send` that the system has not taken yet. */
  queuedBytes(): number;
  /** No `bytes` until `resume`; what was in flight stays with the transport, which makes the sender wait. */
  pause(): void;
  resume(): void;
  /** Closes this half after all that was sent has left. The other half stays open until the other side closes. */
  close(): void;
  /** Drops everything in both directions at once; the other side sees `reset`. */
  abort(): void;
}

export interface ListenHandler {
  listening(address: Address): void;
  /** A new connection; the answer is its handler (whose `open` follows at once), or null to refuse it. */
  connection(connection: Connection): ConnectionHandler | null;
  /** Somebody dialled without the right key, or without any; for the log. No connection came of it. */
  rejected?(error: TransportFailure): void;
  /** Could not listen, or stopped listening by itself. */
  failed(error: TransportFailure): void;
}

export interface Listener {
  /** Takes no more connections; those that are there stay. */
  close(): void;
}

export interface Transport {
  /** With several keys, `security` picks by the identity that the dialler names. */
  listen(address: Address, options: { readonly security?: readonly Security[] }, handler: ListenHandler): Listener;
  dial(address: Address, options: DialOptions, handler: ConnectionHandler): Connection;
}
