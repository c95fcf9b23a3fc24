import type { Clock } from '../ports/clock.ts';
import { millis, seconds } from '../ports/clock.ts';
import { HashTree, isHashRange, leafHashes, proofCost } from '../protocol/bittorrent/hash-tree.ts';
import type { PieceIndex } from '../protocol/bittorrent/ids.ts';
import { merkleLeafBytes, merkleLeavesOf, pieceLevel } from '../protocol/bittorrent/merkle.ts';
import type { MetainfoFile } from '../protocol/bittorrent/metainfo.ts';
import { type HashRange, hashesMax } from '../protocol/bittorrent/wire.ts';
import { sha256, toHex } from '../protocol/digest.ts';
import type { Content } from './content.ts';
import { dataLimits } from './limits.ts';
import type { Peer } from './peer.ts';

interface Waiting {
  readonly peer: Peer;
  readonly range: HashRange;
  readonly file: MetainfoFile;
}

/**
 * Answers hash requests (BEP 52), whether the peer is choked or not: piece hashes from the torrent, at once; hashes of blocks
 * from the file, one piece after the other and not too many, since each costs the reading and hashing of a piece.
 */
export class HashServing {
  readonly #clock: Clock;
  readonly #content: Content;
  readonly #level: number;
  /** Files of several pieces or of one, by pieces root in hexadecimal; made when the first request comes. */
  #files: ReadonlyMap<string, MetainfoFile> | null = null;
  readonly #trees = new Map<MetainfoFile, HashTree>();
  #waiting: Waiting[] = [];
  #busy = false;
  /** Hashes calculated for proofs in that second. */
  #spent = 0;
  #second = 0;

  constructor(clock: Clock, content: Content) {
    this.#clock = clock;
    this.#content = content;
    this.#level = pieceLevel(content.metainfo.pieceLength);
  }

  asked(peer: Peer, range: HashRange): void {
    if (peer.v1Only || !this.#answers(peer, range)) peer.send({ ...range, kind: 'hash-reject' });
  }

  /** The peer has gone. */
  forget(peer: Peer): void {
    this.#waiting = this.#waiting.filter((one) => one.peer !== peer);
  }

  #answers(peer: Peer, range: HashRange): boolean {
    const file = this.#fileOf(range.piecesRoot);
    const { pieceLength } = this.#content.metainfo;
    if (file === undefined) return false;
    const tree = range.baseLayer === this.#level ? this.#treeOf(file) : null;
    // Blocks are asked for a piece at a time, however large that is.
    const lengthMax = range.baseLayer === 0 && tree === null ? merkleLeavesOf(file.size, pieceLength) : hashesMax;
    if (!isHashRange(range, file.size, lengthMax)) return false;
    if (tree !== null) {
      if (!this.#affordable(range)) return false;
      peer.send({ ...range, kind: 'hashes', hashes: tree.hashes(range) });
      return true;
    }
    // Beyond the file there are zeros alone, and without the layers of the torrent nothing can be proved.
    const provable = range.index * merkleLeafBytes < file.size && (file.size <= pieceLength || file.pieceLayer !== null);
    return range.baseLayer === 0 && provable && this.#queue({ peer, range, file });
  }

  /** Whether the proof may be calculated now: a short run costs much more to prove than to ask for. */
  #affordable(range: HashRange): boolean {
    const second = Math.floor(this.#clock.now() / seconds(1));
    if (second !== this.#second) this.#spent = 0;
    this.#second = second;
    this.#spent += proofCost(range);
    return this.#spent <= dataLimits.proofHashesPerSecondMax;
  }

  #queue(waiting: Waiting): boolean {
    const own = this.#waiting.filter(({ peer }) => peer === waiting.peer).length;
    const full = own >= dataLimits.blockHashesPerPeerMax || this.#waiting.length >= dataLimits.blockHashesWaitingMax;
    if (full || !this.#content.map.has(this.#pieceOf(waiting))) return false;
    this.#waiting.push(waiting);
    this.#next();
    return true;
  }

  #next(): void {
    const waiting = this.#busy ? undefined : this.#waiting.shift();
    if (waiting === undefined) return;
    this.#busy = true;
    const content = this.#content;
    const piece = this.#pieceOf(waiting);
    const bytes = new Uint8Array(content.layout.pieceBytes(piece));
    content.storage.read(piece, 0, bytes, (read) => {
      const { peer, range } = waiting;
      if (read.ok) peer.send({ ...range, kind: 'hashes', hashes: this.#blockHashes(waiting, bytes) });
      else peer.send({ ...range, kind: 'hash-reject' });
      this.#clock.setTimer(millis(dataLimits.blockHashesPauseMs), () => {
        this.#busy = false;
        this.#next();
      });
    });
  }

  #blockHashes({ file, range }: Waiting, bytes: Uint8Array): Uint8Array {
    const leaves: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += merkleLeafBytes) leaves.push(sha256(bytes.subarray(at, at + merkleLeafBytes)));
    return leafHashes(range, new Uint8Array(Buffer.concat(leaves)), this.#treeOf(file), this.#level);
  }

  /** The piece in which the run of leaves lies. */
  #pieceOf({ file, range }: Waiting): PieceIndex {
    const { pieceLength } = this.#content.metainfo;
    return Math.floor((file.offset + range.index * merkleLeafBytes) / pieceLength) as PieceIndex;
  }

  /** The tree above the pieces; null for a file of one piece, and where the torrent came without its layers. */
  #treeOf(file: MetainfoFile): HashTree | null {
    if (file.pieceLayer === null) return null;
    const known = this.#trees.get(file);
    if (known !== undefined) return known;
    const tree = new HashTree(file.pieceLayer, this.#level);
    this.#trees.set(file, tree);
    return tree;
  }

  #fileOf(piecesRoot: Uint8Array): MetainfoFile | undefined {
    this.#files ??= new Map(
      this.#content.metainfo.files.flatMap((file) => (file.piecesRoot === null ? [] : [[toHex(file.piecesRoot), file] as const])),
    );
    return this.#files.get(toHex(piecesRoot));
  }
}
