/** HTTP/1.1 requests as a tracker gets them: GET and HEAD without a body, one after the other on a connection. */
import type { HttpFields } from './http-head.ts';
import { contentLength, hasWord, printHttpHead, readHttpHead } from './http-head.ts';

export interface HttpRequest {
  readonly method: string;
  /** What stands before the question mark; begins with a slash, percent-encoded as it came. */
  readonly path: string;
  /** What stands after it, percent-encoded as it came; empty where there is none. */
  readonly query: string;
  readonly fields: HttpFields;
  /** Whether the client may send another request on this connection. */
  readonly keepAlive: boolean;
}

export interface HttpRequestLimits {
  /** Of request line and fields together; the request line may take half of it. */
  readonly headBytesMax: number;
}

/** What a reader has of a connection. A violation ends it: answer with `status` and close. */
export type HttpRequestStep =
  | { readonly kind: 'request'; readonly request: HttpRequest }
  | { readonly kind: 'more' }
  | { readonly kind: 'violation'; readonly status: 400 | 413 | 414 | 431 | 505; readonly reason: string };

const REQUEST_LINE = /^([A-Z]{1,16}) (\S+) HTTP\/(\d)\.(\d)$/u;
const AUTHORITY = /^https?:\/\/[^/?#]*/iu;
const defaultLimits: HttpRequestLimits = { headBytesMax: 8_192 };

/**
 * Cuts a connection's bytes into requests. It keeps what was pushed and not taken: whoever pauses the connection while a request is
 * answered keeps that below one delivery of the transport and `headBytesMax`.
 */
export class HttpRequestReader {
  readonly #limits: HttpRequestLimits;
  #bytes: Uint8Array = new Uint8Array();
  #violation: Extract<HttpRequestStep, { kind: 'violation' }> | null = null;

  constructor(limits: Partial<HttpRequestLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** Takes bytes as they come; they are copied. */
  push(chunk: Uint8Array): void {
    if (this.#violation === null) this.#bytes = new Uint8Array(Buffer.concat([this.#bytes, chunk]));
  }

  /** Bytes that belong to no request that was taken: none between requests. */
  get bufferedBytes(): number {
    return this.#bytes.length;
  }

  /** The next request, if all of it is there. After a violation always that. */
  next(): HttpRequestStep {
    if (this.#violation !== null) return this.#violation;
    const { headBytesMax } = this.#limits;
    const head = readHttpHead(this.#bytes.subarray(0, headBytesMax));
    if (head === null) {
      if (this.#bytes.length < headBytesMax) return { kind: 'more' };
      // Without an end of line it is the request line that is too long.
      return this.#bytes.includes(0x0a)
        ? this.#violate(431, `the head of a request may have ${headBytesMax} bytes`)
        : this.#violate(414, 'the request line is too long');
    }
    if (typeof head === 'string') return this.#violate(400, head);
    this.#bytes = this.#bytes.subarray(head.bytesUsed);
    return this.#read(head.startLine, head.fields);
  }

  #read(startLine: string, fields: HttpFields): HttpRequestStep {
    const [, method, target, major, minor] = REQUEST_LINE.exec(startLine) ?? [];
    if (method === undefined || target === undefined) return this.#violate(400, 'the request line is malformed');
    if (major !== '1') return this.#violate(505, 'this server speaks HTTP/1.1');
    if (startLine.length > this.#limits.headBytesMax / 2) return this.#violate(414, 'the request line is too long');
    if (fields.has('transfer-encoding') || (contentLength(fields) ?? 0) !== 0) {
      return this.#violate(413, 'requests have no body here');
    }
    const local = target.replace(AUTHORITY, '').replace(/#.*$/u, '');
    const question = local.indexOf('?');
    const path = question < 0 ? local : local.slice(0, question);
    if (!path.startsWith('/') && !(path === '' && AUTHORITY.test(target))) return this.#violate(400, 'the request target is malformed');
    const connection = fields.get('connection');
    return {
      kind: 'request',
      request: {
        method,
        path: path === '' ? '/' : path,
        query: question < 0 ? '' : local.slice(question + 1),
        fields,
        keepAlive: minor === '0' ? hasWord(connection, 'keep-alive') : !hasWord(connection, 'close'),
      },
    };
  }

  #violate(status: 400 | 413 | 414 | 431 | 505, reason: string): HttpRequestStep {
    this.#bytes = new Uint8Array();
    this.#violation = { kind: 'violation', status, reason };
    return this.#violation;
  }
}

/** A request without a body. `target` is path and query, percent-encoded. */
export const encodeHttpRequest = (method: 'GET' | 'HEAD', target: string, fields: Readonly<Record<string, string | number>>): Uint8Array =>
  printHttpHead(`${method} ${target} HTTP/1.1`, fields);
