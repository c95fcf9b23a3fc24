/** How a lying peer speaks the BitTorrent wire: the bytes of an honest one, falsified on their way out. */
import type { Ports } from '../../src/ports/ports.ts';
import { below, type Random } from '../../src/ports/random.ts';
import type { Address, Connection, ConnectionHandler, Transport } from '../../src/transports/transport.ts';

/** BEP 3: a handshake, then messages of `u32 length | u8 id | payload`. */
const HANDSHAKE_BYTES = 68;
const LENGTH_BYTES = 4;
const [HAVE_ID, BITFIELD_ID, PIECE_ID] = [4, 5, 7] as const;
/** BEP 6. */
const [HAVE_ALL_ID, HAVE_NONE_ID] = [14, 15] as const;
/** A block: index and offset go before its bytes. */
const BLOCK_OFFSET = 9;

/**
 * `poison`: some blocks are wrong. `boast`: says it has everything, and what it has not it does not send. `mute`: takes
 * requests and never answers. `late`: honest at first, then as `poison`.
 */
const MANNERS = ['poison', 'boast', 'mute', 'late'] as const;
type Manner = (typeof MANNERS)[number];
/** Of `late`: blocks that are right. */
const HONEST_BLOCKS = 8;
const WRONG_PERCENT = 40;

/** One connection of a liar: what leaves is falsified message by message. */
class LyingConnection implements Connection {
  readonly #honest: Connection;
  readonly #manner: Manner;
  readonly #random: Random;
  #pending: Uint8Array = new Uint8Array(0);
  #shaken = false;
  #blocks = 0;

  constructor(honest: Connection, manner: Manner, random: Random) {
    this.#honest = honest;
    this.#manner = manner;
    this.#random = random;
  }

  get id(): number {
    return this.#honest.id;
  }

  get remote(): Address {
    return this.#honest.remote;
  }

  get local(): Address {
    return this.#honest.local;
  }

  send(bytes: Uint8Array): boolean {
    const all = new Uint8Array(this.#pending.length + bytes.length);
    all.set(this.#pending);
    all.set(bytes, this.#pending.length);
    let at = 0;
    let calm = true;
    for (let end = this.#endOf(all, at); end !== null; end = this.#endOf(all, at)) {
      const said = this.#shaken ? this.#falsified(all.slice(at, end)) : all.slice(at, end);
      this.#shaken = true;
      if (said !== null) calm = this.#honest.send(said);
      at = end;
    }
    this.#pending = all.slice(at);
    return calm;
  }

  queuedBytes(): number {
    return this.#honest.queuedBytes();
  }

  pause(): void {
    this.#honest.pause();
  }

  resume(): void {
    this.#honest.resume();
  }

  close(): void {
    this.#honest.close();
  }

  abort(): void {
    this.#honest.abort();
  }

  /** Where the message that begins at `at` ends; null when it is not whole. */
  #endOf(all: Uint8Array, at: number): number | null {
    if (!this.#shaken) return all.length - at >= HANDSHAKE_BYTES ? at + HANDSHAKE_BYTES : null;
    if (all.length - at < LENGTH_BYTES) return null;
    const end = at + LENGTH_BYTES + new DataView(all.buffer, all.byteOffset + at).getUint32(0);
    return end <= all.length ? end : null;
  }

  /** The message as it is sent; null when it is not. */
  #falsified(message: Uint8Array): Uint8Array | null {
    const id = message[LENGTH_BYTES];
    if (id === PIECE_ID) return this.#block(message);
    if (this.#manner !== 'boast') return message;
    // It has claimed everything already.
    if (id === HAVE_ID) return null;
    if (id === HAVE_NONE_ID) message[LENGTH_BYTES] = HAVE_ALL_ID;
    if (id === BITFIELD_ID) return Uint8Array.of(0, 0, 0, 1, HAVE_ALL_ID);
    return message;
  }

  #block(message: Uint8Array): Uint8Array | null {
    this.#blocks++;
    if (this.#manner === 'mute') return null;
    const wrong = this.#manner !== 'late' || this.#blocks > HONEST_BLOCKS;
    if (!wrong || below(this.#random, 'wrong', 100) >= WRONG_PERCENT) return message;
    const first = LENGTH_BYTES + BLOCK_OFFSET;
    if (message.length <= first) return message;
    const at = first + below(this.#random, 'which byte', message.length - first);
    message[at] = (message[at] ?? 0) ^ (1 + below(this.#random, 'which bits', 255));
    return message;
  }
}

/** Ports of a process whose connections from and to `peerPort` lie, each in a manner of its own. */
export const lyingPorts = (ports: Ports, peerPort: number, random: Random): Ports => {
  const lying = (connection: Connection): Connection => {
    const own = random.fork(`connection ${connection.id}`);
    return new LyingConnection(connection, MANNERS[below(own, 'manner', MANNERS.length)] as Manner, own);
  };
  const honest = ports.transport;
  const transport: Transport = {
    listen: (address, options, handler) =>
      address.port !== peerPort
        ? honest.listen(address, options, handler)
        : honest.listen(address, options, {
            listening: (at) => handler.listening(at),
            connection: (connection) => handler.connection(lying(connection)),
            failed: (error) => handler.failed(error),
          }),
    dial: (address: Address, options: Parameters<Transport['dial']>[1], handler: ConnectionHandler) => {
      const connection = honest.dial(address, options, handler);
      return address.port === peerPort ? lying(connection) : connection;
    },
  };
  return { ...ports, transport };
};
