import type { Clock, Micros } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { WebUrl } from '../../protocol/bittorrent/web-seed.ts';
import { encodeHttpRequest } from '../../protocol/tracker/http-request.ts';
import { type HttpResponseHead, type HttpResponsePart, HttpResponseReader } from '../../protocol/tracker/http-response.ts';
import { hostField } from '../../protocol/tracker/tracker-url.ts';
import type { CloseReason, Connection, ConnectionHandler, Transport } from '../../transports/transport.ts';
import { webSeedLimits } from './limits.ts';

/** How web servers are reached. */
export interface WebWays {
  readonly clock: Clock;
  readonly transport: Transport;
  /** This program and its version. */
  readonly client: string;
  /** Addresses of this machine to dial from, one of each family at most; none lets the system choose. */
  readonly localHosts: readonly string[];
}

/** Part of a file that is asked for, in bytes. */
export interface WebRange {
  readonly from: number;
  readonly length: number;
  readonly fileBytes: number;
}

/** What comes of a request: one head, its body, one end; or `failed` at any time, which ends the connection. */
export interface WebHandler {
  head(head: HttpResponseHead): void;
  /** The bytes are lent for the call. */
  body(bytes: Uint8Array): void;
  /** The answer is over. The connection takes another request where `reusable` says so. */
  end(): void;
  /** `stale`: an older connection that the server has given up; a new one may do. */
  failed(reason: string, stale: boolean): void;
}

/** One kept-alive connection to a web server: one request at a time. */
export class WebConnection implements ConnectionHandler {
  readonly url: WebUrl;
  readonly #ways: WebWays;
  readonly #handler: WebHandler;
  readonly #connection: Connection;
  #reader: HttpResponseReader | null = null;
  #requests = 0;
  #heard = false;
  #paused = false;
  #keepAlive = true;
  #over = false;
  #since: Micros;

  constructor(ways: WebWays, url: WebUrl, handler: WebHandler) {
    this.url = url;
    this.#ways = ways;
    this.#handler = handler;
    this.#since = ways.clock.now();
    const { localHosts } = ways;
    const localHost = localHosts.find((local) => local.includes(':') === url.host.includes(':')) ?? localHosts[0];
    this.#connection = ways.transport.dial(
      { host: url.host, port: url.port },
      {
        timeoutMs: webSeedLimits.dialTimeoutMs,
        ...(url.scheme === 'https' ? { tls: { serverName: url.host } } : {}),
        ...(localHost === undefined ? {} : { localHost }),
      },
      this,
    );
  }

  /** Whether it can carry a request to that server now. */
  reusable({ scheme, host, port }: WebUrl): boolean {
    const { url } = this;
    return !this.#over && this.#keepAlive && this.#reader === null && url.scheme === scheme && url.host === host && url.port === port;
  }

  request(url: WebUrl, { from, length, fileBytes }: WebRange): void {
    this.#reader = new HttpResponseReader('GET', { bodyBytesMax: Math.max(fileBytes, webSeedLimits.drainBytesMax) });
    this.#requests++;
    this.#heard = false;
    this.#since = this.#ways.clock.now();
    this.#connection.send(
      encodeHttpRequest('GET', url.target, {
        Host: hostField(url),
        'User-Agent': this.#ways.client,
        Accept: '*/*',
        'Accept-Encoding': 'identity',
        Range: `bytes=${from}-${from + length - 1}`,
        Connection: 'keep-alive',
      }),
    );
  }

  /** Once a second: who is silent for too long has failed; who has nothing to do is let go. */
  tick(now: Micros): void {
    if (this.#over || this.#paused) return;
    const quiet = now - this.#since;
    if (this.#reader === null) {
      if (quiet >= millis(webSeedLimits.idleMs)) this.abort();
    } else if (quiet >= millis(webSeedLimits.silenceMs)) this.#fail(`it is silent for ${webSeedLimits.silenceMs / 1_000} s`);
  }

  pause(): void {
    this.#paused = true;
    if (!this.#over) this.#connection.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#since = this.#ways.clock.now();
    if (!this.#over) this.#connection.resume();
  }

  /** Nothing more is heard of it. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.abort();
  }

  open(): void {
    this.#since = this.#ways.clock.now();
  }

  bytes(chunk: Uint8Array): void {
    if (this.#over) return;
    this.#since = this.#ways.clock.now();
    this.#heard = true;
    if (this.#reader === null) this.abort();
    else this.#take(this.#reader.push(chunk));
  }

  drain(): void {}

  end(): void {
    if (this.#over) return;
    this.#keepAlive = false;
    // A connection that was kept and is closed before an answer begins is no fault of anybody's.
    if (this.#reader === null || !this.#heard) this.#fail('it closed the connection');
    else this.#take(this.#reader.end());
    if (!this.#over && this.#reader === null) this.abort();
  }

  closed(reason: CloseReason): void {
    if (!this.#over) this.#fail(reason.kind === 'failed' ? reason.error.message : 'it closed the connection');
  }

  #take(read: ReturnType<HttpResponseReader['push']>): void {
    if (!read.ok) return this.#fail(read.error.message);
    for (const part of read.value) {
      if (this.#over) return;
      this.#tell(part);
    }
  }

  #tell(part: HttpResponsePart): void {
    if (part.kind === 'head') this.#handler.head(part.head);
    else if (part.kind === 'body') this.#handler.body(part.bytes);
    else {
      this.#reader = null;
      this.#keepAlive &&= part.keepAlive;
      this.#handler.end();
    }
  }

  #fail(reason: string): void {
    const asked = this.#reader !== null;
    const stale = asked && !this.#heard && this.#requests > 1;
    this.abort();
    if (asked) this.#handler.failed(reason, stale);
  }
}
