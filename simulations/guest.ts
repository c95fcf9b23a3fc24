/** A BitTorrent client of another make, as far as a tracker sees one: it announces by HTTP or UDP, and knows nothing of Shoal. */
import { type Micros, seconds, type TimerId } from '../src/ports/clock.ts';
import { below } from '../src/ports/random.ts';
import { peerIdFrom, wireHashFrom } from '../src/protocol/bittorrent/ids.ts';
import { fromHex } from '../src/protocol/digest.ts';
import { type Done, ok } from '../src/protocol/result.ts';
import { type AnnounceEvent, type AnnounceRequest, printAnnounceQuery } from '../src/protocol/tracker/announce-query.ts';
import { readAnnounceReply, type TrackerPeer } from '../src/protocol/tracker/announce-reply.ts';
import { encodeHttpRequest } from '../src/protocol/tracker/http-request.ts';
import { HttpResponseReader } from '../src/protocol/tracker/http-response.ts';
import { decodeUdpReply, encodeUdpRequest, type UdpReply } from '../src/protocol/tracker/udp.ts';
import type { Environment } from '../src/roles/container.ts';
import type { Role } from '../src/roles/role.ts';
import type { Address } from '../src/transports/transport.ts';

export interface GuestTorrent {
  /** Path of the announce URL. */
  readonly target: string;
  /** 40 hexadecimal digits. */
  readonly infoHash: string;
  readonly way: 'http' | 'udp';
  readonly leftBytes: number;
}

/** What became of one announce. */
export interface GuestWord {
  readonly at: Micros;
  readonly event: AnnounceEvent;
  /** `silence`: nobody answered. */
  readonly kind: 'peers' | 'refusal' | 'silence';
  readonly reason: string;
  readonly peers: readonly TrackerPeer[];
  readonly seeders: number;
  readonly intervalSeconds: number;
}

export interface GuestRole extends Role {
  /** Begins to announce; inside a step. */
  follow(torrent: GuestTorrent): void;
  /** It has moved so many bytes; told with the next announce. */
  moved(bytes: { readonly up?: number; readonly down?: number }): void;
  /** It has everything; said at once. */
  complete(): void;
  /** Says goodbye. */
  leave(): void;
  readonly words: readonly GuestWord[];
  /** Whether it takes part in a swarm. */
  readonly follows: boolean;
}

const PORT = 6_881;
/** As most clients have it. */
const RETRY = seconds(10);
const TIMEOUT_MS = 15_000;

export const createGuest = (environment: Environment, gates: readonly Address[], number: number): GuestRole =>
  new Guest(environment, gates, number);

class Guest implements GuestRole {
  readonly words: GuestWord[] = [];
  readonly #environment: Environment;
  readonly #gates: readonly Address[];
  readonly #peerId: string;
  #torrent: GuestTorrent | null = null;
  #leftBytes = 0;
  #up = 0;
  #down = 0;
  #timer: TimerId | null = null;
  #gate = 0;
  #attempt = 0;
  /** Ends what is under way. */
  #drop: () => void = () => {};

  constructor(environment: Environment, gates: readonly Address[], number: number) {
    this.#environment = environment;
    this.#gates = gates;
    this.#peerId = Buffer.from(`-GU0001-${String(number).padStart(12, '0')}`).toString('hex');
  }

  start(done: Done<void>): void {
    this.#environment.ports.clock.setTimer(0, () => done(ok(undefined)));
  }

  get follows(): boolean {
    return this.#torrent !== null;
  }

  stop(done: () => void): void {
    this.#clear();
    this.#torrent = null;
    this.#drop();
    done();
  }

  status(): object {
    return { words: this.words.length };
  }

  follow(torrent: GuestTorrent): void {
    this.#torrent = torrent;
    this.#leftBytes = torrent.leftBytes;
    this.#announce('started');
  }

  moved({ up = 0, down = 0 }: { readonly up?: number; readonly down?: number }): void {
    this.#up += up;
    this.#down += down;
    this.#leftBytes = Math.max(0, this.#leftBytes - down);
  }

  complete(): void {
    this.moved({ down: this.#leftBytes });
    this.#announce('completed');
  }

  leave(): void {
    this.#announce('stopped');
  }

  #announce(event: AnnounceEvent): void {
    const torrent = this.#torrent;
    if (torrent === null) return;
    this.#clear();
    // A client asks one thing at a time.
    this.#drop();
    const attempt = ++this.#attempt;
    const gate = this.#gates[this.#gate % this.#gates.length];
    if (gate === undefined) return;
    let answered = false;
    const done = (word: Omit<GuestWord, 'at' | 'event'>): void => {
      if (answered) return;
      answered = true;
      this.words.push({ at: this.#environment.ports.clock.now(), event, ...word });
      if (attempt !== this.#attempt || this.#torrent === null) return;
      if (word.kind === 'silence') this.#gate += 1;
      if (event === 'stopped' && word.kind === 'peers') return void (this.#torrent = null);
      // An event is repeated until it is answered.
      const again = word.kind === 'silence' ? event : 'none';
      const wait = word.kind === 'peers' ? seconds(word.intervalSeconds) : RETRY;
      this.#timer = this.#environment.ports.clock.setTimer(wait, () => this.#announce(again));
    };
    const request = this.#request(torrent, event);
    if (torrent.way === 'http') this.#byHttp(gate, torrent.target, request, done);
    else this.#byUdp(gate, torrent.target, request, done);
  }

  #request({ infoHash }: GuestTorrent, event: AnnounceEvent): AnnounceRequest {
    const hash = wireHashFrom(fromHex(infoHash) ?? new Uint8Array(0));
    const peerId = peerIdFrom(fromHex(this.#peerId) ?? new Uint8Array(0));
    if (hash === null || peerId === null) throw new Error('An info-hash and a peer id have 20 bytes');
    return {
      infoHash: hash,
      peerId,
      port: event === 'stopped' ? 0 : PORT,
      uploadedBytes: this.#up,
      downloadedBytes: this.#down,
      leftBytes: this.#leftBytes,
      event,
      key: '0000abcd',
      numwant: null,
      compact: true,
      noPeerId: true,
      ip: null,
      trackerId: null,
    };
  }

  #byHttp(gate: Address, target: string, request: AnnounceRequest, done: (word: Omit<GuestWord, 'at' | 'event'>) => void): void {
    const { clock, transport } = this.#environment.ports;
    const reader = new HttpResponseReader('GET');
    const body: Uint8Array[] = [];
    const timer = clock.setTimer(seconds(TIMEOUT_MS / 1_000), () => {
      connection.abort();
      done(SILENCE);
    });
    const over = (word: Omit<GuestWord, 'at' | 'event'>): void => {
      clock.clearTimer(timer);
      done(word);
    };
    const read = (parts: ReturnType<HttpResponseReader['push']>): void => {
      if (!parts.ok) return over(SILENCE);
      for (const part of parts.value) {
        if (part.kind === 'body') body.push(new Uint8Array(part.bytes));
        if (part.kind !== 'end') continue;
        connection.close();
        over(wordOf(Buffer.concat(body)));
      }
    };
    this.#drop = () => {
      clock.clearTimer(timer);
      connection.abort();
    };
    const connection = transport.dial(
      gate,
      { timeoutMs: TIMEOUT_MS },
      {
        open() {},
        bytes: (chunk) => read(reader.push(chunk)),
        drain() {},
        end: () => read(reader.end()),
        closed: () => over(SILENCE),
      },
    );
    connection.send(encodeHttpRequest('GET', `${target}?${printAnnounceQuery(request)}`, { Host: 'gate', Connection: 'close' }));
  }

  /** Each of the two packets is sent again after 15 s, once. */
  #byUdp(gate: Address, target: string, announce: AnnounceRequest, done: (word: Omit<GuestWord, 'at' | 'event'>) => void): void {
    const { clock, datagrams, random } = this.#environment.ports;
    let connectionId: Uint8Array | null = null;
    let packet: Uint8Array | null = null;
    let transactionId = 0;
    let timer: TimerId | null = null;
    let tries = 0;
    const over = (word: Omit<GuestWord, 'at' | 'event'>): void => {
      if (timer !== null) clock.clearTimer(timer);
      socket.close();
      done(word);
    };
    this.#drop = () => {
      if (timer !== null) clock.clearTimer(timer);
      socket.close();
    };
    const send = (): void => {
      if (timer !== null) clock.clearTimer(timer);
      if (++tries > 4) return over(SILENCE);
      if (packet !== null) socket.send(gate, packet.slice());
      timer = clock.setTimer(seconds(TIMEOUT_MS / 1_000), send);
    };
    const next = (): void => {
      transactionId = below(random, 'guest transaction', 0x7fff_ffff);
      packet =
        connectionId === null
          ? encodeUdpRequest({ kind: 'connect', transactionId })
          : encodeUdpRequest({ kind: 'announce', connectionId, transactionId, announce, urlData: target });
      tries = 0;
      send();
    };
    const take = (reply: UdpReply): void => {
      if (reply.transactionId !== transactionId) return;
      if (reply.kind === 'connect' && connectionId === null) {
        connectionId = reply.connectionId;
        next();
      } else if (reply.kind === 'announce')
        over({ ...SILENCE, ...reply, kind: 'peers', peers: reply.peers.map((peer) => ({ ...peer, peerId: null })) });
      else if (reply.kind === 'error') over({ ...SILENCE, kind: 'refusal', reason: reply.message });
    };
    const socket = datagrams.bind(
      { host: '0.0.0.0', port: 0 },
      {
        bound: next,
        message: (_from, bytes) => {
          const reply = decodeUdpReply(bytes, 'v4', 200);
          if (reply.ok) take(reply.value);
        },
        failed: () => done(SILENCE),
      },
    );
  }

  #clear(): void {
    if (this.#timer !== null) this.#environment.ports.clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

const SILENCE: Omit<GuestWord, 'at' | 'event'> = { kind: 'silence', reason: '', peers: [], seeders: 0, intervalSeconds: 0 };

const wordOf = (body: Uint8Array): Omit<GuestWord, 'at' | 'event'> => {
  const read = readAnnounceReply(body, 200);
  if (!read.ok) return SILENCE;
  const reply = read.value;
  if (reply.kind === 'refusal') return { ...SILENCE, kind: 'refusal', reason: reply.reason };
  return {
    ...SILENCE,
    kind: 'peers',
    peers: reply.peers,
    seeders: reply.seeders ?? 0,
    intervalSeconds: reply.intervalSeconds ?? 0,
  };
};
