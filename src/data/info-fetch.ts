import type { MetadataMessage } from '../protocol/bittorrent/metadata-message.ts';
import { MetadataAssembly } from './metadata-assembly.ts';
import type { Party } from './metadata-party.ts';
import type { Peer } from './peer.ts';

/** Lengths that are believed at once; each costs as much memory. */
const SIZES_MAX = 4;

interface Attempt {
  readonly assembly: MetadataAssembly;
  /** After an attempt with several sources has failed, the next is made with one alone, so that a liar is found. */
  readonly alone: Peer | null;
}

export interface InfoFetchSettings {
  readonly parties: ReadonlyMap<Peer, Party>;
  /** Whether these bytes are the info dictionary that is looked for. */
  matches(info: Uint8Array): boolean;
  ban(name: string, reason: string): void;
}

/**
 * The info dictionary on its way in (BEP 9). Peers may lie about its length as well as about its bytes: each length that
 * is claimed is an attempt of its own, those that more peers claim go first, and only who sent wrong bytes is banned.
 */
export class InfoFetch {
  readonly #settings: InfoFetchSettings;
  readonly #attempts = new Map<number, Attempt>();
  readonly #failed = new Set<number>();

  constructor(settings: InfoFetchSettings) {
    this.#settings = settings;
  }

  /** Bytes of the attempt that is farthest. */
  get progress(): { readonly done: number; readonly total: number } {
    let best = { done: 0, total: 0 };
    for (const [total, { assembly }] of this.#attempts)
      if (best.total === 0 || assembly.doneBytes > best.done) best = { done: assembly.doneBytes, total };
    return best;
  }

  /** The piece to ask of the peer next; null where there is none. */
  next(party: Party): number | null {
    if (party.infoBytes === null) return null;
    const attempt = this.#attempts.get(party.infoBytes) ?? this.#begin(party.infoBytes, party.peer);
    if (attempt === null || (attempt.alone !== null && attempt.alone !== party.peer)) return null;
    return attempt.assembly.take(party.peer.key);
  }

  /** The peer owes the piece no more. */
  release(party: Party, piece: number): void {
    if (party.infoBytes !== null) this.#attempts.get(party.infoBytes)?.assembly.release(party.peer.key, piece);
  }

  /** A piece that was asked for came. Answers the info dictionary where it is whole, and the right one. */
  came({ infoBytes, peer }: Party, { data, piece, totalBytes }: Extract<MetadataMessage, { kind: 'data' }>): Uint8Array | null {
    const attempt = infoBytes === null ? undefined : this.#attempts.get(infoBytes);
    if (attempt === undefined || infoBytes === null) return null;
    const { assembly } = attempt;
    assembly.release(peer.key, piece);
    if ((totalBytes !== null && totalBytes !== infoBytes) || !assembly.add(piece, data, peer.name)) {
      this.#settings.ban(peer.name, 'it contradicts itself about the info dictionary');
      return null;
    }
    if (!assembly.whole) return null;
    this.#attempts.delete(infoBytes);
    if (this.#settings.matches(assembly.bytes)) return assembly.bytes;
    const [first, ...others] = assembly.sources as [string, ...string[]];
    if (others.length === 0) this.#settings.ban(first, 'its info dictionary does not have the hash that is looked for');
    else this.#failed.add(infoBytes);
    return null;
  }

  /** Drops attempts that nobody is there for any more. */
  tick(): void {
    for (const [size, { alone }] of this.#attempts) {
      if (this.#claims(size) === 0 || (alone !== null && !this.#settings.parties.has(alone))) this.#attempts.delete(size);
    }
    for (const size of this.#failed) if (this.#claims(size) === 0) this.#failed.delete(size);
  }

  #begin(size: number, peer: Peer): Attempt | null {
    const claims = this.#claims(size);
    const [weakest] = [...this.#attempts.keys()].toSorted((a, b) => this.#claims(a) - this.#claims(b));
    if (this.#attempts.size >= SIZES_MAX && weakest !== undefined) {
      if (this.#claims(weakest) >= claims) return null;
      this.#attempts.delete(weakest);
    }
    const attempt = { assembly: new MetadataAssembly(size), alone: this.#failed.has(size) ? peer : null };
    this.#attempts.set(size, attempt);
    return attempt;
  }

  #claims(size: number): number {
    let claims = 0;
    for (const { infoBytes } of this.#settings.parties.values()) if (infoBytes === size) claims++;
    return claims;
  }
}
