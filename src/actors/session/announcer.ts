/** Announces of a node: every swarm at the tracker's interval, in batches, and all of them again after a failover. */
import type { SwarmFollower } from '../../data/network.ts';
import type { Clock, Micros, TimerId } from '../../ports/clock.ts';
import { millis, seconds } from '../../ports/clock.ts';
import { between, type Random } from '../../ports/random.ts';
import { ANNOUNCE_ITEMS_MAX } from '../../protocol/control/limits.ts';
import type { AnnouncedFrame, AnnounceFrame, AnnounceItem } from '../../protocol/control/messages.ts';

export interface AnnounceWays {
  readonly node: string;
  readonly incarnation: string;
  /** False when there is no link: it is announced again when there is one. */
  send(frame: AnnounceFrame): boolean;
  /** The tracker does not know the node: it must enter first. */
  unknownNode(): void;
}

interface Swarm {
  readonly follower: SwarmFollower;
  /** Said with each announce until one is answered. */
  event: 'started' | 'completed' | 'none';
  dueAt: Micros;
  announcedAt: Micros;
  everSent: boolean;
  /** Of the last announce. */
  sequence: number;
}

const INTERVAL_SECONDS_DEFAULT = 60;
const INTERVAL_SECONDS_MAX = 3_600;
/** Swarms that are due within this time go with the ones that are due now. */
const BATCH_MICROS: Micros = millis(200);
/** An announce that is not answered by then is said again. */
const RETRY_SECONDS = 10;
/** More peers are not asked for more often than this. */
const MORE_PEERS_SECONDS = 5;
const SWARMS_MAX = 20_000;

export class Announcer {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ways: AnnounceWays;
  readonly #swarms = new Map<string, Swarm>();
  #online = false;
  #sequence = 0;
  #intervalSeconds = INTERVAL_SECONDS_DEFAULT;
  #timer: TimerId | null = null;
  #timerAt: Micros = 0;

  constructor(clock: Clock, random: Random, ways: AnnounceWays) {
    this.#clock = clock;
    this.#random = random;
    this.#ways = ways;
  }

  get size(): number {
    return this.#swarms.size;
  }

  follow(content: string, follower: SwarmFollower): void {
    if (this.#swarms.has(content)) throw new Error(`${content} is followed already`);
    if (this.#swarms.size >= SWARMS_MAX) throw new Error(`More than ${SWARMS_MAX} swarms are followed`);
    const now = this.#clock.now();
    this.#swarms.set(content, { follower, event: 'started', dueAt: now, announcedAt: -seconds(3_600), everSent: false, sequence: 0 });
    this.#schedule();
  }

  unfollow(content: string): void {
    const swarm = this.#swarms.get(content);
    if (swarm === undefined) return;
    this.#swarms.delete(content);
    if (this.#online && swarm.everSent) this.#send([this.#item(content, swarm, 'stopped')]);
  }

  now(content: string, event: 'completed' | 'none'): void {
    const swarm = this.#swarms.get(content);
    if (swarm === undefined) return;
    const now = this.#clock.now();
    if (event === 'completed') swarm.event = 'completed';
    const dueAt = event === 'completed' ? now : Math.max(now, swarm.announcedAt + seconds(MORE_PEERS_SECONDS));
    swarm.dueAt = Math.min(swarm.dueAt, dueAt);
    this.#schedule();
  }

  /** The node has entered: everything is announced within `spreadMs`, at random. */
  entered(spreadMs: number): void {
    this.#online = true;
    const now = this.#clock.now();
    for (const swarm of this.#swarms.values()) {
      const first = swarm.everSent ? between(this.#random, 'announce spread', 0, spreadMs) : 0;
      swarm.dueAt = now + millis(first);
      // A proxy may have told the new primary the last announce; the answer to that must not put the next one off.
      swarm.sequence = 0;
    }
    this.#schedule();
  }

  /** Nothing is announced until the node has entered again. */
  left(): void {
    this.#online = false;
    this.#schedule();
  }

  announced(frame: AnnouncedFrame): void {
    if (!this.#online) return;
    if (frame.unknownNode) {
      this.left();
      return this.#ways.unknownNode();
    }
    if (frame.intervalSeconds > 0) this.#intervalSeconds = Math.min(INTERVAL_SECONDS_MAX, frame.intervalSeconds);
    const now = this.#clock.now();
    for (const item of frame.items) {
      const swarm = this.#swarms.get(item.content);
      if (swarm === undefined || swarm.sequence !== frame.sequence) continue;
      swarm.event = 'none';
      swarm.dueAt = now + seconds(this.#intervalSeconds * between(this.#random, 'announce jitter', 1, 1.1));
      const others = item.peers.filter((peer) => peer.node !== this.#ways.node);
      swarm.follower.peers(others, { seeders: item.seeders, leechers: item.leechers, warming: frame.warming });
    }
    this.#schedule();
  }

  /** Says `stopped` everywhere: the node leaves. */
  stopAll(): void {
    if (this.#online) {
      const items = [...this.#swarms]
        .filter(([, swarm]) => swarm.everSent)
        .map(([content, swarm]) => this.#item(content, swarm, 'stopped'));
      for (let at = 0; at < items.length; at += ANNOUNCE_ITEMS_MAX) this.#send(items.slice(at, at + ANNOUNCE_ITEMS_MAX));
    }
    this.left();
  }

  #item(content: string, swarm: Swarm, event: AnnounceItem['event']): AnnounceItem {
    const { leftBytes, uploadedBytes, downloadedBytes, want } = swarm.follower.facts();
    return { content, event, leftBytes, uploadedBytes, downloadedBytes, want: event === 'stopped' ? 0 : Math.min(want, 200) };
  }

  #send(items: readonly AnnounceItem[]): boolean {
    this.#sequence += 1;
    const { node, incarnation } = this.#ways;
    return this.#ways.send({ kind: 'announce', node, incarnation, sequence: this.#sequence, items });
  }

  #schedule(): void {
    let next = Number.POSITIVE_INFINITY;
    if (this.#online) for (const swarm of this.#swarms.values()) next = Math.min(next, swarm.dueAt);
    if (this.#timer !== null && this.#timerAt === next) return;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timerAt = next;
    this.#timer = this.#clock.setTimer(Math.max(0, next - this.#clock.now()), () => {
      this.#timer = null;
      this.#announceDue();
    });
  }

  #announceDue(): void {
    const now = this.#clock.now();
    const due = [...this.#swarms].filter(([, swarm]) => swarm.dueAt <= now + BATCH_MICROS);
    for (let at = 0; at < due.length; at += ANNOUNCE_ITEMS_MAX) {
      const batch = due.slice(at, at + ANNOUNCE_ITEMS_MAX);
      const sent = this.#send(batch.map(([content, swarm]) => this.#item(content, swarm, swarm.event)));
      for (const [, swarm] of batch) {
        swarm.sequence = this.#sequence;
        swarm.everSent ||= sent;
        swarm.announcedAt = now;
        swarm.dueAt = now + seconds(RETRY_SECONDS * between(this.#random, 'announce retry', 1, 1.5));
      }
    }
    this.#schedule();
  }
}
