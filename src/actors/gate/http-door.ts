/** The gate's door for HTTP (BEP 3, 48): one request after the other on each connection, everything bounded. */
import type { GateConfig } from '../../config/types.ts';
import type { Clock, TimerId } from '../../ports/clock.ts';
import { seconds } from '../../ports/clock.ts';
import { bytesOfIp, ipOfBytes } from '../../protocol/bittorrent/compact-peers.ts';
import { readAnnounceQuery } from '../../protocol/tracker/announce-query.ts';
import { encodeAnnounceReply, encodeRefusal } from '../../protocol/tracker/announce-reply.ts';
import { clientHost, type IpNetwork, isAmong, parseNetwork } from '../../protocol/tracker/forwarders.ts';
import { type HttpRequest, HttpRequestReader } from '../../protocol/tracker/http-request.ts';
import { encodeHttpResponse } from '../../protocol/tracker/http-response.ts';
import { encodeScrapeReply, readScrapeQuery } from '../../protocol/tracker/scrape.ts';
import type { Address, Connection, ConnectionHandler, Listener, Transport, TransportFailure } from '../../transports/transport.ts';
import type { Gate } from './gate.ts';

export interface HttpDoorDeps {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly gate: Pick<Gate, 'announce' | 'scrape'>;
  readonly limits: GateConfig['limits'];
  readonly trustedForwarders: readonly string[];
  /** What people read who come with a browser. */
  readonly network: string;
}

export interface DoorHandler {
  open(address: Address): void;
  failed(error: TransportFailure): void;
}

/** A connection on which no request comes, or no whole one, is closed after so long. */
const IDLE_SECONDS = 30;
/** So long a closed connection may take to be gone. */
const LINGER_SECONDS = 5;
const REQUESTS_PER_CONNECTION_MAX = 1_000;
/** Of answers that the client does not read. */
const QUEUED_BYTES_MAX = 262_144;
const SCRAPE_INTERVAL_SECONDS = 60;

/** `/PASSKEY/announce`, `/announce`, and the same with scrape. */
const TARGET = /^\/(?:(?<passkey>[^/]{1,256})\/)?(?<what>announce|scrape)$/u;

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' } as const;
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly fields?: Readonly<Record<string, string>>;
}

/** Without the form in which IPv6 writes IPv4. */
const plainIp = (host: string): string => ipOfBytes(bytesOfIp(host) ?? new Uint8Array(0)) ?? host;

export class HttpDoor {
  readonly #deps: HttpDoorDeps;
  readonly #trusted: readonly IpNetwork[];
  readonly #connections = new Set<Visit>();
  /** Connections by address. */
  readonly #visitors = new Map<string, number>();
  #listener: Listener | null = null;

  constructor(deps: HttpDoorDeps) {
    this.#deps = deps;
    this.#trusted = deps.trustedForwarders.map(parseNetwork).filter((network) => network !== null);
  }

  get connections(): number {
    return this.#connections.size;
  }

  open(address: Address, handler: DoorHandler): void {
    this.#listener = this.#deps.transport.listen(
      address,
      {},
      {
        listening: (at) => handler.open(at),
        failed: (error) => handler.failed(error),
        connection: (connection) => this.#admit(connection),
      },
    );
  }

  close(): void {
    this.#listener?.close();
    for (const visit of this.#connections) visit.leave();
  }

  #admit(connection: Connection): ConnectionHandler | null {
    const { connectionsMax, connectionsPerAddressMax } = this.#deps.limits;
    const { host } = connection.remote;
    const there = this.#visitors.get(host) ?? 0;
    // A forwarder that is trusted brings the connections of many.
    const mayCome = there < connectionsPerAddressMax || isAmong(host, this.#trusted);
    if (this.#connections.size >= connectionsMax || !mayCome) return null;
    this.#visitors.set(host, there + 1);
    const visit = new Visit(
      this.#deps,
      connection,
      (request, done) => this.#serve(request, plainIp(host), done),
      () => {
        this.#connections.delete(visit);
        const left = (this.#visitors.get(host) ?? 1) - 1;
        if (left > 0) this.#visitors.set(host, left);
        else this.#visitors.delete(host);
      },
    );
    this.#connections.add(visit);
    return visit;
  }

  #serve(request: HttpRequest, seen: string, done: (answer: Answer) => void): void {
    const { method, path, query, fields } = request;
    if (method !== 'GET' && method !== 'HEAD')
      return done({ status: 405, body: bytesOf('Only GET and HEAD.\n'), fields: { Allow: 'GET, HEAD' } });
    if (path === '/') return done({ status: 200, body: bytesOf(this.#welcome()) });
    const target = TARGET.exec(path)?.groups;
    if (target === undefined) return done({ status: 404, body: bytesOf(`There is nothing here.\n\n${this.#welcome()}`) });
    const host = plainIp(clientHost(seen, fields.get('x-forwarded-for'), this.#trusted));
    const caller = { host, passkey: target['passkey'] ?? null, family: 'any' as const };
    if (target['what'] === 'scrape') return this.#scrape(query, caller, done);
    const announce = readAnnounceQuery(query);
    if (!announce.ok) return done(malformed(announce.error.message));
    this.#deps.gate.announce(announce.value, caller, (answer) =>
      done({ status: 200, body: answer.kind === 'refusal' ? encodeRefusal(answer) : encodeAnnounceReply(answer, announce.value) }),
    );
  }

  #scrape(query: string, caller: Parameters<Gate['scrape']>[1], done: (answer: Answer) => void): void {
    const hashes = readScrapeQuery(query);
    if (!hashes.ok) return done(malformed(hashes.error.message));
    this.#deps.gate.scrape(hashes.value, caller, (answer) =>
      done({
        status: 200,
        body: answer.kind === 'refusal' ? encodeRefusal(answer) : encodeScrapeReply(answer.swarms, SCRAPE_INTERVAL_SECONDS),
      }),
    );
  }

  #welcome(): string {
    return `This is the announce gate of the Shoal network "${this.#deps.network}", for BitTorrent clients.\nMembers get their announce URL with: shoal passkey new\n`;
  }
}

/** A query that makes no sense: a client shows the reason, whatever the status. */
const malformed = (reason: string): Answer => ({ status: 200, body: encodeRefusal({ reason, retryInSeconds: null }) });

/** One connection. */
class Visit implements ConnectionHandler {
  readonly #deps: HttpDoorDeps;
  readonly #connection: Connection;
  readonly #serve: (request: HttpRequest, done: (answer: Answer) => void) => void;
  readonly #gone: () => void;
  readonly #reader: HttpRequestReader;
  #timer: TimerId | null = null;
  #busy = false;
  #closing = false;
  #ended = false;
  #served = 0;

  constructor(
    deps: HttpDoorDeps,
    connection: Connection,
    serve: (request: HttpRequest, done: (answer: Answer) => void) => void,
    gone: () => void,
  ) {
    this.#deps = deps;
    this.#connection = connection;
    this.#serve = serve;
    this.#gone = gone;
    this.#reader = new HttpRequestReader({ headBytesMax: deps.limits.requestBytesMax });
  }

  open(): void {
    this.#wait(IDLE_SECONDS);
  }

  bytes(chunk: Uint8Array): void {
    if (this.#closing) return;
    this.#reader.push(chunk);
    this.#next();
  }

  drain(): void {}

  end(): void {
    this.#ended = true;
    if (!this.#busy) this.leave();
  }

  closed(): void {
    this.#closing = true;
    this.#clear();
    this.#gone();
  }

  /** Closes it, after what was sent has left. */
  leave(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#connection.close();
    this.#connection.resume();
    this.#clear();
    this.#timer = this.#deps.clock.setTimer(seconds(LINGER_SECONDS), () => this.#connection.abort());
  }

  #next(): void {
    while (!this.#busy && !this.#closing) {
      const step = this.#reader.next();
      if (step.kind === 'more') {
        if (this.#ended) this.leave();
        return;
      }
      if (step.kind === 'violation') {
        this.#send({ status: step.status, body: bytesOf(`${step.reason}\n`) }, { keepAlive: false, headOnly: false });
        return this.leave();
      }
      this.#take(step.request);
    }
  }

  /** Nothing more is read until it is answered: what a client sends ahead waits in its own queue. */
  #take(request: HttpRequest): void {
    this.#busy = true;
    this.#clear();
    const keepAlive = request.keepAlive && ++this.#served < REQUESTS_PER_CONNECTION_MAX && !this.#ended;
    let atOnce = true;
    this.#serve(request, (answer) => {
      this.#busy = false;
      if (this.#closing) return;
      this.#send(answer, { keepAlive, headOnly: request.method === 'HEAD' });
      if (!keepAlive || this.#ended) return this.leave();
      this.#wait(IDLE_SECONDS);
      if (atOnce) return;
      this.#connection.resume();
      this.#next();
    });
    atOnce = false;
    if (this.#busy) this.#connection.pause();
  }

  #send({ status, body, fields = {} }: Answer, how: { readonly keepAlive: boolean; readonly headOnly: boolean }): void {
    this.#connection.send(encodeHttpResponse({ status, fields: { ...TEXT, ...fields }, body, ...how }));
    if (this.#connection.queuedBytes() > QUEUED_BYTES_MAX) this.#connection.abort();
  }

  #wait(time: number): void {
    this.#clear();
    this.#timer = this.#deps.clock.setTimer(seconds(time), () => this.leave());
  }

  #clear(): void {
    if (this.#timer !== null) this.#deps.clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}
