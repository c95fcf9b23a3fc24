/** The true bytes of what the nodes of a run share, and where a node has them. */
import { choosePieceLength } from '../../src/protocol/bittorrent/make-plan.ts';
import type { ProcessName } from '../plan/types.ts';
import { contentOf } from '../scenarios/scenario.ts';
import type { Asked } from '../world/observer.ts';
import type { RunView } from './checker.ts';

/** A content by what it is made of. */
export interface Content {
  readonly number: number;
  readonly bytes: number;
}

/** Bytes of contents that are kept in memory. */
const CACHE_MAX = 32;

const NAME = /^\/(?<node>[^/]+)\/.*\/(?<bytes>\d+)\/content(?<number>\d+)\.bin$/u;

export class Contents {
  readonly #run: RunView;
  readonly #shares = new Map<number, { readonly node: ProcessName; readonly content: Content }>();
  readonly #byId = new Map<string, Content>();
  readonly #bytes = new Map<string, Uint8Array>();
  /** When the time of the plan began; null before that. */
  #begunMicros: number | null = null;

  constructor(run: RunView) {
    this.#run = run;
  }

  /** Of the catalog's ids, from shares that were answered. */
  byId(id: string): Content | null {
    return this.#byId.get(id) ?? null;
  }

  called(id: number, asked: Asked): void {
    this.#begunMicros ??= this.#run.now();
    if (asked.call !== 'share' || !Array.isArray(asked.args['paths'])) return;
    const { node, number, bytes } = NAME.exec(String(asked.args['paths'][0]))?.groups ?? {};
    if (node === undefined || number === undefined || bytes === undefined) return;
    this.#shares.set(id, { node, content: { number: Number(number), bytes: Number(bytes) } });
  }

  answered(id: number, value: object): void {
    const share = this.#shares.get(id);
    const { id: name } = value as { readonly id?: unknown };
    // What has rotted before it was shared is another content, of which nobody knows what it should be.
    if (share !== undefined && typeof name === 'string' && !this.mayHaveRotted(share.node)) this.#byId.set(name, share.content);
  }

  truth({ number, bytes }: Content): Uint8Array {
    const key = `${number}/${bytes}`;
    let truth = this.#bytes.get(key);
    if (truth !== undefined) return truth;
    const [oldest] = this.#bytes.keys();
    if (this.#bytes.size >= CACHE_MAX && oldest !== undefined) this.#bytes.delete(oldest);
    truth = contentOf(`content ${number}`, bytes);
    this.#bytes.set(key, truth);
    return truth;
  }

  /** The pieces of which a file has the true bytes. */
  wrongPiece(content: Content, file: Uint8Array, pieces: Iterable<number>): number | null {
    const truth = this.truth(content);
    const length = choosePieceLength(content.bytes);
    for (const piece of pieces) {
      const from = piece * length;
      const to = Math.min(from + length, truth.length);
      if (Buffer.compare(truth.subarray(from, to), file.subarray(from, to)) !== 0) return piece;
    }
    return null;
  }

  /**
   * Whether bytes on the node's disk may be others than it wrote, because the plan made them rot: a node finds that out
   * when it looks at them again.
   */
  mayHaveRotted(process: ProcessName): boolean {
    const begun = this.#begunMicros;
    if (begun === null) return false;
    // The first operation may come a little after the plan's time began.
    const nowMs = (this.#run.now() - begun) / 1_000 + FIRST_CALL_MS;
    return this.#run.plan.faults.some((fault) => fault.kind === 'bitRot' && fault.process === process && fault.atMs <= nowMs);
  }
}

const FIRST_CALL_MS = 60_000;

const contents = new WeakMap<RunView, Contents>();

/** The same for all checkers of a run. */
export const contentsOf = (run: RunView): Contents => {
  let made = contents.get(run);
  if (made === undefined) {
    made = new Contents(run);
    contents.set(run, made);
  }
  return made;
};
