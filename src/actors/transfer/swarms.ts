/** The swarms of one transfer together: that of the network's catalog, those of its torrent's trackers, or both. */
import type { SwarmKind } from '../../domain/transfer/journal.ts';
import type { TrackerSummary } from '../../protocol/api.ts';
import type { SwarmCount, SwarmSource } from './swarm-source.ts';

/** How a source of each kind is made; null where there is none, such as for a torrent without trackers. */
export interface SwarmMakers {
  catalog(): SwarmSource;
  trackers(): SwarmSource | null;
}

type Place = 'catalog' | 'trackers';

const PLACES: Readonly<Record<SwarmKind, readonly Place[]>> = {
  catalog: ['catalog'],
  trackers: ['trackers'],
  both: ['catalog', 'trackers'],
  unasked: ['trackers'],
};

export class Swarms implements SwarmSource {
  readonly #makers: SwarmMakers;
  #kind: SwarmKind;
  #sources: ReadonlyMap<Place, SwarmSource> = new Map();
  #joined = false;

  constructor(makers: SwarmMakers, kind: SwarmKind) {
    this.#makers = makers;
    this.#kind = kind;
    this.#sources = this.#make();
  }

  get kind(): SwarmKind {
    return this.#kind;
  }

  /** Leaves what it is told of no more, and joins what it was not told of before. */
  set kind(kind: SwarmKind) {
    if (kind === this.#kind) return;
    this.#kind = kind;
    const before = this.#sources;
    this.#sources = this.#make();
    for (const [name, source] of before) if (this.#sources.get(name) !== source) source.leave();
    if (this.#joined) this.join();
  }

  join(): void {
    this.#joined = true;
    for (const source of this.#sources.values()) source.join();
  }

  completed(): void {
    for (const source of this.#sources.values()) source.completed();
  }

  leave(): void {
    this.#joined = false;
    for (const source of this.#sources.values()) source.leave();
  }

  /** The largest: one swarm is told of in several places. */
  get count(): SwarmCount | null {
    const counts = [...this.#sources.values()].flatMap(({ count }) => count ?? []);
    if (counts.length === 0) return null;
    return {
      seeders: Math.max(...counts.map(({ seeders }) => seeders)),
      leechers: Math.max(...counts.map(({ leechers }) => leechers)),
      warming: counts.every(({ warming }) => warming),
    };
  }

  get trackers(): readonly TrackerSummary[] {
    return [...this.#sources.values()].flatMap(({ trackers }) => trackers);
  }

  #make(): Map<Place, SwarmSource> {
    const made = new Map<Place, SwarmSource>();
    for (const name of PLACES[this.#kind]) {
      const source = this.#sources.get(name) ?? this.#makers[name]();
      if (source !== null) made.set(name, source);
    }
    return made;
  }
}
