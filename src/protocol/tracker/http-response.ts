/** HTTP/1.1 responses: a reader for clients of trackers and web seeds, an encoder for a tracker. */
import type { Result } from '../result.ts';
import { fail, ok } from '../result.ts';
import type { HttpFields } from './http-head.ts';
import { contentLength, hasWord, printHttpHead, readHttpHead } from './http-head.ts';

export interface HttpResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly fields: HttpFields;
}

/** What a response comes as, in this order: one head, any number of pieces of its body, one end. */
export type HttpResponsePart =
  | { readonly kind: 'head'; readonly head: HttpResponseHead }
  /** A view of the bytes that were pushed: to be used before the next push. */
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  /** `keepAlive`: the connection may carry another request. */
  | { readonly kind: 'end'; readonly keepAlive: boolean };

export interface HttpResponseLimits {
  readonly headBytesMax: number;
  /** Of the body as it is, without the marks of chunks. */
  readonly bodyBytesMax: number;
}

const STATUS_LINE = /^HTTP\/1\.(\d) (\d{3})(?: (.*))?$/u;
const defaultLimits: HttpResponseLimits = { headBytesMax: 16_384, bodyBytesMax: 1_048_576 };
/** Digits of a chunk's size: enough for 2^48 bytes. */
const CHUNK_SIZE = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/iu;
const chunkLineBytesMax = 1_024;
const interimResponsesMax = 8;
const lineFeed = 0x0a;

type State = 'head' | 'fixed' | 'chunk size' | 'chunk' | 'chunk end' | 'trailer' | 'to the end' | 'done';

/** A violation leaves by this; it never leaves the file. */
class Violation {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Reads one response, to a request of one connection, from bytes cut at any boundary. */
export class HttpResponseReader {
  readonly #method: 'GET' | 'HEAD';
  readonly #limits: HttpResponseLimits;
  #state: State = 'head';
  #kept: Uint8Array = new Uint8Array();
  /** Of the body or the chunk. */
  #leftBytes = 0;
  #bodyBytes = 0;
  #trailerBytes = 0;
  #interims = 0;
  #keepAlive = false;
  #failed: Result<never> | null = null;

  constructor(method: 'GET' | 'HEAD', limits: Partial<HttpResponseLimits> = {}) {
    this.#method = method;
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** What has become whole with these bytes. Error: `http-invalid`, then and ever after. Never throws on bytes. */
  push(chunk: Uint8Array): Result<readonly HttpResponsePart[]> {
    return this.#read(chunk, false);
  }

  /** The other side has closed its half: that is the end of some bodies, and cuts others off. */
  end(): Result<readonly HttpResponsePart[]> {
    return this.#read(new Uint8Array(), true);
  }

  #read(chunk: Uint8Array, ended: boolean): Result<readonly HttpResponsePart[]> {
    if (this.#failed !== null) return this.#failed;
    const parts: HttpResponsePart[] = [];
    try {
      let bytes: Uint8Array = this.#kept.length === 0 ? chunk : new Uint8Array(Buffer.concat([this.#kept, chunk]));
      for (;;) {
        const used = this.#take(bytes, parts);
        if (used === null) break;
        bytes = bytes.subarray(used);
      }
      this.#keep(bytes);
      if (ended) this.#finish(parts);
      return ok(parts);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#failed = fail('http-invalid', `the answer is no HTTP: ${error.reason}`);
      return this.#failed;
    }
  }

  #keep(bytes: Uint8Array): void {
    const bytesMax = this.#state === 'head' ? this.#limits.headBytesMax : chunkLineBytesMax;
    if (bytes.length >= bytesMax) throw new Violation(`a head or a line of more than ${bytesMax} bytes`);
    this.#kept = new Uint8Array(bytes);
  }

  #finish(parts: HttpResponsePart[]): void {
    if (this.#state === 'done') return;
    if (this.#state !== 'to the end') throw new Violation('it is cut off');
    this.#end(parts);
  }

  /** Takes the next thing from the start of the bytes; answers how many it took, null where there is none yet. */
  #take(bytes: Uint8Array, parts: HttpResponsePart[]): number | null {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes, parts);
      case 'fixed':
      case 'chunk':
        return this.#takeBody(bytes, parts);
      case 'chunk size':
        return this.#takeLine(bytes, (line) => this.#beginChunk(line));
      case 'chunk end':
        return this.#takeLine(bytes, (line) => {
          if (line !== '') throw new Violation('a chunk is longer than it says');
          this.#state = 'chunk size';
        });
      case 'trailer':
        return this.#takeLine(bytes, (line) => this.#trail(line, parts));
      case 'to the end':
        if (bytes.length === 0) return null;
        this.#body(bytes, parts);
        return bytes.length;
      case 'done':
        if (bytes.length > 0) throw new Violation('more came than one response');
        return null;
    }
  }

  #takeHead(bytes: Uint8Array, parts: HttpResponsePart[]): number | null {
    const head = readHttpHead(bytes.subarray(0, this.#limits.headBytesMax));
    if (head === null) return null;
    if (typeof head === 'string') throw new Violation(head);
    const [, minor, digits, reason = ''] = STATUS_LINE.exec(head.startLine) ?? [];
    if (digits === undefined) throw new Violation('the status line is malformed');
    const status = Number(digits);
    if (status < 200 && status !== 101) {
      if (++this.#interims > interimResponsesMax) throw new Violation('too many interim responses');
      return head.bytesUsed;
    }
    const connection = head.fields.get('connection');
    this.#keepAlive = minor === '0' ? hasWord(connection, 'keep-alive') : !hasWord(connection, 'close');
    parts.push({ kind: 'head', head: { status, reason, fields: head.fields } });
    this.#beginBody(status, head.fields, parts);
    return head.bytesUsed;
  }

  /** How long the body is: RFC 9112, 6.3. */
  #beginBody(status: number, fields: HttpFields, parts: HttpResponsePart[]): void {
    const coding = fields.get('transfer-encoding');
    const length = contentLength(fields);
    if (this.#method === 'HEAD' || status === 101 || status === 204 || status === 304) return this.#end(parts);
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw new Violation('its transfer coding is unknown');
      this.#state = 'chunk size';
      return;
    }
    if (length === 'invalid') throw new Violation('its length is malformed');
    if (length === null) {
      this.#keepAlive = false;
      this.#state = 'to the end';
      return;
    }
    if (length > this.#limits.bodyBytesMax) throw new Violation(`its body is longer than ${this.#limits.bodyBytesMax} bytes`);
    if (length === 0) return this.#end(parts);
    this.#leftBytes = length;
    this.#state = 'fixed';
  }

  #beginChunk(line: string): void {
    const size = CHUNK_SIZE.exec(line)?.[1];
    if (size === undefined) throw new Violation('the size of a chunk is malformed');
    this.#leftBytes = Number.parseInt(size, 16);
    this.#state = this.#leftBytes === 0 ? 'trailer' : 'chunk';
  }

  #trail(line: string, parts: HttpResponsePart[]): void {
    this.#trailerBytes += line.length;
    if (this.#trailerBytes > this.#limits.headBytesMax) throw new Violation('its trailer is too long');
    if (line === '') this.#end(parts);
  }

  #takeBody(bytes: Uint8Array, parts: HttpResponsePart[]): number | null {
    if (bytes.length === 0) return null;
    const piece = bytes.subarray(0, Math.min(bytes.length, this.#leftBytes));
    this.#body(piece, parts);
    this.#leftBytes -= piece.length;
    if (this.#leftBytes > 0) return piece.length;
    if (this.#state === 'fixed') this.#end(parts);
    else this.#state = 'chunk end';
    return piece.length;
  }

  #body(bytes: Uint8Array, parts: HttpResponsePart[]): void {
    this.#bodyBytes += bytes.length;
    if (this.#bodyBytes > this.#limits.bodyBytesMax) throw new Violation(`its body is longer than ${this.#limits.bodyBytesMax} bytes`);
    parts.push({ kind: 'body', bytes });
  }

  #takeLine(bytes: Uint8Array, use: (line: string) => void): number | null {
    const end = bytes.subarray(0, chunkLineBytesMax).indexOf(lineFeed);
    if (end < 0) return null;
    use(Buffer.from(bytes.buffer, bytes.byteOffset, end).toString('latin1').replace(/\r$/u, ''));
    return end + 1;
  }

  #end(parts: HttpResponsePart[]): void {
    this.#state = 'done';
    parts.push({ kind: 'end', keepAlive: this.#keepAlive });
  }
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  416: 'Range Not Satisfiable',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
};

export interface HttpAnswer {
  readonly status: number;
  /** Without `Content-Length` and `Connection`. */
  readonly fields: Readonly<Record<string, string | number>>;
  readonly body: Uint8Array;
  readonly keepAlive: boolean;
  /** The answer to HEAD: the length is told, the body is not sent. */
  readonly headOnly: boolean;
}

/** A whole response. */
export const encodeHttpResponse = ({ status, fields, body, keepAlive, headOnly }: HttpAnswer): Uint8Array => {
  const head = printHttpHead(`HTTP/1.1 ${status} ${REASONS[status] ?? 'Unknown'}`, {
    ...fields,
    'Content-Length': body.length,
    Connection: keepAlive ? 'keep-alive' : 'close',
  });
  return headOnly ? head : new Uint8Array(Buffer.concat([head, body]));
};
