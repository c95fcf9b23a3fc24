/** A node and trackers on a memory network, for tests of the tracker client. */
import assert from 'node:assert/strict';
import { Reactor } from '../../bus/reactor.ts';
import type { Clock, Micros } from '../../ports/clock.ts';
import { createRandom } from '../../ports/counter-random.ts';
import type { Crypto } from '../../ports/crypto.ts';
import type { Due } from '../../ports/due-heap.ts';
import type { Random } from '../../ports/random.ts';
import type { PeerId, WireHash } from '../../protocol/bittorrent/ids.ts';
import { toHex } from '../../protocol/digest.ts';
import type { AnnounceRequest } from '../../protocol/tracker/announce-query.ts';
import { readAnnounceQuery } from '../../protocol/tracker/announce-query.ts';
import type { AnnounceReply, TrackerPeer } from '../../protocol/tracker/announce-reply.ts';
import { encodeAnnounceReply, encodeRefusal } from '../../protocol/tracker/announce-reply.ts';
import { type HttpRequest, HttpRequestReader } from '../../protocol/tracker/http-request.ts';
import { encodeHttpResponse } from '../../protocol/tracker/http-response.ts';
import { encodeScrapeReply, readScrapeQuery } from '../../protocol/tracker/scrape.ts';
import { decodeUdpRequest, encodeUdpReply } from '../../protocol/tracker/udp.ts';
import type { DatagramSocket } from '../../transports/datagram.ts';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../transports/memory/network.ts';
import { VirtualScheduler } from '../../transports/memory/virtual-scheduler.test-kit.ts';
import type { Address, Connection, ConnectionHandler, DialOptions } from '../../transports/transport.ts';
import { type FollowedTorrent, TrackerFollower } from './follower.ts';
import type { SwarmStats, TorrentFacts } from './standing.ts';
import { TrackerClient } from './tracker-client.ts';

export const HTTP_PORT = 80;
export const UDP_PORT = 6_969;

/** What a tracker does with an announce. */
export type Behaviour =
  | (Partial<Omit<AnnounceReply, 'kind'>> & { readonly kind?: 'reply' })
  | { readonly kind: 'refusal'; readonly reason: string; readonly retryInSeconds?: number | 'never' }
  | { readonly kind: 'silent' }
  /** Bytes as they are, after which the connection ends. */
  | { readonly kind: 'raw'; readonly bytes: string }
  | { readonly kind: 'redirect'; readonly to: string };

export interface Heard {
  readonly request: AnnounceRequest;
  readonly hash: string;
  /** Path of the HTTP request, or the URL data. */
  readonly path: string;
  readonly by: 'http' | 'udp';
  readonly from: Address;
  readonly seconds: number;
}

const step = (reactor: Reactor, run: () => void): void => reactor.step({ port: 'process', id: 0, kind: 'test' }, run);

const plainReply: AnnounceReply = {
  kind: 'reply',
  intervalSeconds: 1_800,
  minIntervalSeconds: null,
  seeders: 1,
  leechers: 2,
  peers: [],
  warning: null,
  trackerId: null,
  externalIp: null,
};

export class TestNet {
  readonly scheduler = new VirtualScheduler();
  readonly network: MemoryNetwork;
  /** Names with several addresses. */
  readonly names = new Map<string, readonly string[]>();
  readonly #trackers: FakeTracker[] = [];

  constructor(options: Partial<MemoryNetworkOptions> = {}) {
    this.network = new MemoryNetwork({
      scheduler: this.scheduler,
      random: createRandom('trackers'),
      link: { latencyMs: 10, jitterMs: 0 },
      ...options,
    });
  }

  get seconds(): number {
    return this.scheduler.now() / 1_000_000;
  }

  runFor(seconds: number): void {
    this.scheduler.runUntil(this.scheduler.now() + seconds * 1_000_000);
  }

  /** A tracker on a host of its own. */
  tracker(host: string, behave: (heard: Heard) => Behaviour = () => ({})): FakeTracker {
    this.network.addHost(host, { names: [`t${this.#trackers.length + 1}.test`] });
    const tracker = new FakeTracker(this, host, behave);
    this.#trackers.push(tracker);
    this.scheduler.runUntil(this.scheduler.now());
    return tracker;
  }

  /** A node on a host of its own. */
  node(host = '10.0.0.1', localHosts: readonly string[] = []): TestNode {
    this.network.addHost(host);
    return new TestNode(this, host, localHosts);
  }
}

export class FakeTracker {
  readonly heard: Heard[] = [];
  readonly connects: number[] = [];
  behave: (heard: Heard) => Behaviour;
  lastTransaction = 0;
  /** Connections that are open, and the most that were. */
  open = 0;
  openMost = 0;
  /** Changes when it is started anew: connection ids of before are unknown. */
  generation = 1;
  readonly host: string;
  readonly #net: TestNet;
  readonly #reactor: Reactor;
  #socket: DatagramSocket | null = null;

  constructor(net: TestNet, host: string, behave: (heard: Heard) => Behaviour) {
    this.#net = net;
    this.host = host;
    this.behave = behave;
    this.#reactor = new Reactor(() => net.scheduler.now());
    const transport = net.network.transport(host, this.#reactor);
    const datagrams = net.network.datagrams(host, this.#reactor);
    step(this.#reactor, () => {
      const failed = ({ message }: { message: string }): void => assert.fail(message);
      transport.listen(
        { host: '0.0.0.0', port: HTTP_PORT },
        {},
        { listening() {}, connection: (connection) => this.#serve(connection), failed },
      );
      this.#socket = datagrams.bind(
        { host: host.includes(':') ? '::' : '0.0.0.0', port: UDP_PORT },
        { bound() {}, message: (from, bytes) => this.#packet(from, bytes), failed },
      );
    });
  }

  events(): string[] {
    return this.heard.map(({ request }) => request.event);
  }

  /** Answers for another tracker, which was asked in that transaction. */
  lie(to: Address, transactionId: number): void {
    this.#socket?.send(to, encodeUdpReply({ kind: 'error', transactionId, message: 'a lie' }, 'v4'));
  }

  #serve(connection: Connection): ConnectionHandler {
    this.open++;
    this.openMost = Math.max(this.openMost, this.open);
    return handlerOf(
      connection,
      (request) => this.#request(connection, request),
      () => this.open--,
    );
  }

  #hear(request: AnnounceRequest, path: string, by: 'http' | 'udp', from: Address): { heard: Heard; behaviour: Behaviour } {
    const heard: Heard = { request, hash: toHex(request.infoHash), path, by, from, seconds: this.#net.seconds };
    this.heard.push(heard);
    return { heard, behaviour: this.behave(heard) };
  }

  #request(connection: Connection, http: HttpRequest): void {
    const answer = (status: number, body: Uint8Array, fields: Record<string, string> = {}): void => {
      connection.send(encodeHttpResponse({ status, fields, body, keepAlive: false, headOnly: false }));
      connection.close();
    };
    if (http.path.includes('scrape')) {
      const hashes = readScrapeQuery(http.query);
      const swarms = (hashes.ok ? hashes.value : []).map((infoHash) => ({ infoHash, seeders: 7, leechers: 8, completed: 9 }));
      return answer(200, encodeScrapeReply(swarms));
    }
    const read = readAnnounceQuery(http.query);
    assert.ok(read.ok, read.ok ? '' : read.error.message);
    const { behaviour } = this.#hear(read.value, http.path, 'http', connection.remote);
    if (behaviour.kind === 'silent') return;
    if (behaviour.kind === 'raw') {
      connection.send(new Uint8Array(Buffer.from(behaviour.bytes, 'latin1')));
      connection.close();
    } else if (behaviour.kind === 'redirect') answer(302, new Uint8Array(), { Location: behaviour.to });
    else if (behaviour.kind === 'refusal')
      answer(200, encodeRefusal({ reason: behaviour.reason, retryInSeconds: behaviour.retryInSeconds ?? null }));
    else answer(200, encodeAnnounceReply({ ...plainReply, ...behaviour }, { compact: read.value.compact, noPeerId: read.value.noPeerId }));
  }

  #packet(from: Address, bytes: Uint8Array): void {
    const read = decodeUdpRequest(bytes);
    if (!read.ok) return;
    const family = from.host.includes(':') ? 'v6' : 'v4';
    const request = read.value;
    const { transactionId } = request;
    this.lastTransaction = transactionId;
    const send = (reply: Parameters<typeof encodeUdpReply>[0]): void => void this.#socket?.send(from, encodeUdpReply(reply, family));
    const id = new Uint8Array(8).fill(this.generation);
    if (request.kind === 'connect') {
      this.connects.push(this.#net.seconds);
      return send({ kind: 'connect', transactionId, connectionId: id });
    }
    if (toHex(request.connectionId) !== toHex(id)) return send({ kind: 'error', transactionId, message: 'connection id unknown' });
    if (request.kind === 'scrape') {
      return send({ kind: 'scrape', transactionId, swarms: request.infoHashes.map(() => ({ seeders: 4, leechers: 5, completed: 6 })) });
    }
    const { behaviour } = this.#hear(request.announce, request.urlData, 'udp', from);
    if (behaviour.kind === 'refusal') return send({ kind: 'error', transactionId, message: behaviour.reason });
    if (behaviour.kind !== undefined && behaviour.kind !== 'reply') return;
    const { intervalSeconds, seeders, leechers, peers } = { ...plainReply, ...behaviour };
    send({ kind: 'announce', transactionId, intervalSeconds: intervalSeconds ?? 0, seeders: seeders ?? 0, leechers: leechers ?? 0, peers });
  }
}

const handlerOf = (connection: Connection, request: (request: HttpRequest) => void, over: () => void): ConnectionHandler => {
  const reader = new HttpRequestReader();
  return {
    open() {},
    bytes(chunk: Uint8Array) {
      reader.push(chunk);
      const read = reader.next();
      if (read.kind === 'request') request(read.request);
      else assert.equal(read.kind, 'more');
    },
    drain() {},
    end: () => connection.close(),
    closed: () => over(),
  };
};

/** 20 bytes that hold this number. */
export const hashOf = (number: number): WireHash => {
  const bytes = new Uint8Array(20);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes as WireHash;
};

export const ownPeerId = new Uint8Array(Buffer.from('-SH0100-abcdefghijkl')) as PeerId;

export interface Followed {
  readonly follower: TrackerFollower;
  readonly peers: (readonly TrackerPeer[])[];
  readonly stats: SwarmStats[];
  facts: TorrentFacts;
  switched: number;
}

export class TestNode {
  readonly reactor: Reactor;
  readonly clock: Clock;
  readonly random: Random;
  readonly client: TrackerClient;
  /** Every dial that it made. */
  readonly dials: { readonly address: Address; readonly options: DialOptions }[] = [];
  readonly #net: TestNet;

  constructor(net: TestNet, host: string, localHosts: readonly string[]) {
    this.#net = net;
    this.reactor = new Reactor(() => net.scheduler.now());
    this.random = createRandom('node');
    this.clock = this.#clock();
    const datagrams = net.network.datagrams(host, this.reactor);
    const transport = net.network.transport(host, this.reactor);
    const secrets = createRandom('secrets');
    const crypto = {
      secretBytes: (count: number) => Uint8Array.from({ length: count }, () => secrets.u32('byte') & 0xff),
    } as unknown as Crypto;
    this.client = new TrackerClient({
      ports: {
        clock: this.clock,
        crypto,
        transport: {
          listen: (address, options, handler) => transport.listen(address, options, handler),
          dial: (address, options, handler) => {
            this.dials.push({ address, options });
            return transport.dial(address, options, handler);
          },
        },
        datagrams: {
          bind: (address, handler) => datagrams.bind(address, handler),
          resolve: (name, done) => {
            const value = net.names.get(name);
            if (value === undefined) datagrams.resolve(name, done);
            else this.clock.setTimer(0, () => done({ ok: true, value }));
          },
        },
      },
      client: 'Shoal/test',
      localHosts,
    });
  }

  act(run: () => void): void {
    step(this.reactor, run);
  }

  /** A follower of a torrent with these trackers, started. */
  follow(tiers: readonly (readonly string[])[], torrent: Partial<FollowedTorrent> = {}, starts = true): Followed {
    const followed: Followed = {
      peers: [],
      stats: [],
      facts: { leftBytes: 100, uploadedBytes: 1, downloadedBytes: 2, want: 50 },
      switched: 0,
      follower: new TrackerFollower(
        { clock: this.clock, random: this.random, client: this.client },
        {
          tiers,
          wireHashes: [hashOf(1)],
          peerId: ownPeerId,
          key: '0badcafe',
          private: false,
          port: () => 6_881,
          facts: () => followed.facts,
          peers: (peers, stats) => {
            followed.peers.push(peers);
            followed.stats.push(stats);
          },
          switched: () => followed.switched++,
          ...torrent,
        },
      ),
    };
    if (starts) this.act(() => followed.follower.start());
    return followed;
  }

  #clock(): Clock {
    const { scheduler } = this.#net;
    const timers = new Map<number, Due>();
    let last = 0;
    return {
      now: () => this.reactor.now(),
      wallNow: () => 0,
      setTimer: (delay: Micros, fire: () => void) => {
        const id = ++last;
        const due = scheduler.at(scheduler.now() + delay, () => {
          timers.delete(id);
          this.reactor.step({ port: 'clock', id, kind: 'timer' }, fire);
        });
        timers.set(id, due);
        return id;
      },
      clearTimer: (id) => {
        const due = timers.get(id);
        if (due !== undefined) scheduler.cancel(due);
        timers.delete(id);
      },
    };
  }
}
