/** Announces one torrent to its trackers (BEP 3, 12, 27, 52), and hears of its peers. */
import { placeTrackers } from '../../domain/trackers/tiers.ts';
import type { Clock, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import { below, type Random } from '../../ports/random.ts';
import { toHex } from '../../protocol/digest.ts';
import { Lane } from './lane.ts';
import { trackerLimits } from './limits.ts';
import type { TorrentMember, TrackerSetting, TrackerStatus } from './standing.ts';
import { Tracker } from './tracker.ts';
import type { TrackerClient } from './tracker-client.ts';

export interface TrackerFollowerDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** One for all torrents of the node: it bounds what they do together. */
  readonly client: TrackerClient;
}

export interface FollowedTorrent extends TorrentMember {
  /** URLs as the torrent or the magnet has them; at most 64 count. */
  readonly tiers: readonly (readonly string[])[];
}

/**
 * Of a public torrent each tier is a lane of its own: one tracker of it is in use, the others are in reserve, and a tier that is dead
 * delays no other. Of a private one all tiers are one lane, so that there is one tracker at a time.
 */
export class TrackerFollower {
  readonly #setting: TrackerSetting;
  readonly #trackers: readonly (readonly Tracker[])[];
  #lanes: readonly Lane[] = [];
  #stopping: { readonly timer: TimerId; readonly done: (() => void)[] } | null = null;

  constructor({ clock, random, client }: TrackerFollowerDeps, torrent: FollowedTorrent) {
    this.#setting = { clock, random, client, member: torrent };
    const placed = placeTrackers(torrent.tiers, (limit) => below(random, 'tracker order', limit));
    this.#trackers = placed.map((tier) => tier.map((place) => new Tracker(this.#setting, place)));
  }

  /** Whether there is any tracker that can be asked. */
  get hasTrackers(): boolean {
    return this.#trackers.length > 0;
  }

  /** Announces from now on; while it does, nothing. */
  start(): void {
    if (this.#lanes.length > 0) return;
    this.#endGoodbyes();
    const { member } = this.#setting;
    const all = member.private ? [this.#trackers.flat()] : this.#trackers;
    this.#lanes = all.map((trackers) => new Lane(this.#setting, trackers));
    for (const lane of this.#lanes) lane.start();
  }

  /** Says at once that the download is complete, or asks for more peers as soon as the trackers allow (`none`). */
  announceNow(event: 'completed' | 'none'): void {
    for (const lane of this.#lanes) {
      if (event === 'completed') lane.complete();
      else lane.wantMore();
    }
  }

  /** Says `stopped` to those that know of this node, and announces no more. `done` is called in a later step, after 4 s at the latest. */
  stop(done: () => void = () => {}): void {
    if (this.#stopping !== null) {
      this.#stopping.done.push(done);
      return;
    }
    const { clock } = this.#setting;
    for (const lane of this.#lanes) lane.halt();
    this.#lanes = [];
    const leaving = new Set(this.#trackers.flat().filter(({ knowsUs }) => knowsUs));
    const timer = clock.setTimer(leaving.size === 0 ? 0 : millis(trackerLimits.goodbyeMs), () => this.#endGoodbyes());
    this.#stopping = { timer, done: [done] };
    for (const tracker of leaving) {
      tracker.stop(() => {
        leaving.delete(tracker);
        if (leaving.size === 0) this.#endGoodbyes();
      });
    }
  }

  /** Asks the trackers for their counts of the swarm. `done` is called once, when all have answered or failed; `status` has them then. */
  scrape(done: () => void): void {
    const { client, member } = this.#setting;
    const trackers = this.#trackers.flat();
    let left = trackers.length;
    const over = (): void => {
      if (--left <= 0) done();
    };
    if (left === 0) this.#setting.clock.setTimer(0, over);
    for (const tracker of trackers) {
      client.scrape(tracker.place.url, member.wireHashes, (outcome) => {
        const wanted = new Set(member.wireHashes.map(toHex));
        const swarms = outcome.ok ? outcome.value.filter(({ infoHash }) => wanted.has(toHex(infoHash))) : [];
        // The two hashes of a hybrid torrent are one swarm.
        const most = (of: (swarm: (typeof swarms)[number]) => number): number => Math.max(...swarms.map(of));
        if (swarms.length > 0)
          tracker.scraped(
            most(({ seeders }) => seeders),
            most(({ leechers }) => leechers),
          );
        over();
      });
    }
  }

  /** The most that any tracker knows of the swarm; null where none has said anything. */
  get swarm(): { readonly seeders: number; readonly leechers: number } | null {
    const told = this.status().filter(({ seeders, leechers }) => seeders !== null || leechers !== null);
    if (told.length === 0) return null;
    const most = (counts: readonly (number | null)[]): number => Math.max(...counts.map((count) => count ?? 0));
    return { seeders: most(told.map(({ seeders }) => seeders)), leechers: most(told.map(({ leechers }) => leechers)) };
  }

  /** How each tracker is doing, tier by tier. */
  status(): readonly TrackerStatus[] {
    return this.#trackers.flat().map(({ status }) => status);
  }

  #endGoodbyes(): void {
    const stopping = this.#stopping;
    if (stopping === null) return;
    this.#stopping = null;
    this.#setting.clock.clearTimer(stopping.timer);
    for (const tracker of this.#trackers.flat()) tracker.drop();
    for (const done of stopping.done) done();
  }
}
