/** One magnet link on its way to a transfer: the catalog is asked, else its torrent is fetched from peers. */
import { startMachine } from '../../bus/machine.ts';
import type { Address, Reactor } from '../../bus/reactor.ts';
import { type FetchedTorrent, MetadataFetch, type MetadataFetchSettings } from '../../data/metadata-fetch.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Magnet } from '../../protocol/bittorrent/magnet.ts';
import { cleanName } from '../../protocol/bittorrent/names.ts';
import type { ContentSummary } from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';
import type { Done } from '../../protocol/result.ts';
import { metadataReason } from '../../domain/transfer/waiting-reason.ts';
import type { MetadataProgress } from '../../domain/transfer/waiting-reason.ts';
import type { TrackerSummary } from '../../protocol/api.ts';
import type { SwarmMember, SwarmSource, TrackedTorrent } from '../transfer/swarm-source.ts';
import { type MagnetEffects, type MagnetMessage, type MagnetPhase, magnetMachine } from './machine.ts';
import type { MagnetRecord } from './record.ts';

/** The torrent of a link: a content of the catalog, or what peers gave. */
export type FoundTorrent =
  | { readonly kind: 'content'; readonly content: ContentSummary }
  /** `asked`: the catalog was asked, and does not have it. */
  | { readonly kind: 'outside'; readonly torrent: FetchedTorrent; readonly asked: boolean };

export interface MagnetSetting {
  readonly reactor: Reactor;
  readonly ports: Ports;
  readonly port: MetadataFetchSettings['port'];
  /** The swarm that the link's trackers know; null where it names none. */
  trackers(torrent: TrackedTorrent, member: SwarmMember): SwarmSource | null;
  /** Whether the catalog has it; answers once, in a later step. */
  ask(hashes: Pick<Magnet, 'v1' | 'v2'>, done: (found: ContentSummary | 'absent' | 'unasked') => void): void;
  /** Begins the download. */
  setUp(magnet: PendingMagnet, found: FoundTorrent, done: Done<unknown>): void;
  /** The record has changed. */
  changed(magnet: PendingMagnet): void;
  /** Its transfer is there: nobody needs it any more. */
  over(magnet: PendingMagnet): void;
}

const PEERS_WANTED = 50;

export class PendingMagnet {
  readonly id: string;
  readonly magnet: Magnet;
  phase: MagnetPhase = 'paused';
  #record: MagnetRecord;
  readonly #setting: MagnetSetting;
  readonly #address: Address<MagnetMessage>;
  #machine: { getSnapshot(): { readonly context: { readonly reason: string | null } }; stop(): unknown } | null = null;
  #fetch: MetadataFetch | null = null;
  #source: SwarmSource | null = null;
  #found: FoundTorrent | null = null;
  /** The catalog has said that it does not have it. */
  #asked: boolean;
  #closed = false;

  /** `asked`: the catalog was asked just now, and does not have it; null: it is to be asked. */
  constructor(setting: MagnetSetting, magnet: Magnet, record: MagnetRecord, asked: boolean | null) {
    const hash = magnet.v2 ?? magnet.v1;
    this.id = hash === null ? '' : toHex(hash);
    this.magnet = magnet;
    this.#setting = setting;
    this.#record = record;
    this.#asked = asked ?? false;
    this.#address = `magnet/${this.id}`;
    const begin = record.paused ? 'paused' : asked === null ? 'ask' : 'fetch';
    this.#machine = startMachine(setting.reactor, setting.ports.clock, magnetMachine, {
      address: this.#address,
      input: { effects: this.#effects, begin },
    });
  }

  get record(): MagnetRecord {
    return this.#record;
  }

  get name(): string {
    return this.magnet.name === null ? `magnet ${this.id.slice(0, 12)}` : cleanName(this.magnet.name);
  }

  get trackers(): readonly TrackerSummary[] {
    return this.#source?.trackers ?? [];
  }

  get seeders(): number {
    return this.#source?.count?.seeders ?? 0;
  }

  get progress(): MetadataProgress | null {
    return this.#fetch?.progress ?? null;
  }

  /** How far it is, or why it stands still; null where its user paused it. */
  get reason(): string | null {
    switch (this.phase) {
      case 'asking':
        return 'The network is being asked for the content.';
      case 'fetching':
        return this.progress && metadataReason({ ...this.progress, trackers: this.trackers });
      case 'settingUp':
        return 'The torrent is here; the download begins.';
      case 'failed':
        return this.#machine?.getSnapshot().context.reason ?? null;
      default:
        return null;
    }
  }

  pause(): void {
    this.#setPaused(true);
    this.#post({ type: 'magnet.pause' });
  }

  resume(): void {
    this.#setPaused(false);
    this.#post({ type: 'magnet.resume' });
  }

  /** The network is reached: it is asked where it could not be before. */
  reached(): void {
    if (!this.#asked) this.#post({ type: 'magnet.reached' });
  }

  close(): void {
    this.#closed = true;
    this.#machine?.stop();
    this.#setting.reactor.unregister(this.#address);
    this.#halt();
  }

  // ------------------------------------------------------------------------------------------------------------------

  #post(message: MagnetMessage): void {
    if (!this.#closed) this.#setting.reactor.post(this.#address, message);
  }

  #setPaused(paused: boolean): void {
    if (this.#record.paused === paused) return;
    this.#record = { ...this.#record, paused };
    this.#setting.changed(this);
  }

  readonly #effects: MagnetEffects = {
    ask: () => this.#ask(),
    fetch: () => this.#startFetch(),
    setUp: () => this.#setUp(),
    halt: () => this.#halt(),
    over: () => this.#setting.over(this),
    entered: (phase) => (this.phase = phase),
  };

  #ask(): void {
    this.#setting.ask(this.magnet, (found) => {
      if (this.phase !== 'asking') return;
      if (typeof found === 'string') {
        this.#asked = found === 'absent';
        this.#post({ type: 'magnet.unknown' });
      } else {
        this.#found = { kind: 'content', content: found };
        this.#post({ type: 'magnet.known' });
      }
    });
  }

  #startFetch(): void {
    const { ports, port, trackers: swarmOf } = this.#setting;
    const { v1, v2, peers, trackers, webSeeds } = this.magnet;
    // Every tracker of a link is asked: which of them belong together it does not say.
    const tiers = trackers.map((url) => [url]);
    const fetch = new MetadataFetch({
      clock: ports.clock,
      port,
      v1,
      v2,
      trackers: tiers,
      webSeeds,
      done: (fetched) => {
        this.#fetch = null;
        if (!fetched.ok) return this.#post({ type: 'magnet.fault', reason: `Its torrent cannot be used: ${fetched.error.message}.` });
        this.#found = { kind: 'outside', torrent: fetched.value, asked: this.#asked };
        return this.#post({ type: 'magnet.fetched' });
      },
    });
    this.#fetch = fetch;
    for (const peer of peers) fetch.learn(peer);
    // Whether it is private stands in its torrent, which nobody has yet.
    this.#source = swarmOf({ v1, v2, trackers: tiers, private: false }, this.#member);
    fetch.start();
    this.#source?.join();
  }

  readonly #member: SwarmMember = {
    facts: () => ({ leftBytes: null, uploadedBytes: 0, downloadedBytes: 0, want: PEERS_WANTED }),
    met: (peers) => {
      for (const { host, port, node } of peers) this.#fetch?.learn({ host, port }, node);
    },
    switched: () => {},
  };

  #setUp(): void {
    const found = this.#found;
    if (found === null) return;
    this.#setting.setUp(this, found, (result) =>
      this.#post(result.ok ? { type: 'magnet.done' } : { type: 'magnet.fault', reason: result.error.message }),
    );
  }

  #halt(): void {
    this.#fetch?.stop();
    this.#fetch = null;
    this.#source?.leave();
    this.#source = null;
  }
}
