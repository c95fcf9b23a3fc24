import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { readWebUrl } from '../../protocol/bittorrent/web-seed.ts';
import { hostField } from '../../protocol/tracker/tracker-url.ts';
import type { Picker } from '../../domain/transfer/picker.ts';
import type { RateMeter } from '../../domain/transfer/rates.ts';
import { webSeedLanes } from '../../domain/transfer/web-seed-choice.ts';
import type { BufferPool } from '../buffers.ts';
import type { Content } from '../content.ts';
import type { Inbound } from '../inbound.ts';
import type { Gate } from '../own-gate.ts';
import type { Peer } from '../peer.ts';
import type { Request } from '../requests.ts';
import { Lane } from './lane.ts';
import { webSeedLimits } from './limits.ts';
import type { WebWays } from './web-connection.ts';
import { WebSeed, type WebSeedState } from './web-seed.ts';

export interface WebSeedsSettings {
  /** Null: they are not used. */
  readonly ways: WebWays | null;
  readonly content: Content;
  readonly picker: Picker;
  readonly inbound: Inbound;
  readonly pool: BufferPool;
  readonly downGate: Gate;
  /** Something is wanted, and may be asked for. */
  wanting(): boolean;
  /** The transfer's peers; changes as they come and go. */
  readonly peers: ReadonlyMap<number, Peer>;
  /** What comes in all. */
  readonly down: RateMeter;
  readonly events: { banned(name: string): void };
  /** A block has come from the web seed of that name. */
  block(name: string, request: Request): void;
  /** Whether web seeds can deliver may have changed. */
  changed(): void;
}

/** How a web seed of a transfer is doing. */
export interface WebSeedReport {
  /** Its URL, without what might be secret. */
  readonly name: string;
  readonly state: WebSeedState;
  readonly reason: string | null;
  readonly connections: number;
  /** Bytes a second. */
  readonly downRate: number;
  readonly downloadedBytes: number;
  /** Part of the pieces that it has as far as is known, 0 to 1. */
  readonly has: number;
}

/** The web seeds of a transfer (BEP 19): servers of its files, asked beside peers for what they are asked for. */
export class WebSeeds {
  readonly #settings: WebSeedsSettings;
  readonly #seeds: readonly WebSeed[];
  readonly #lanes = new Set<Lane>();
  #lastKey = 0;
  #laneCountMax: number = webSeedLimits.lanesMax;

  constructor(settings: WebSeedsSettings) {
    this.#settings = settings;
    this.#seeds = settings.ways === null ? [] : seedsOf(settings.content, settings.ways);
  }

  /** Whether one that is sound has something that is missing here. */
  get useful(): boolean {
    if (!this.#settings.wanting()) return false;
    const { map } = this.#settings.content;
    return this.#seeds.some((seed) => {
      if (!seed.sound) return false;
      for (let piece = 0; piece < map.count; piece++) {
        if (map.needs(piece as PieceIndex) && seed.has(piece as PieceIndex)) return true;
      }
      return false;
    });
  }

  get reports(): readonly WebSeedReport[] {
    return this.#seeds.map((seed) => {
      const lanes = [...this.#lanes].filter((lane) => lane.seed === seed);
      return {
        name: seed.name,
        state: seed.state(lanes.some(({ busy }) => busy)),
        reason: seed.reason,
        connections: lanes.filter(({ connected }) => connected).length,
        downRate: this.#settings.wanting() ? Math.round(seed.down.rate(seed.now)) : 0,
        downloadedBytes: seed.down.total,
        has: seed.share,
      };
    });
  }

  /** The transfer runs: all of them are tried, also those that failed before. */
  start(): void {
    for (const seed of this.#seeds) seed.renew();
    this.reconsider();
  }

  /** What is wanted has changed. */
  reconsider(): void {
    this.#fill();
    this.#settings.changed();
  }

  /** Lets all connections go; what they were to bring is anybody's. */
  stop(): void {
    for (const lane of this.#lanes) this.#end(lane);
    this.#settings.changed();
  }

  /** It sent wrong data and is asked no more. False where none is called so. */
  ban(name: string): boolean {
    const seed = this.#seeds.find((one) => one.name === name);
    if (seed === undefined) return false;
    if (seed.banned) return true;
    this.#settings.events.banned(name);
    seed.banned = true;
    seed.reason = 'it sent wrong data';
    for (const lane of this.#lanes) if (lane.seed === seed) this.#end(lane);
    this.#settings.changed();
    return true;
  }

  /** Once a second. */
  tick(): void {
    const { ways } = this.#settings;
    if (ways === null || this.#seeds.length === 0) return;
    for (const lane of this.#lanes) {
      lane.tick(ways.clock.now());
      if (!lane.busy && !lane.connected) this.#end(lane);
    }
    this.#fill();
  }

  /** Opens connections as far as they are worth it, and gives work to those that have none. */
  #fill(): void {
    const { down, downGate, wanting, ways } = this.#settings;
    if (ways === null || this.#seeds.length === 0 || !wanting()) return;
    this.#laneCountMax = webSeedLanes({
      rate: down.rate(ways.clock.now()),
      limit: downGate.bytesPerSecond,
      peersDeliver: this.#givers > 0,
      gaps: downGate.limited && this.#gaps(),
      lanesMax: webSeedLimits.lanesMax,
    });
    for (const lane of this.#lanes) lane.fill();
    for (let round = 1; round <= webSeedLimits.lanesPerServerMax; round++) {
      for (const seed of this.#seeds) if (this.#mayOpen(seed, round)) this.#open(seed);
    }
  }

  /** Peers that deliver, or would. */
  get #givers(): number {
    return [...this.#settings.peers.values()].filter((peer) => !peer.chokesUs && !peer.snubbed && peer.useful > 0).length;
  }

  #mayOpen(seed: WebSeed, round: number): boolean {
    if (!seed.ready || seed.lacking || this.#lanes.size >= this.#laneCountMax) return false;
    const lanes = [...this.#lanes].filter((lane) => lane.seed.server === seed.server);
    // Some servers take one connection only: a second one is tried where the first delivers.
    const lanesMax = seed.proven ? seed.lanesMax : 1;
    return lanes.length < round && lanes.filter((lane) => lane.seed === seed).length < lanesMax;
  }

  #open(seed: WebSeed): void {
    const { ways } = this.#settings;
    if (ways === null) return;
    const lane: Lane = new Lane(
      {
        ...this.#settings,
        ways,
        mayAsk: (asker) => this.#settings.wanting() && asker.seed.ready && [...this.#lanes].indexOf(asker) < this.#laneCountMax,
        asking: (piece, unit) => [...this.#lanes].some((other) => other.asking(piece, unit)),
        sources: () => this.#lanes.size + this.#givers,
        received: (from, bytes) => {
          from.delivered(bytes);
          this.#settings.down.add(ways.clock.now(), bytes);
        },
        block: (from, request) => this.#settings.block(from.name, request),
        failed: (failed, reason, seconds) => this.#failed(failed, reason, seconds),
      },
      --this.#lastKey,
      seed,
    );
    this.#lanes.add(lane);
    lane.fill();
    if (!lane.busy) this.#end(lane);
  }

  #failed(lane: Lane, reason: string, seconds: number | null): void {
    this.#end(lane);
    const { seed } = lane;
    seed.failed(
      reason,
      seconds,
      [...this.#lanes].some((other) => other.seed === seed && other.delivering),
    );
    this.#settings.changed();
  }

  #end(lane: Lane): void {
    this.#lanes.delete(lane);
    lane.close();
  }

  /** Whether no peer has some piece that is missing. */
  #gaps(): boolean {
    const { content, peers, picker } = this.#settings;
    for (const peer of peers.values()) if (peer.bits?.complete === true) return false;
    for (let piece = 0; piece < content.map.count; piece++) {
      if (content.map.needs(piece as PieceIndex) && picker.availability(piece as PieceIndex) === 0) return true;
    }
    return false;
  }
}

/** The web seeds that a torrent names, as far as they can be used, each once. */
const seedsOf = ({ layout, metainfo }: Content, { clock }: WebWays): WebSeed[] => {
  const seeds: WebSeed[] = [];
  const names = new Set<string>();
  for (const url of metainfo.webSeeds) {
    const read = readWebUrl(url);
    if (!read.ok || seeds.length >= webSeedLimits.seedsMax) continue;
    const [path, query] = read.value.target.split('?', 2);
    const shown = `${read.value.scheme}://${hostField(read.value)}${path}${query === undefined ? '' : '?***'}`;
    const name = names.has(shown) ? `${shown} (${seeds.length + 1})` : shown;
    names.add(name);
    seeds.push(new WebSeed(clock, layout, url, name, `${read.value.host}:${read.value.port}`));
  }
  return seeds;
};
