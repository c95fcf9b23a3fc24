import type { Picker } from '../../domain/transfer/picker.ts';
import type { FileRange } from '../../domain/transfer/web-seed-ranges.ts';
import type { Inbound } from '../inbound.ts';
import type { Request } from '../requests.ts';

const ZEROS = new Uint8Array(16 * 1024);

/** Turns bytes of file ranges into blocks of pieces, in their order. Blocks that somebody else brings meanwhile are dropped. */
export class BlockFeed {
  readonly #key: number;
  readonly #name: string;
  readonly #requests: readonly Request[];
  readonly #to: { readonly picker: Picker; readonly inbound: Inbound };
  readonly #block: (request: Request) => void;
  #range: FileRange | null = null;
  #part = 0;
  #partDone = 0;
  #missing = 0;
  /** Blocks that are over, from the first on. */
  #past = 0;
  /** The block that is coming in; whether its bytes are kept. */
  #current: { readonly request: Request; readonly kept: boolean } | null = null;

  constructor(
    key: number,
    name: string,
    requests: readonly Request[],
    to: { readonly picker: Picker; readonly inbound: Inbound },
    block: (request: Request) => void,
  ) {
    this.#key = key;
    this.#name = name;
    this.#requests = requests;
    this.#to = to;
    this.#block = block;
  }

  /** Bytes of the range that have not come. */
  get missing(): number {
    return this.#missing;
  }

  /** Whether the request is over, with or without its bytes. */
  isPast(request: Request): boolean {
    return this.#requests.indexOf(request) < this.#past;
  }

  /** What is taken from now on is this range, from its start. */
  begin(range: FileRange): void {
    this.#range = range;
    this.#part = 0;
    this.#partDone = 0;
    this.#missing = range.length;
  }

  zeros(): void {
    while (this.#missing > 0) this.take(ZEROS.subarray(0, Math.min(ZEROS.length, this.#missing)));
  }

  /** Not more than is missing. */
  take(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const part = this.#range?.parts[this.#part];
      if (part === undefined) return;
      const chunk = rest.subarray(0, part.length - this.#partDone);
      const request = this.#requests[part.run] as Request;
      this.#put(request, part.offset + this.#partDone, chunk);
      this.#partDone += chunk.length;
      this.#missing -= chunk.length;
      rest = rest.subarray(chunk.length);
      if (this.#partDone < part.length) continue;
      this.#part++;
      this.#partDone = 0;
    }
  }

  /** No more comes of the block that is coming in. */
  broken(): void {
    if (this.#current?.kept === true) this.#to.inbound.broken(this.#current.request);
    this.#current = null;
  }

  #put(request: Request, offset: number, chunk: Uint8Array): void {
    const { inbound, picker } = this.#to;
    if (offset === 0) this.#current = { request, kept: inbound.start(this.#key, request) };
    const kept = this.#current?.kept === true;
    if (kept) inbound.bytes(request, offset, chunk);
    if (offset + chunk.length < request.range.length) return;
    this.#current = null;
    this.#past++;
    if (!kept) picker.released(request.run);
    else {
      this.#block(request);
      inbound.end(this.#name, request);
    }
  }
}
