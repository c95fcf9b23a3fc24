/**
 * The handshake of message stream encryption (MSE, "protocol encryption" of Vuze), as both sides play it. It hides the
 * protocol from simple filters and is there to meet clients that demand it; it authenticates nobody.
 */
import { equalBytes, fromHex, sha1, toHex } from '../digest.ts';
import type { WireHash } from './ids.ts';
import { Rc4 } from './rc4.ts';

/** Length of a public key: 768 bits. */
const keyBytes = 96;
/** Bytes of randomness that a private key is made of. */
export const privateKeyBytes = 20;
/** The most padding of either side. */
export const paddingBytesMax = 512;
const hashBytes = 20;
/** Of RC4's key stream, so much is thrown away. */
const rc4DropBytes = 1024;
const verification = new Uint8Array(8);
/** After the verification: four bytes of methods, two of a length. */
const negotiationBytes = verification.length + 4 + 2;
/** What the initiator may send along with its last step, in bytes. */
export const initialBytesMax = 0xff_ff;

const prime = BigInt(
  '0xFFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563',
);
const generator = 2n;

/** How what follows the handshake is sent. */
export type StreamMethod = 'plain' | 'rc4';
const methodBits = { plain: 1, rc4: 2 } as const;

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n;
  let square = base % prime;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % prime;
    square = (square * square) % prime;
  }
  return result;
};

const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`);
const keyOf = (value: bigint): Uint8Array => fromHex(value.toString(16).padStart(2 * keyBytes, '0')) as Uint8Array;

/** A key that would make the secret known to everybody. */
const isWeak = (key: bigint): boolean => key <= 1n || key >= prime - 1n;

const digest = (label: string, ...parts: readonly Uint8Array[]): Uint8Array =>
  sha1(Buffer.concat([Buffer.from(label, 'latin1'), ...parts]));

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, at) => byte ^ (b[at] as number));

/** By what a responder tells which torrent is meant, before it knows the secret. */
export const torrentMark = (infoHash: WireHash): Uint8Array => digest('req2', infoHash);

/** What came of a handshake. */
export interface StreamAgreement {
  readonly method: StreamMethod;
  /** For what is sent and what comes from now on; null where it is plain. */
  readonly encrypt: Rc4 | null;
  readonly decrypt: Rc4 | null;
  /** The first bytes of the stream, which came with the handshake; decrypted. */
  readonly early: Uint8Array;
}

/** `send`: to be sent at once. `plain`: the other side does not encrypt at all; `early` are its bytes so far. */
export type StreamStep =
  | { readonly kind: 'more'; readonly send: Uint8Array | null }
  | { readonly kind: 'agreed'; readonly send: Uint8Array | null; readonly agreement: StreamAgreement }
  | { readonly kind: 'plain'; readonly early: Uint8Array }
  | { readonly kind: 'failed'; readonly reason: string };

/** What a side brings along. */
export interface StreamSecrets {
  /** `privateKeyBytes` random bytes. */
  readonly privateKey: Uint8Array;
  /** Random, up to `paddingBytesMax`. */
  readonly padding: Uint8Array;
}

const more: StreamStep = { kind: 'more', send: null };
const failed = (reason: string): StreamStep => ({ kind: 'failed', reason });
const none = new Uint8Array(0);

/** Bytes that have come and were not used. Bounded: each state takes what it may and fails beyond. */
class Arrived {
  bytes: Uint8Array = none;

  add(chunk: Uint8Array): void {
    this.bytes = this.bytes.length === 0 ? new Uint8Array(chunk) : Buffer.concat([this.bytes, chunk]);
  }

  take(count: number): Uint8Array {
    const taken = this.bytes.subarray(0, count);
    this.bytes = this.bytes.subarray(count);
    return taken;
  }
}

const methodsIn = (bits: number, wanted: readonly StreamMethod[]): StreamMethod | null =>
  wanted.find((method) => (bits & methodBits[method]) !== 0) ?? null;

const bitsOf = (methods: readonly StreamMethod[]): number => methods.reduce((bits, method) => bits | methodBits[method], 0);

const negotiation = (bits: number): Uint8Array => {
  const bytes = new Uint8Array(negotiationBytes);
  new DataView(bytes.buffer).setUint32(verification.length, bits);
  return bytes;
};

/** By whose bytes they cipher. */
interface Ciphers {
  readonly initiator: Rc4;
  readonly responder: Rc4;
}

const ciphersOf = (secret: Uint8Array, infoHash: WireHash): Ciphers => ({
  initiator: new Rc4(digest('keyA', secret, infoHash), rc4DropBytes),
  responder: new Rc4(digest('keyB', secret, infoHash), rc4DropBytes),
});

const crypted = (cipher: Rc4, bytes: Uint8Array): Uint8Array => {
  const into = new Uint8Array(bytes.length);
  cipher.crypt(bytes, into);
  return into;
};

const agreed = (method: StreamMethod, encrypt: Rc4, decrypt: Rc4, early: Uint8Array, send: Uint8Array | null): StreamStep => ({
  kind: 'agreed',
  send,
  agreement: { method, encrypt: method === 'rc4' ? encrypt : null, decrypt: method === 'rc4' ? decrypt : null, early },
});

/** The side that dials. First `hello` is sent; then what comes is given to `push` until it says how it ended. */
export class StreamInitiator {
  readonly #secrets: StreamSecrets;
  readonly #infoHash: WireHash;
  readonly #methods: readonly StreamMethod[];
  readonly #initial: () => Uint8Array;
  readonly #arrived = new Arrived();
  #ciphers: Ciphers | null = null;
  /** What the other side's verification looks like; sought after its padding. */
  #sought: Uint8Array = none;
  #found = false;
  #method: StreamMethod | null = null;
  #paddingBytes = 0;

  /** `methods`: what is offered. `initial`: asked once, for what is sent along; at most `initialBytesMax`. */
  constructor(secrets: StreamSecrets, infoHash: WireHash, methods: readonly StreamMethod[], initial: () => Uint8Array) {
    this.#secrets = secrets;
    this.#infoHash = infoHash;
    this.#methods = methods;
    this.#initial = initial;
  }

  hello(): Uint8Array {
    return Buffer.concat([keyOf(power(generator, numberOf(this.#secrets.privateKey))), this.#secrets.padding]);
  }

  push(chunk: Uint8Array): StreamStep {
    this.#arrived.add(chunk);
    let send: Uint8Array | null = null;
    if (this.#ciphers === null) {
      if (this.#arrived.bytes.length < keyBytes) return more;
      const key = numberOf(this.#arrived.take(keyBytes));
      if (isWeak(key)) return failed('a weak key');
      send = this.#ask(keyOf(power(key, numberOf(this.#secrets.privateKey))));
    }
    const step = this.#answered();
    return step.kind === 'more' || step.kind === 'agreed' ? { ...step, send } : step;
  }

  #ask(secret: Uint8Array): Uint8Array {
    const ciphers = ciphersOf(secret, this.#infoHash);
    this.#ciphers = ciphers;
    const ahead = new Rc4(digest('keyB', secret, this.#infoHash), rc4DropBytes);
    this.#sought = crypted(ahead, verification);
    const initial = this.#initial();
    const length = Uint8Array.of(initial.length >> 8, initial.length & 0xff);
    return Buffer.concat([
      digest('req1', secret),
      xor(torrentMark(this.#infoHash), digest('req3', secret)),
      crypted(ciphers.initiator, Buffer.concat([negotiation(bitsOf(this.#methods)), length, initial])),
    ]);
  }

  #answered(): StreamStep {
    const { initiator, responder } = this.#ciphers as Ciphers;
    const arrived = this.#arrived;
    if (!this.#found) {
      const at = Buffer.from(arrived.bytes).indexOf(this.#sought);
      if (at > paddingBytesMax || (at < 0 && arrived.bytes.length >= paddingBytesMax + verification.length))
        return failed('no verification where it should be');
      if (at < 0) return more;
      this.#found = true;
      arrived.take(at);
    }
    if (this.#method === null) {
      if (arrived.bytes.length < negotiationBytes) return more;
      const said = crypted(responder, arrived.take(negotiationBytes));
      const view = new DataView(said.buffer);
      const bits = view.getUint32(verification.length);
      this.#method = methodsIn(bits, this.#methods);
      if (this.#method === null || bits !== methodBits[this.#method]) return failed('a method that was not offered');
      this.#paddingBytes = view.getUint16(verification.length + 4);
      if (this.#paddingBytes > paddingBytesMax) return failed('too much padding');
    }
    if (arrived.bytes.length < this.#paddingBytes) return more;
    crypted(responder, arrived.take(this.#paddingBytes));
    const early = arrived.take(arrived.bytes.length);
    return agreed(this.#method, initiator, responder, this.#method === 'rc4' ? crypted(responder, early) : early, null);
  }
}

const plainOpening = Buffer.from('\u0013BitTorrent protocol', 'latin1');

/** The side that is dialled. It finds out whether the other encrypts at all. */
export class StreamResponder {
  readonly #secrets: () => StreamSecrets;
  readonly #torrentOf: (mark: string) => WireHash | null;
  readonly #methods: readonly StreamMethod[];
  readonly #plainToo: boolean;
  readonly #arrived = new Arrived();
  #secret: Uint8Array | null = null;
  #found = false;
  #ciphers: Ciphers | null = null;
  #method: StreamMethod | null = null;
  #paddingBytes = 0;
  #earlyBytes: number | null = null;

  /**
   * `secrets`: asked once, where the other side encrypts. `torrentOf`: the torrent of this node with that mark
   * (`torrentMark`, in hexadecimal digits). `methods`: what is chosen from, the best first. `plainToo`: who does not encrypt at all is welcome.
   */
  constructor(
    secrets: () => StreamSecrets,
    torrentOf: (mark: string) => WireHash | null,
    methods: readonly StreamMethod[],
    plainToo: boolean,
  ) {
    this.#secrets = secrets;
    this.#torrentOf = torrentOf;
    this.#methods = methods;
    this.#plainToo = plainToo;
  }

  push(chunk: Uint8Array): StreamStep {
    const arrived = this.#arrived;
    arrived.add(chunk);
    let send: Uint8Array | null = null;
    if (this.#secret === null) {
      const seen = Math.min(arrived.bytes.length, plainOpening.length);
      if (equalBytes(arrived.bytes.subarray(0, seen), plainOpening.subarray(0, seen))) {
        if (seen < plainOpening.length) return more;
        return this.#plainToo ? { kind: 'plain', early: arrived.bytes } : failed('it does not encrypt');
      }
      if (arrived.bytes.length < keyBytes) return more;
      const key = numberOf(arrived.take(keyBytes));
      if (isWeak(key)) return failed('a weak key');
      const { privateKey, padding } = this.#secrets();
      this.#secret = keyOf(power(key, numberOf(privateKey)));
      send = Buffer.concat([keyOf(power(generator, numberOf(privateKey))), padding]);
    }
    const step = this.#asked(this.#secret);
    if (step.kind === 'more') return { kind: 'more', send: send ?? step.send };
    if (step.kind === 'agreed' && send !== null) return { ...step, send: Buffer.concat([send, step.send ?? none]) };
    return step;
  }

  #asked(secret: Uint8Array): StreamStep {
    const arrived = this.#arrived;
    if (!this.#found) {
      const at = Buffer.from(arrived.bytes).indexOf(digest('req1', secret));
      if (at > paddingBytesMax || (at < 0 && arrived.bytes.length >= paddingBytesMax + hashBytes))
        return failed('no request where it should be');
      if (at < 0) return more;
      this.#found = true;
      arrived.take(at + hashBytes);
    }
    if (this.#ciphers === null) {
      if (arrived.bytes.length < hashBytes) return more;
      const infoHash = this.#torrentOf(toHex(xor(arrived.take(hashBytes), digest('req3', secret))));
      if (infoHash === null) return failed('a torrent that is not here');
      this.#ciphers = ciphersOf(secret, infoHash);
    }
    return this.#negotiated(this.#ciphers);
  }

  #negotiated({ initiator, responder }: Ciphers): StreamStep {
    const arrived = this.#arrived;
    if (this.#method === null) {
      if (arrived.bytes.length < negotiationBytes) return more;
      const said = crypted(initiator, arrived.take(negotiationBytes));
      const view = new DataView(said.buffer);
      if (!equalBytes(said.subarray(0, verification.length), verification)) return failed('a wrong verification');
      this.#method = methodsIn(view.getUint32(verification.length), this.#methods);
      if (this.#method === null) return failed('no method that both sides have');
      this.#paddingBytes = view.getUint16(verification.length + 4);
      if (this.#paddingBytes > paddingBytesMax) return failed('too much padding');
    }
    if (this.#earlyBytes === null) {
      if (arrived.bytes.length < this.#paddingBytes + 2) return more;
      const tail = crypted(initiator, arrived.take(this.#paddingBytes + 2));
      this.#earlyBytes = new DataView(tail.buffer).getUint16(this.#paddingBytes);
    }
    if (arrived.bytes.length < this.#earlyBytes) return more;
    const initial = crypted(initiator, arrived.take(this.#earlyBytes));
    const rest = arrived.take(arrived.bytes.length);
    const early = Buffer.concat([initial, this.#method === 'rc4' ? crypted(initiator, rest) : rest]);
    return agreed(this.#method, responder, initiator, early, crypted(responder, negotiation(methodBits[this.#method])));
  }
}
