/** A victim, an honest peer beside it, and somebody who means no good: how they are set up, and what may not happen. */
import assert from 'node:assert/strict';
import { type Incarnation, World } from '../../simulations/world/index.ts';
import type { SimulatedClock } from '../../simulations/world/clock.ts';
import { millis, seconds } from '../../src/ports/clock.ts';
import { dataLimits } from '../../src/data/limits.ts';
import { encodeHandshake } from '../../src/protocol/bittorrent/handshake.ts';
import type { PeerId, PieceIndex } from '../../src/protocol/bittorrent/ids.ts';
import { wireHash, type WireHash } from '../../src/protocol/bittorrent/ids.ts';
import { makeTestTorrent, testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { encodeMessage, type WireMessage } from '../../src/protocol/bittorrent/wire.ts';
import { WireDecoder } from '../../src/protocol/bittorrent/wire-decoder.ts';
import type { Connection } from '../../src/transports/transport.ts';
import { introduce, PEER_PORT, putFiles, startNode, type SwarmNode } from '../transfer/swarm-kit.ts';

const PIECE_BYTES = 32_768;
const content = testBytes(1_200_000, 5);
const files = [{ path: ['a.bin'], bytes: content }];
/** Public, so that the exchange of peers is open to abuse, too. */
export const torrent = makeTestTorrent(files, { pieceLength: PIECE_BYTES }, { private: false });
export const pieceCount = torrent.metainfo.pieceCount;
const infoHash = wireHash(torrent.metainfo.v2 as NonNullable<typeof torrent.metainfo.v2>);

/** Of the victim: connections in all. */
const CONNECTIONS_MAX = 40;
const BUFFERS_BYTES_MAX = 2 * 1024 * 1024;
/** Beside the one of the node's tick: a few for what is in flight. */
const TIMERS_MAX = 24;
const HONEST_MAX = seconds(60);
const LINK_BYTES_PER_SECOND = 400_000;

export type Said = Exclude<WireMessage, { kind: 'unknown' }> | Uint8Array;

/** One connection to the victim. It can read, or let things lie. */
export class Line {
  over = false;
  bytesHeard = 0;
  readonly heard: WireMessage['kind'][] = [];
  /** What it answers at once. */
  replies: (message: WireMessage) => readonly Said[] = () => [];
  #connection: Connection | null = null;
  readonly #incarnation: Incarnation;

  constructor(incarnation: Incarnation, to: string) {
    this.#incarnation = incarnation;
    const decoder = new WireDecoder(
      {
        handshake: () => decoder.setTorrent(pieceCount),
        message: (message) => {
          if (this.heard.length < 10_000) this.heard.push(message.kind);
          this.#send(this.replies(message));
        },
        pieceStart() {},
        pieceBytes() {},
        pieceEnd() {},
      },
      { blockBytesMax: dataLimits.blockBytesMax },
    );
    incarnation.step(() => {
      this.#connection = incarnation.ports.transport.dial(
        { host: to, port: PEER_PORT },
        { timeoutMs: 5_000 },
        {
          open() {},
          bytes: (chunk) => {
            this.bytesHeard += chunk.length;
            decoder.push(chunk);
          },
          drain() {},
          end: () => (this.over = true),
          closed: () => (this.over = true),
        },
      );
    });
  }

  say(...parts: readonly Said[]): void {
    this.#incarnation.step(() => this.#send(parts));
  }

  hello(options: { readonly fast?: boolean; readonly peerId?: string } = {}): void {
    const peerId = Buffer.from((options.peerId ?? '-XX0001-attacker').padEnd(20, '.')) as Uint8Array as PeerId;
    this.say(encodeHandshake({ infoHash, peerId, fast: options.fast ?? true, extended: true, v2: true }));
  }

  /** Reads no more. */
  deafen(): void {
    this.#incarnation.step(() => this.#connection?.pause());
  }

  #send(parts: readonly Said[]): void {
    if (this.over) return;
    for (const part of parts) this.#connection?.send(part instanceof Uint8Array ? part : encodeMessage(part));
  }
}

/** What the victim had at most at any one time. */
interface Worst {
  connections: number;
  timers: number;
  bufferBytes: number;
  candidates: number;
}

export class Scene {
  readonly world = new World({ seed: 11 });
  readonly victim: SwarmNode;
  readonly honest: SwarmNode;
  readonly worst: Worst = { connections: 0, timers: 0, bufferBytes: 0, candidates: 0 };
  readonly #download: SwarmNode;
  #attackers = 0;

  /** The victim has everything and the honest one wants it, or the other way round. */
  constructor(victim: 'seed' | 'leech') {
    const seed = this.world.process('seed');
    putFiles(seed, torrent, files);
    const limits = { nodePeersMax: CONNECTIONS_MAX, pieceBufferBytesMax: BUFFERS_BYTES_MAX };
    const nodes = {
      seed: startNode(seed, torrent, true, { ...limits, uploadRate: LINK_BYTES_PER_SECOND }),
      leech: startNode(this.world.process('leech'), torrent, false, limits),
    };
    this.#download = nodes.leech;
    this.victim = nodes[victim];
    this.honest = nodes[victim === 'seed' ? 'leech' : 'seed'];
    this.world.runFor(millis(10));
  }

  /** A host of the attacker's, with connections to the victim. */
  attacker(lines = 1, host?: string): Line[] {
    const incarnation = this.world.process(`attacker-${this.#attackers++}`, host === undefined ? {} : { host }).start();
    return Array.from({ length: lines }, () => new Line(incarnation, this.victim.host));
  }

  /** Lets time pass while the victim is watched. */
  pass(span: number): void {
    this.world.runUntil(() => this.#watch(), span);
  }

  /** The victim is told of a peer, as by a tracker that cannot know better. */
  introduceAttacker(host: string): void {
    this.victim.incarnation.step(() => {
      this.victim.exchange.learn({ host, port: PEER_PORT }, null, true);
      this.victim.exchange.connectMore();
    });
  }

  /** The honest transfer begins, and must come to its end although somebody attacks: `meanwhile`, ten times a second. */
  honestTransfer(meanwhile: () => void = () => {}): void {
    const [from, to] = this.victim === this.#download ? [this.victim, this.honest] : [this.honest, this.victim];
    introduce(from, to, true);
    const until = this.world.now() + HONEST_MAX;
    while (this.#download.completedAt() === null && this.world.now() < until) {
      meanwhile();
      this.pass(millis(100));
    }
    assert.notEqual(this.#download.completedAt(), null, 'the honest transfer came to its end');
    assert.deepEqual([this.victim.failures, this.honest.failures], [[], []]);
  }

  /** What no attack may make of the victim. */
  bounded(): void {
    const { connections, timers, bufferBytes, candidates } = this.worst;
    assert.ok(connections <= CONNECTIONS_MAX, `${connections} connections`);
    assert.ok(timers <= TIMERS_MAX, `${timers} timers`);
    assert.ok(bufferBytes <= BUFFERS_BYTES_MAX, `${bufferBytes} bytes of buffers`);
    assert.ok(candidates <= dataLimits.candidatesMax, `${candidates} addresses remembered`);
    assert.ok(this.victim.exchange.sources.size <= dataLimits.sourcesMax);
  }

  #watch(): boolean {
    const { exchange, incarnation, pool, port } = this.victim;
    const { worst } = this;
    worst.connections = Math.max(worst.connections, port.peerCount);
    worst.timers = Math.max(worst.timers, (incarnation.ports.clock as SimulatedClock).timers);
    worst.bufferBytes = Math.max(worst.bufferBytes, pool.usedBytes);
    worst.candidates = Math.max(worst.candidates, exchange.peersKnown);
    return false;
  }
}

export const piece = (n: number): PieceIndex => n as PieceIndex;
export const otherHash = new Uint8Array(20).fill(9) as WireHash;
