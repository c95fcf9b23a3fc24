/** One GET of a tracker, its redirects followed. */
import type { Clock, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { Failure, Result } from '../../protocol/result.ts';
import { fail, ok } from '../../protocol/result.ts';
import { replyBytesMax } from '../../protocol/tracker/announce-reply.ts';
import { encodeHttpRequest } from '../../protocol/tracker/http-request.ts';
import type { HttpResponseHead, HttpResponsePart } from '../../protocol/tracker/http-response.ts';
import { HttpResponseReader } from '../../protocol/tracker/http-response.ts';
import type { TrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import { hostField, readTrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import type { CloseReason, Connection, ConnectionHandler, Transport } from '../../transports/transport.ts';
import { trackerLimits } from './limits.ts';

export interface HttpDeps {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly userAgent: string;
  /** The local address to dial from, even where it cannot work; undefined lets the system choose. */
  localHostFor(host: string): string | undefined;
}

export interface HttpAnswerBody {
  readonly status: number;
  readonly reason: string;
  readonly body: Uint8Array;
}

export interface HttpGetHandler {
  /** Answered, whatever the status. Called once, in a later step; after `cancel` never. */
  answered(answer: HttpAnswerBody): void;
  /** `unreachable`: no connection came about. */
  failed(error: Failure, unreachable: boolean): void;
}

const redirectStatus = new Set([301, 302, 303, 307, 308]);

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

/** Where a redirect leads; not from TLS to plain text, nor from another machine to this one: a tracker could have this node's own doors knocked at. */
const redirectTarget = (from: TrackerUrl, location: string | undefined): Result<TrackerUrl> => {
  const target = location === undefined ? null : readTrackerUrl(location, from);
  if (target === null) return fail('tracker-redirect', 'the tracker redirects, and does not say where');
  if (!target.ok) return target;
  const { scheme, host } = target.value;
  if (scheme === 'udp') return fail('tracker-redirect', 'the tracker redirects to another protocol');
  if (from.scheme === 'https' && scheme === 'http') return fail('tracker-redirect', 'the tracker redirects from https to http');
  if (isLoopback(host) && !isLoopback(from.host)) return fail('tracker-redirect', 'the tracker redirects to this machine itself');
  return target;
};

/** The answer cancels it. */
export const httpGet = (deps: HttpDeps, url: TrackerUrl, handler: HttpGetHandler): (() => void) => {
  let get: Get | null = null;
  const follow = (target: TrackerUrl, redirects: number): void => {
    get = new Get(deps, target, {
      failed: (error, unreachable) => handler.failed(error, unreachable && redirects === 0),
      answered: (head, body) => {
        if (!redirectStatus.has(head.status)) {
          handler.answered({ status: head.status, reason: head.reason, body });
          return;
        }
        const next = redirectTarget(target, head.fields.get('location'));
        if (!next.ok) handler.failed(next.error, false);
        else if (redirects >= trackerLimits.redirectsMax) {
          handler.failed({ code: 'tracker-redirect', message: 'the tracker redirects without end' }, false);
        } else follow(next.value, redirects + 1);
      },
    });
  };
  follow(url, 0);
  return () => get?.cancel();
};

interface GetHandler {
  answered(head: HttpResponseHead, body: Uint8Array): void;
  failed(error: Failure, unreachable: boolean): void;
}

/** One connection for one request. */
class Get implements ConnectionHandler {
  readonly #deps: HttpDeps;
  readonly #handler: GetHandler;
  readonly #reader = new HttpResponseReader('GET', { bodyBytesMax: replyBytesMax });
  readonly #connection: Connection;
  readonly #parts: Uint8Array[] = [];
  #head: HttpResponseHead | null = null;
  #timer: TimerId;
  #opened = false;
  #over = false;

  constructor(deps: HttpDeps, url: TrackerUrl, handler: GetHandler) {
    this.#deps = deps;
    this.#handler = handler;
    const localHost = deps.localHostFor(url.host);
    this.#connection = deps.transport.dial(
      { host: url.host, port: url.port },
      {
        timeoutMs: trackerLimits.dialTimeoutMs,
        ...(url.scheme === 'https' ? { tls: { serverName: url.host } } : {}),
        ...(localHost === undefined ? {} : { localHost }),
      },
      this,
    );
    this.#timer = deps.clock.setTimer(millis(trackerLimits.answerTimeoutMs), () => {
      this.#fail({ code: 'timeout', message: `the tracker did not answer within ${trackerLimits.answerTimeoutMs / 1_000} s` });
    });
    this.#connection.send(
      encodeHttpRequest('GET', url.target, {
        Host: hostField(url),
        'User-Agent': deps.userAgent,
        Accept: '*/*',
        'Accept-Encoding': 'identity',
        Connection: 'close',
      }),
    );
  }

  cancel(): void {
    if (this.#over) return;
    this.#end();
    this.#connection.abort();
  }

  open(): void {
    this.#opened = true;
  }

  bytes(chunk: Uint8Array): void {
    if (!this.#over) this.#take(this.#reader.push(chunk));
  }

  drain(): void {}

  end(): void {
    if (!this.#over) this.#take(this.#reader.end());
    this.#connection.close();
  }

  closed(reason: CloseReason): void {
    this.#deps.clock.clearTimer(this.#timer);
    if (this.#over) return;
    this.#over = true;
    const error =
      reason.kind === 'failed' ? reason.error : { code: 'reset', message: 'the tracker closed the connection without an answer' };
    this.#handler.failed(error, !this.#opened);
  }

  #take(read: Result<readonly HttpResponsePart[]>): void {
    if (!read.ok) {
      this.#fail(read.error);
      return;
    }
    for (const part of read.value) {
      if (part.kind === 'head') this.#head = part.head;
      else if (part.kind === 'body') this.#parts.push(part.bytes.slice());
      else this.#answer();
    }
  }

  #answer(): void {
    const head = this.#head;
    if (head === null) return;
    this.#end();
    this.#connection.close();
    // Whoever does not close as well is cut off.
    this.#timer = this.#deps.clock.setTimer(millis(trackerLimits.lingerMs), () => this.#connection.abort());
    const coding = head.fields.get('content-encoding')?.toLowerCase() ?? 'identity';
    if (coding === 'identity') this.#handler.answered(head, new Uint8Array(Buffer.concat(this.#parts)));
    else this.#handler.failed({ code: 'http-invalid', message: 'the tracker compressed its answer, although it was asked not to' }, false);
  }

  #fail(error: Failure): void {
    if (this.#over) return;
    this.#end();
    this.#connection.abort();
    this.#handler.failed(error, !this.#opened);
  }

  #end(): void {
    this.#over = true;
    this.#deps.clock.clearTimer(this.#timer);
  }
}

/** The body of a good answer; a tracker that refuses in words may do so under any status. */
export const bodyOf = ({ status, reason, body }: HttpAnswerBody): Result<Uint8Array> =>
  status === 200 || body[0] === 0x64 ? ok(body) : fail('http-status', `the tracker answered ${status} ${reason}`.trim());
