/**
 * The gate of a proxy: where BitTorrent clients of other makes (guests) announce and scrape. It turns what its doors (HTTP,
 * UDP) read into frames for whoever serves, and hides every failover: requests are held and repeated, the next primary is told
 * of all guests, and where nobody answers in time, what is remembered is the answer, never a failure.
 */
import type { GateConfig } from '../../config/types.ts';
import { isPasskey, passkeyHash } from '../../domain/accounts/passkeys.ts';
import { guestTtlSeconds } from '../../domain/swarm/guests.ts';
import { type Clock, type Micros, seconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { below, type Random } from '../../ports/random.ts';
import { peerIdFrom, type WireHash } from '../../protocol/bittorrent/ids.ts';
import { GUEST_PEERS_MAX } from '../../protocol/control/limits.ts';
import type {
  GuestAnnouncedFrame,
  GuestAnnounceFrame,
  GuestAnswer,
  GuestFamily,
  GuestRefusal,
  GuestScrapedFrame,
  GuestScrapeFrame,
} from '../../protocol/control/messages.ts';
import { fromHex, toHex } from '../../protocol/digest.ts';
import type { AnnounceRequest } from '../../protocol/tracker/announce-query.ts';
import type { AnnounceReply, TrackerRefusal } from '../../protocol/tracker/announce-reply.ts';
import type { ScrapedSwarm } from '../../protocol/tracker/scrape.ts';
import { Asking, type AskingWays } from './asking.ts';
import { AnnounceMemory, AnswerMemory } from './memory.ts';
import { Sources } from './sources.ts';
import { Teller } from './teller.ts';

export interface GateDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: { readonly passkeys: 'required' | 'open'; readonly intervalSeconds: number };
  readonly limits: GateConfig['limits'];
  readonly ways: AskingWays;
}

/** Who is at a door. */
export interface Caller {
  /** An IP address. */
  readonly host: string;
  /** As it stands in the URL, whatever that is; null where there is none. */
  readonly passkey: string | null;
  /** Which addresses its answer can have. */
  readonly family: GuestFamily;
}

export type ScrapeAnswer = { readonly kind: 'swarms'; readonly swarms: readonly ScrapedSwarm[] } | TrackerRefusal;

/** Peers for who does not say how many it wants. */
const WANT_DEFAULT = 50;
/** What nobody could be asked about is asked again after so long. */
const SOON_SECONDS_MIN = 20;
const SOON_SECONDS_SPREAD = 21;

const REFUSAL_LINE: Micros = seconds(1);

const minutes = (count: number): number => count * 60;

/** What a client's user reads. */
const REFUSALS: Readonly<Record<GuestRefusal | 'guessing', Omit<TrackerRefusal, 'kind'>>> = {
  passkey: {
    reason: 'The passkey in this announce URL is not known (any more): get a new URL with "shoal passkey new"',
    retryInSeconds: 'never',
  },
  disabled: { reason: 'The account of this announce URL is disabled', retryInSeconds: minutes(60) },
  closed: { reason: 'This tracker is for members: use the announce URL with your passkey ("shoal passkey new")', retryInSeconds: 'never' },
  // Clients that misread a hybrid torrent announce an info-hash that nobody else has.
  unregistered: {
    reason: 'This torrent is not in the catalog of the network: share it first (for aria2 or Transmission 3, with "shoal share --v1")',
    retryInSeconds: minutes(5),
  },
  guessing: { reason: 'Too many announces with unknown passkeys came from this address: wait', retryInSeconds: minutes(5) },
};

export class Gate {
  readonly #deps: GateDeps;
  readonly #asking: Asking;
  readonly #announces: AnnounceMemory;
  readonly #answers = new AnswerMemory();
  readonly #sources: Sources;
  readonly #teller: Teller;
  #serving: string | null = null;
  #taken = 0;
  #refused = 0;
  #remembered = 0;
  /** Refused since the last line of the log. */
  #unlogged = 0;
  #loggedAt: Micros = Number.NEGATIVE_INFINITY;

  constructor(deps: GateDeps) {
    const { clock, limits, settings, ways } = deps;
    this.#deps = deps;
    this.#asking = new Asking(clock, ways, limits.requestsUnderWayMax);
    this.#announces = new AnnounceMemory(limits.rememberedMax, seconds(guestTtlSeconds(settings.intervalSeconds)));
    this.#sources = new Sources(limits);
    this.#teller = new Teller(clock, this.#announces, (frame) => ways.send(frame));
  }

  status(): object {
    return {
      requestsUnderWay: this.#asking.size,
      announcesKept: this.#announces.size,
      answered: this.#taken,
      answeredFromMemory: this.#remembered,
      refused: this.#refused,
    };
  }

  /** Somebody else may serve: what waits goes there, and it is told of every guest. */
  routeChanged(): void {
    this.#asking.routeChanged();
    const serving = this.#deps.ways.serving();
    if (serving === this.#serving) return;
    this.#serving = serving;
    if (serving === null) this.#teller.stop();
    else this.#teller.start();
  }

  frame(frame: GuestAnnouncedFrame | GuestScrapedFrame): void {
    this.#asking.answered(frame);
  }

  /** What waits is answered from memory; the doors are to be closed after it. */
  stop(): void {
    this.#asking.stop();
    this.#teller.stop();
  }

  /** Answers once, in this step or a later one. */
  announce(request: AnnounceRequest, caller: Caller, done: (answer: AnnounceReply | TrackerRefusal) => void): void {
    const { clock } = this.#deps;
    const known = this.#identify(caller);
    if (known.refusal !== null) return done(this.#refuse(known.refusal, caller));
    const frame = frameOf(request, caller, known.hash);
    // Whoever was never let in takes no room from those who were.
    const trusted = known.hash === null || this.#sources.isGood(known.hash);
    if (trusted) this.#announces.heard(frame, clock.now());
    const fromMemory = (): void => done(this.#recalled(frame, caller));
    if (!this.#sources.mayAsk(caller.host, clock.now())) {
      // A client that starts with very many torrents is in all their swarms soon, if not at once.
      if (trusted) this.#teller.add(frame);
      return fromMemory();
    }
    const asked = this.#asking.ask(frame, (answer) => {
      if (answer === null) return fromMemory();
      if (answer.kind === 'refused') {
        this.#announces.refused(frame);
        return done(this.#turnedAway(answer.why, caller, known.hash));
      }
      if (answer.kind !== 'peers') return;
      if (!trusted) this.#announces.heard(frame, clock.now());
      this.#announces.taken(frame);
      this.#answers.heard(frame.infoHash, answer);
      if (known.hash !== null) this.#sources.succeeded(known.hash);
      this.#taken += 1;
      done(replyOf(answer, answer.peers, caller));
    });
    if (!asked) fromMemory();
  }

  /** Answers once. Swarms that the catalog does not have are left out. */
  scrape(infoHashes: readonly WireHash[], caller: Caller, done: (answer: ScrapeAnswer) => void): void {
    const { clock } = this.#deps;
    const known = this.#identify(caller);
    if (known.refusal !== null) return done(this.#refuse(known.refusal, caller));
    const frame: GuestScrapeFrame = { kind: 'guestScrape', nonce: 0, passkeyHash: known.hash, infoHashes: infoHashes.map(toHex) };
    const fromMemory = (): void => done({ kind: 'swarms', swarms: this.#recalledCounts(infoHashes, known.hash) });
    if (!this.#sources.mayAsk(caller.host, clock.now())) return fromMemory();
    const asked = this.#asking.ask(frame, (answer) => {
      if (answer === null) return fromMemory();
      if (answer.kind === 'refused') return done(this.#turnedAway(answer.why, caller, known.hash));
      if (answer.kind !== 'counts') return;
      if (known.hash !== null) this.#sources.succeeded(known.hash);
      const swarms = answer.swarms.flatMap((counts, place) => {
        const infoHash = infoHashes[place];
        return counts === null || infoHash === undefined ? [] : [{ infoHash, ...counts }];
      });
      done({ kind: 'swarms', swarms });
    });
    if (!asked) fromMemory();
  }

  /** What a caller shows, as far as that can be said here. */
  #identify({ host, passkey }: Caller): { readonly hash: string | null; readonly refusal: GuestRefusal | 'guessing' | null } {
    const now = this.#deps.clock.now();
    if (passkey === null) return { hash: null, refusal: this.#deps.settings.passkeys === 'open' ? null : 'closed' };
    const plain = passkey.toLowerCase();
    const hash = isPasskey(plain) ? passkeyHash(plain) : null;
    if (!this.#sources.mayTry(host, hash ?? '', now)) return { hash: null, refusal: 'guessing' };
    if (hash !== null) return { hash, refusal: null };
    this.#sources.failed(host, null, now);
    return { hash: null, refusal: 'passkey' };
  }

  #turnedAway(why: GuestRefusal, caller: Caller, hash: string | null): TrackerRefusal {
    if (why === 'passkey' || why === 'disabled') this.#sources.failed(caller.host, hash, this.#deps.clock.now());
    return this.#refuse(why, caller);
  }

  #refuse(why: GuestRefusal | 'guessing', { host }: Caller): TrackerRefusal {
    this.#refused += 1;
    this.#unlogged += 1;
    const now = this.#deps.clock.now();
    // Whoever knocks and knocks does not fill the log.
    if (now - this.#loggedAt >= REFUSAL_LINE) {
      this.#deps.log.info({ host, why, count: this.#unlogged }, 'guests were refused; the last one is named');
      this.#loggedAt = now;
      this.#unlogged = 0;
    }
    return { kind: 'refusal', ...REFUSALS[why] };
  }

  /** Nobody could be asked: what is known here, for those who were let in before, and a short interval. */
  #recalled(frame: GuestAnnounceFrame, caller: Caller): AnnounceReply {
    const { random } = this.#deps;
    this.#remembered += 1;
    const known = frame.passkeyHash === null || this.#sources.isGood(frame.passkeyHash) ? this.#answers.of(frame.infoHash) : null;
    const intervalSeconds = SOON_SECONDS_MIN + below(random, 'gate interval', SOON_SECONDS_SPREAD);
    const answer: GuestAnswer = {
      ...(known ?? { kind: 'peers', seeders: 0, leechers: 0, completed: 0, peers: [] }),
      intervalSeconds,
      minIntervalSeconds: SOON_SECONDS_MIN,
    };
    const fits = ({ peerId, host }: GuestAnswer['peers'][number]): boolean =>
      peerId !== frame.peerId && (caller.family === 'any' || host.includes(':') === (caller.family === 'v6'));
    return replyOf(answer, answer.peers.filter(fits).slice(0, frame.want), caller);
  }

  #recalledCounts(infoHashes: readonly WireHash[], hash: string | null): ScrapedSwarm[] {
    this.#remembered += 1;
    if (hash !== null && !this.#sources.isGood(hash)) return [];
    return infoHashes.flatMap((infoHash) => {
      const known = this.#answers.of(toHex(infoHash));
      return known === null ? [] : [{ infoHash, seeders: known.seeders, leechers: known.leechers, completed: known.completed }];
    });
  }
}

const frameOf = (request: AnnounceRequest, { host, family }: Caller, hash: string | null): GuestAnnounceFrame => ({
  kind: 'guestAnnounce',
  nonce: 0,
  passkeyHash: hash,
  infoHash: toHex(request.infoHash),
  peerId: toHex(request.peerId),
  key: request.key ?? '',
  host,
  port: request.port,
  event: request.event,
  leftBytes: request.leftBytes,
  uploadedBytes: request.uploadedBytes,
  downloadedBytes: request.downloadedBytes,
  want: request.event === 'stopped' ? 0 : Math.min(request.numwant ?? WANT_DEFAULT, GUEST_PEERS_MAX),
  family,
  replay: false,
  silentMs: 0,
});

const replyOf = (answer: GuestAnswer, peers: GuestAnswer['peers'], { host }: Caller): AnnounceReply => ({
  kind: 'reply',
  intervalSeconds: answer.intervalSeconds,
  minIntervalSeconds: answer.minIntervalSeconds,
  seeders: answer.seeders,
  leechers: answer.leechers,
  peers: peers.map((peer) => ({
    host: peer.host,
    port: peer.port,
    peerId: peer.peerId === null ? null : peerIdFrom(fromHex(peer.peerId) ?? new Uint8Array(0)),
  })),
  warning: null,
  trackerId: null,
  externalIp: host,
});
