/** One tracker of one torrent: what it was told, what it said, and when it may be asked again. */
import { leastWait, waitAfterFailure, waitAfterReply } from '../../domain/trackers/waits.ts';
import type { PlacedTracker } from '../../domain/trackers/tiers.ts';
import type { Micros } from '../../ports/clock.ts';
import { seconds } from '../../ports/clock.ts';
import type { WireHash } from '../../protocol/bittorrent/ids.ts';
import { equalBytes } from '../../protocol/digest.ts';
import type { AnnounceEvent } from '../../protocol/tracker/announce-query.ts';
import type { AnnounceReply, TrackerRefusal } from '../../protocol/tracker/announce-reply.ts';
import { redactTrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import { trackerLimits } from './limits.ts';
import type { TrackerSetting, TrackerState, TrackerStatus } from './standing.ts';

/** What it was told of one wire hash. */
interface Told {
  readonly hash: WireHash;
  started: boolean;
  completed: boolean;
  trackerId: string | null;
}

/** How asking it went, all wire hashes together: it works if it knows one of them. */
export interface Round {
  readonly works: boolean;
}

export interface RoundHandler {
  begun(): void;
  /** It works: told before its first peers are. */
  replied(): void;
  /** Once, in a later step. */
  done(round: Round): void;
}

interface RoundState {
  replies: number;
  intervalSeconds: number;
  minIntervalSeconds: number | null;
  refusal: TrackerRefusal | null;
  message: string | null;
  seeders: number | null;
  leechers: number | null;
}

const larger = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b));

export class Tracker {
  readonly place: PlacedTracker;
  readonly #setting: TrackerSetting;
  readonly #told: readonly Told[];
  readonly #shown: string;
  #state: TrackerState = 'idle';
  #message: string | null = null;
  #seeders: number | null = null;
  #leechers: number | null = null;
  #failures = 0;
  /** BEP 31: it said `never`. */
  #never = false;
  #notBefore: Micros = 0;
  /** Its next turn, by its interval; null where it has none. */
  #nextAt: Micros | null = null;
  #earliestAt: Micros = 0;
  #cancel: (() => void) | null = null;

  constructor(setting: TrackerSetting, place: PlacedTracker) {
    this.#setting = setting;
    this.place = place;
    this.#shown = redactTrackerUrl(place.url);
    this.#told = setting.member.wireHashes.map((hash) => ({ hash, started: false, completed: false, trackerId: null }));
  }

  get asking(): boolean {
    return this.#cancel !== null;
  }

  /** Whether it has heard `started` and no `stopped`. */
  get knowsUs(): boolean {
    return this.#told.some(({ started }) => started);
  }

  /** When it may be tried; null: never again. */
  get notBefore(): Micros | null {
    return this.#never ? null : this.#notBefore;
  }

  /** When its interval is over; null while it is not the one in use. */
  get nextAt(): Micros | null {
    return this.#nextAt;
  }

  /** The soonest that it wants to hear again, for more peers. */
  get earliestAt(): Micros {
    return this.#earliestAt;
  }

  get status(): TrackerStatus {
    const at = this.#nextAt ?? (this.#state === 'failed' && !this.#never ? this.#notBefore : null);
    const left = at === null || this.asking ? null : Math.max(0, Math.ceil((at - this.#setting.clock.now()) / 1_000_000));
    return {
      url: this.#shown,
      tier: this.place.tier,
      state: this.asking ? 'asking' : this.#state,
      seeders: this.#seeders,
      leechers: this.#leechers,
      message: this.#message,
      nextInSeconds: left,
    };
  }

  /** Counts that a scrape has found. */
  scraped(seeders: number, leechers: number): void {
    this.#seeders = seeders;
    this.#leechers = leechers;
  }

  /** Tells it of every wire hash; `completed` where the download has become so and it has not heard. Not while it is being asked. */
  announce(completed: boolean, handler: RoundHandler): void {
    const round: RoundState = {
      replies: 0,
      intervalSeconds: 0,
      minIntervalSeconds: null,
      refusal: null,
      message: null,
      seeders: null,
      leechers: null,
    };
    this.#nextAt = null;
    this.#tellNext(this.#told, completed, round, handler);
  }

  /** Takes a round back that waits; the tracker counts as one that did not answer. */
  giveUp(): void {
    if (this.#cancel === null) return;
    this.#stopAsking();
    this.#failed('it has not answered in time', null);
  }

  /** Tells it `stopped` where it was told `started`. `done` is called once it has answered, at once where there is nothing to say. */
  stop(done: () => void): void {
    this.#stopAsking();
    this.#nextAt = null;
    const known = this.#told.filter(({ started }) => started);
    const next = (place: number): void => {
      this.#cancel = null;
      const told = known[place];
      if (told === undefined) return done();
      told.started = false;
      this.#cancel = this.#ask(told, 'stopped', { begun() {}, done: () => next(place + 1) });
    };
    next(0);
    if (this.#state === 'working') this.#state = 'idle';
  }

  /** Forgets what it asks; nothing is told to it. */
  drop(): void {
    this.#stopAsking();
    this.#nextAt = null;
  }

  /** It is not in use any more: another one is. */
  rest(): void {
    this.#nextAt = null;
    if (this.#state === 'working') this.#state = 'idle';
  }

  #stopAsking(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** One wire hash after the other, so that a torrent never takes two places in the queue. */
  #tellNext(queue: readonly Told[], completed: boolean, round: RoundState, handler: RoundHandler): void {
    const [told, ...others] = queue;
    if (told === undefined) {
      this.#end(round, handler);
      return;
    }
    const event: AnnounceEvent = !told.started ? 'started' : completed && !told.completed ? 'completed' : 'none';
    this.#cancel = this.#ask(told, event, {
      begun: () => {
        if (round.replies === 0) handler.begun();
      },
      done: (reply) => {
        if (typeof reply === 'string') {
          // What cannot be reached for one hash cannot for the other.
          round.message = reply;
          this.#tellNext([], completed, round, handler);
          return;
        }
        if (reply.kind === 'refusal') {
          round.refusal = reply;
          round.message = reply.reason;
          this.#tellNext(others, completed, round, handler);
          return;
        }
        if (round.replies++ === 0) handler.replied();
        this.#note(told, event, reply, round);
        const again = event === 'started' && completed;
        this.#tellNext(again ? [told, ...others] : others, completed, round, handler);
      },
    });
  }

  #note(told: Told, event: AnnounceEvent, reply: AnnounceReply, round: RoundState): void {
    const { member } = this.#setting;
    told.started = true;
    if (event === 'completed') told.completed = true;
    told.trackerId = reply.trackerId ?? told.trackerId;
    round.intervalSeconds = Math.max(round.intervalSeconds, reply.intervalSeconds ?? 0);
    round.minIntervalSeconds = larger(round.minIntervalSeconds, reply.minIntervalSeconds);
    round.message = reply.warning ?? round.message;
    round.seeders = larger(round.seeders, reply.seeders);
    round.leechers = larger(round.leechers, reply.leechers);
    const { externalIp } = reply;
    const port = member.port();
    const others = reply.peers.filter(
      (peer) => !(peer.peerId !== null && equalBytes(peer.peerId, member.peerId)) && !(peer.host === externalIp && peer.port === port),
    );
    member.peers(others, { seeders: round.seeders, leechers: round.leechers, externalIp });
  }

  /** Answers with a reply, a refusal, or why there is neither. */
  #ask(
    told: Told,
    event: AnnounceEvent,
    handler: { begun(): void; done(answer: AnnounceReply | TrackerRefusal | string): void },
  ): () => void {
    const { client, member } = this.#setting;
    const facts = member.facts();
    return client.announce(
      this.place.url,
      {
        infoHash: told.hash,
        peerId: member.peerId,
        port: member.port(),
        uploadedBytes: facts.uploadedBytes,
        downloadedBytes: facts.downloadedBytes,
        leftBytes: facts.leftBytes,
        event,
        key: member.key,
        numwant: event === 'stopped' ? 0 : Math.min(facts.want, trackerLimits.wantMax),
        compact: true,
        noPeerId: true,
        ip: null,
        trackerId: told.trackerId,
      },
      { begun: () => handler.begun(), done: (outcome) => handler.done(outcome.ok ? outcome.value : outcome.error.message) },
    );
  }

  #end(round: RoundState, handler: RoundHandler): void {
    this.#cancel = null;
    if (round.replies > 0) this.#worked(round);
    else this.#failed(round.message ?? 'it said nothing', round.refusal);
    handler.done({ works: round.replies > 0 });
  }

  #worked(round: RoundState): void {
    const now = this.#setting.clock.now();
    const intervals = { ...round, intervalSeconds: round.intervalSeconds === 0 ? null : round.intervalSeconds };
    this.#state = 'working';
    this.#message = round.message;
    this.#seeders = round.seeders ?? this.#seeders;
    this.#leechers = round.leechers ?? this.#leechers;
    this.#failures = 0;
    this.#notBefore = now;
    this.#nextAt = now + seconds(waitAfterReply(intervals, this.#chance()));
    this.#earliestAt = now + seconds(leastWait(intervals));
  }

  #failed(message: string, refusal: TrackerRefusal | null): void {
    const retry = refusal?.retryInSeconds ?? null;
    this.#state = 'failed';
    this.#message = message;
    this.#failures++;
    this.#never = retry === 'never';
    this.#notBefore =
      this.#setting.clock.now() + seconds(waitAfterFailure(this.#failures, retry === 'never' ? null : retry, this.#chance()));
  }

  #chance(): number {
    return this.#setting.random.u32('tracker wait') / 0x1_0000_0000;
  }
}
