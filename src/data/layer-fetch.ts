import { layerRequests, provesHashes } from '../protocol/bittorrent/hash-tree.ts';
import { merkleHashBytes, pieceLevel } from '../protocol/bittorrent/merkle.ts';
import type { Metainfo } from '../protocol/bittorrent/metainfo.ts';
import type { HashRange } from '../protocol/bittorrent/wire.ts';
import { toHex } from '../protocol/digest.ts';

interface Layer {
  readonly piecesRoot: Uint8Array;
  readonly fileBytes: number;
  readonly bytes: Uint8Array;
}

/** A run of hashes that is wanted. */
interface WantedHashes {
  readonly range: HashRange;
  /** Who owes it. */
  askedOf: number | null;
  readonly layer: Layer;
}

/** Tells ranges apart. */
export const rangeKey = ({ piecesRoot, baseLayer, index, length, proofLayers }: HashRange): string =>
  `${toHex(piecesRoot)} ${baseLayer} ${index} ${length} ${proofLayers}`;

/** The piece layers of a v2 torrent on their way in: every run of hashes is checked against the pieces root by itself (BEP 52). */
export class LayerFetch {
  readonly #layers = new Map<string, Layer>();
  readonly #wanted = new Map<string, WantedHashes>();
  #doneRuns = 0;

  /** `metainfo`: of the info dictionary alone. */
  constructor(metainfo: Metainfo) {
    const level = pieceLevel(metainfo.pieceLength);
    for (const { piecesRoot, size } of metainfo.files) {
      if (piecesRoot === null || size <= metainfo.pieceLength || this.#layers.has(toHex(piecesRoot))) continue;
      const count = Math.ceil(size / metainfo.pieceLength);
      const layer = { piecesRoot, fileBytes: size, bytes: new Uint8Array(count * merkleHashBytes) };
      this.#layers.set(toHex(piecesRoot), layer);
      for (const range of layerRequests(piecesRoot, size, level, count)) this.#wanted.set(rangeKey(range), { range, askedOf: null, layer });
    }
  }

  get whole(): boolean {
    return this.#wanted.size === 0;
  }

  /** Runs of hashes that are here, and that are wanted in all. */
  get runs(): { readonly done: number; readonly total: number } {
    return { done: this.#doneRuns, total: this.#doneRuns + this.#wanted.size };
  }

  /** Something that nobody was asked for, and that passes; marked as asked of that peer. */
  take(peer: number, passes: (range: HashRange) => boolean): HashRange | null {
    for (const wanted of this.#wanted.values()) {
      if (wanted.askedOf !== null || !passes(wanted.range)) continue;
      wanted.askedOf = peer;
      return wanted.range;
    }
    return null;
  }

  /** The peer owes it no more. */
  release(peer: number, range: HashRange): void {
    const wanted = this.#wanted.get(rangeKey(range));
    if (wanted?.askedOf === peer) wanted.askedOf = null;
  }

  /** Takes hashes that came. False: their proof fails. */
  add(range: HashRange, hashes: Uint8Array): boolean {
    const wanted = this.#wanted.get(rangeKey(range));
    // Asked of two, and the other was faster.
    if (wanted === undefined) return true;
    const { bytes, fileBytes } = wanted.layer;
    if (!provesHashes(wanted.range, hashes, fileBytes)) return false;
    const at = range.index * merkleHashBytes;
    bytes.set(hashes.subarray(0, Math.min(range.length * merkleHashBytes, bytes.length - at)), at);
    this.#wanted.delete(rangeKey(range));
    this.#doneRuns++;
    return true;
  }

  /** The layers by pieces root, as a torrent file has them. */
  layers(): Map<Uint8Array, Uint8Array> {
    return new Map([...this.#layers.values()].map(({ piecesRoot, bytes }) => [piecesRoot, bytes]));
  }
}

/** Bytes of all piece layers of a torrent. */
export const layersBytes = ({ files, pieceLength }: Metainfo): number =>
  files.reduce(
    (sum, { piecesRoot, size }) => sum + (piecesRoot === null || size <= pieceLength ? 0 : Math.ceil(size / pieceLength) * merkleHashBytes),
    0,
  );
