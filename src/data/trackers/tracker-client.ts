/** Asks trackers by HTTP, HTTPS and UDP, for all torrents of a node together. */
import type { Ports } from '../../ports/ports.ts';
import type { WireHash } from '../../protocol/bittorrent/ids.ts';
import { toHex } from '../../protocol/digest.ts';
import type { Failure, Result } from '../../protocol/result.ts';
import { fail, ok } from '../../protocol/result.ts';
import type { AnnounceRequest } from '../../protocol/tracker/announce-query.ts';
import { printAnnounceQuery } from '../../protocol/tracker/announce-query.ts';
import type { AnnounceReply, TrackerRefusal } from '../../protocol/tracker/announce-reply.ts';
import { readAnnounceReply } from '../../protocol/tracker/announce-reply.ts';
import type { ScrapeCounts, ScrapedSwarm } from '../../protocol/tracker/scrape.ts';
import { printScrapeQuery, readScrapeReply, scrapeHashesMax, scrapeTarget } from '../../protocol/tracker/scrape.ts';
import type { TrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import type { Address } from '../../transports/transport.ts';
import { formatAddress } from '../../transports/transport.ts';
import { bodyOf, httpGet, type HttpDeps } from './http-get.ts';
import { Line } from './line.ts';
import { trackerLimits } from './limits.ts';
import type { UdpQuestion } from './udp-server.ts';
import { UdpServer } from './udp-server.ts';
import { UdpSockets } from './udp-sockets.ts';

export interface TrackerClientDeps {
  readonly ports: Pick<Ports, 'clock' | 'transport' | 'datagrams' | 'crypto'>;
  /** Program and version. */
  readonly client: string;
  /** Local addresses to ask from, at most one for each family, and from nowhere else; none lets the system choose. */
  readonly localHosts?: readonly string[];
}

/** What came of an announce: a reply, a refusal of the tracker in its own words, or a failure on the way. */
export type AnnounceOutcome = Result<AnnounceReply | TrackerRefusal>;

export interface AnnounceHandler {
  /** It has left the queue. */
  begun(): void;
  /** Once, in a later step than the call. */
  done(outcome: AnnounceOutcome): void;
}

const withQuery = (target: string, query: string): string => `${target}${target.includes('?') ? '&' : '?'}${query}`;

export class TrackerClient {
  readonly #deps: TrackerClientDeps;
  readonly #http: HttpDeps;
  readonly #line: Line;
  readonly #sockets: UdpSockets;
  readonly #udpServers = new Map<string, UdpServer>();

  constructor(deps: TrackerClientDeps) {
    const { clock, transport, datagrams } = deps.ports;
    const { localHosts = [] } = deps;
    const localHostFor = (host: string): string | undefined =>
      localHosts.find((local) => local.includes(':') === host.includes(':')) ?? localHosts[0];
    this.#deps = deps;
    this.#http = { clock, transport, userAgent: deps.client, localHostFor };
    this.#line = new Line(clock);
    this.#sockets = new UdpSockets(datagrams, localHostFor, (from, bytes) => {
      for (const server of this.#udpServers.values()) server.received(from, bytes);
    });
  }

  /** HTTP requests that have a connection. */
  get connections(): number {
    return this.#line.underWay;
  }

  /** The answer takes the announce back: `done` is not called then. */
  announce(url: TrackerUrl, request: AnnounceRequest, { begun, done }: AnnounceHandler): () => void {
    if (url.scheme === 'udp') {
      const urlData = url.target === '/' ? '' : url.target;
      return this.#ask(url, { kind: 'announce', announce: request, urlData }, begun, (answer) => {
        if (!answer.ok) return done(answer);
        const reply = answer.value;
        if (reply.kind === 'announce') {
          const { intervalSeconds, seeders, leechers } = reply;
          const peers = reply.peers.map((peer) => ({ ...peer, peerId: null }));
          const silent = { minIntervalSeconds: null, warning: null, trackerId: null, externalIp: null };
          done(ok({ kind: 'reply', intervalSeconds, seeders, leechers, peers, ...silent }));
        } else if (reply.kind === 'error') done(ok({ kind: 'refusal', reason: reply.message, retryInSeconds: null }));
      });
    }
    return this.#get({ ...url, target: withQuery(url.target, printAnnounceQuery(request)) }, begun, (body) =>
      done(body.ok ? readAnnounceReply(body.value, trackerLimits.peersMax) : body),
    );
  }

  /** The counts of these swarms, at most 74; those that the tracker does not know may be missing. Errors: those of the way, `no-scrape`, `tracker-refused`. */
  scrape(url: TrackerUrl, hashes: readonly WireHash[], done: (outcome: Result<readonly ScrapedSwarm[]>) => void): () => void {
    const infoHashes = hashes.slice(0, scrapeHashesMax);
    if (url.scheme === 'udp') {
      return this.#ask(url, { kind: 'scrape', infoHashes }, nothing, (answer) => {
        if (!answer.ok) done(answer);
        else if (answer.value.kind === 'scrape') done(ok(placed(infoHashes, answer.value.swarms)));
        else if (answer.value.kind === 'error') done(fail('tracker-refused', answer.value.message));
      });
    }
    const target = scrapeTarget(url.target);
    if (target === null) {
      const { clock } = this.#deps.ports;
      const timer = clock.setTimer(0, () => done(fail('no-scrape', 'this tracker cannot be scraped: its URL does not end in announce')));
      return () => clock.clearTimer(timer);
    }
    return this.#get({ ...url, target: withQuery(target, printScrapeQuery(infoHashes)) }, nothing, (body) => {
      const read = body.ok ? readScrapeReply(body.value) : body;
      if (!read.ok) done(read);
      else if (read.value.kind === 'refusal') done(fail('tracker-refused', read.value.reason));
      else done(ok(read.value.swarms.filter(({ infoHash }) => infoHashes.some((hash) => toHex(hash) === toHex(infoHash)))));
    });
  }

  /** Lets the sockets go; what is under way is never answered. */
  close(): void {
    this.#sockets.close();
  }

  #get(url: TrackerUrl, begun: () => void, done: (body: Result<Uint8Array>) => void): () => void {
    let stop: () => void = () => {};
    const leave = this.#line.join(`${url.scheme} ${formatAddress(url)}`, {
      begin: (over) => {
        const cancel = httpGet(this.#http, url, {
          answered: (answer) => {
            over(null);
            done(bodyOf(answer));
          },
          failed: (error, unreachable) => {
            over(unreachable ? error : null);
            done({ ok: false, error });
          },
        });
        stop = () => {
          cancel();
          over(null);
        };
        begun();
      },
      refuse: (error) => done({ ok: false, error }),
    });
    return () => {
      leave();
      stop();
    };
  }

  #ask(
    address: Address,
    question: UdpQuestion,
    begun: () => void,
    done: (answer: Result<Parameters<Parameters<UdpServer['ask']>[1]['answered']>[0], Failure>) => void,
  ): () => void {
    return this.#udpServer(address).ask(question, {
      begun,
      answered: (reply) => done(ok(reply)),
      failed: (error) => done({ ok: false, error }),
    });
  }

  #udpServer({ host, port }: Address): UdpServer {
    const key = formatAddress({ host, port });
    const known = this.#udpServers.get(key);
    if (known !== undefined) return known;
    if (this.#udpServers.size >= trackerLimits.serversMax) {
      for (const [name, server] of this.#udpServers) if (server.idle) this.#udpServers.delete(name);
    }
    const { clock, datagrams, crypto } = this.#deps.ports;
    const server = new UdpServer(
      {
        clock,
        datagrams,
        sockets: this.#sockets,
        newTransactionId: () => {
          const bytes = crypto.secretBytes(4);
          return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
        },
      },
      { host, port },
    );
    this.#udpServers.set(key, server);
    return server;
  }
}

const nothing = (): void => {};

/** A UDP tracker answers in the order of the question. */
const placed = (hashes: readonly WireHash[], counts: readonly ScrapeCounts[]): ScrapedSwarm[] =>
  counts.slice(0, hashes.length).map((count, place) => ({ infoHash: hashes[place] as WireHash, ...count }));
