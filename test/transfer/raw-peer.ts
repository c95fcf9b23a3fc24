/** A peer of our own hand in a simulated world, for tests: it says what it likes. */
import type { Incarnation, World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { encodeHandshake, type Handshake } from '../../src/protocol/bittorrent/handshake.ts';
import type { PeerId, WireHash } from '../../src/protocol/bittorrent/ids.ts';
import { type BlockRange, encodeMessage, type WireMessage } from '../../src/protocol/bittorrent/wire.ts';
import { WireDecoder } from '../../src/protocol/bittorrent/wire-decoder.ts';
import type { Connection } from '../../src/transports/transport.ts';
import { PEER_PORT } from './swarm-kit.ts';

export type Said = Exclude<WireMessage, { kind: 'unknown' }> | Uint8Array;

export class RawPeer {
  readonly heard: string[] = [];
  readonly messages: WireMessage[] = [];
  readonly blocks = new Map<string, Buffer>();
  /** What it answers to each message, at once. */
  replies: (message: WireMessage) => readonly Said[] = () => [];
  handshake: Handshake | null = null;
  over = false;
  #connection: Connection | null = null;
  readonly #incarnation: Incarnation;
  readonly #world: World;
  #block: { readonly range: BlockRange; readonly parts: Buffer[] } | null = null;

  /** `pieceCount`: null where it does not know the torrent. */
  constructor(world: World, name: string, to: string, pieceCount: number | null) {
    this.#world = world;
    const decoder = new WireDecoder(
      {
        handshake: (handshake) => {
          this.handshake = handshake;
          decoder.setTorrent(pieceCount);
        },
        message: (message) => {
          this.messages.push(message);
          this.heard.push('piece' in message ? `${message.kind} ${message.piece}` : message.kind);
          this.#send(this.replies(message));
        },
        pieceStart: (range) => (this.#block = { range, parts: [] }),
        pieceBytes: (chunk) => void this.#block?.parts.push(Buffer.from(chunk)),
        pieceEnd: () => {
          if (this.#block === null) return;
          const { range, parts } = this.#block;
          this.heard.push(`block ${range.piece}`);
          this.blocks.set(`${range.piece}.${range.begin}`, Buffer.concat(parts));
        },
      },
      { blockBytesMax: 131_072 },
    );
    this.#incarnation = world.process(name).start((incarnation) => {
      this.#connection = incarnation.ports.transport.dial(
        { host: to, port: PEER_PORT },
        { timeoutMs: 5_000 },
        {
          open() {},
          bytes: (chunk) => void decoder.push(chunk),
          drain() {},
          end: () => (this.over = true),
          closed: () => (this.over = true),
        },
      );
    });
  }

  /** Says it, and lets nobody answer yet. */
  sayNow(...parts: Said[]): void {
    this.#incarnation.step(() => this.#send(parts));
  }

  say(...parts: Said[]): this {
    this.sayNow(...parts);
    this.#world.runFor(seconds(1));
    return this;
  }

  /** Ends its half of the connection. */
  finish(): void {
    this.#incarnation.step(() => this.#connection?.close());
  }

  hello(infoHash: WireHash, options: Partial<Handshake> = {}): this {
    return this.say(
      encodeHandshake({
        infoHash,
        peerId: Buffer.from('-XX0001-abcdefghijkl') as Uint8Array as PeerId,
        fast: true,
        extended: true,
        v2: true,
        ...options,
      }),
    );
  }

  #send(parts: readonly Said[]): void {
    for (const part of parts) this.#connection?.send(part instanceof Uint8Array ? part : encodeMessage(part));
  }
}
