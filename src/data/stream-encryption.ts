import type { Crypto } from '../ports/crypto.ts';
import type { WireHash } from '../protocol/bittorrent/ids.ts';
import {
  paddingBytesMax,
  privateKeyBytes,
  StreamInitiator,
  type StreamMethod,
  StreamResponder,
  type StreamSecrets,
  torrentMark,
} from '../protocol/bittorrent/stream-encryption.ts';
import { toHex } from '../protocol/digest.ts';
import type { Connection, ConnectionHandler } from '../transports/transport.ts';
import type { Candidate } from './candidates.ts';
import { EncryptedConnection } from './encrypted-connection.ts';

/**
 * What a node thinks of encrypted streams (MSE). `off`: none. `allowed`: whoever dials may; this node begins without, and
 * tries it with those that do not answer. `preferred`: the other way round. `required`: with everybody, own nodes too.
 */
export type EncryptionPolicy = 'off' | 'allowed' | 'preferred' | 'required';

/**
 * Whether the next try to reach a peer is encrypted. Tries alternate, after each of the content's `hashes` was tried; own
 * nodes are met in plain text, which costs less, unless encryption is required.
 */
export const encryptsNext = (
  policy: EncryptionPolicy,
  { failures, node }: Pick<Candidate, 'failures' | 'node'>,
  hashes: number,
): boolean => {
  if (policy === 'off' || policy === 'required') return policy === 'required';
  if (node !== null) return false;
  const turn = Math.floor(failures / Math.max(1, hashes)) % 2;
  return policy === 'preferred' ? turn === 0 : turn === 1;
};

/** Puts encryption between the connections of a node's peers and their transport, as far as its policy goes. */
export class StreamEncryption {
  readonly #policy: EncryptionPolicy;
  readonly #crypto: Pick<Crypto, 'secretBytes'>;
  /** By its mark, which the other side names without saying the hash. */
  readonly #torrents = new Map<string, WireHash>();

  constructor(policy: EncryptionPolicy, crypto: Pick<Crypto, 'secretBytes'>) {
    this.#policy = policy;
    this.#crypto = crypto;
  }

  know(infoHash: WireHash): void {
    if (this.#policy !== 'off') this.#torrents.set(toHex(torrentMark(infoHash)), infoHash);
  }

  forget(infoHash: WireHash): void {
    this.#torrents.delete(toHex(torrentMark(infoHash)));
  }

  /** For a connection that came by itself: what `owner` is to send on, and who is to hear what comes. */
  accept(connection: Connection, owner: ConnectionHandler): { readonly connection: Connection; readonly handler: ConnectionHandler } {
    if (this.#policy === 'off') return { connection, handler: owner };
    const responder = new StreamResponder(
      () => this.#secrets(),
      (mark) => this.#torrents.get(mark) ?? null,
      this.#methods,
      this.#policy !== 'required',
    );
    const encrypted = new EncryptedConnection(owner, () => responder);
    encrypted.carry(connection);
    return { connection: encrypted, handler: encrypted };
  }

  /** Dials by `dial`, encrypted where this try is to be. The answer is what `owner` is to send on. */
  dial(
    owner: ConnectionHandler,
    to: { readonly candidate: Candidate; readonly infoHash: WireHash; readonly hashes: number },
    dial: (handler: ConnectionHandler) => Connection,
  ): Connection {
    if (!encryptsNext(this.#policy, to.candidate, to.hashes)) return dial(owner);
    const encrypted = new EncryptedConnection(
      owner,
      (initial) => new StreamInitiator(this.#secrets(), to.infoHash, this.#methods, initial),
    );
    encrypted.carry(dial(encrypted));
    return encrypted;
  }

  /** Plain text first where it will do: the handshake was all that the other side asked for. */
  get #methods(): readonly StreamMethod[] {
    return this.#policy === 'required' ? ['rc4'] : ['plain', 'rc4'];
  }

  #secrets(): StreamSecrets {
    const [high = 0, low = 0] = this.#crypto.secretBytes(2);
    return {
      privateKey: this.#crypto.secretBytes(privateKeyBytes),
      padding: this.#crypto.secretBytes(((high << 8) | low) % (paddingBytesMax + 1)),
    };
  }
}
