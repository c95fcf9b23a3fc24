/** RC4, as message stream encryption uses it. It keeps nothing secret from anybody who tries. */

const STATE_BYTES = 256;

/** One direction of a stream: bytes are to be given in order. */
export class Rc4 {
  readonly #state = new Uint8Array(STATE_BYTES);
  #i = 0;
  #j = 0;

  /** `key`: 1 to 256 bytes. `dropBytes` of the key stream are not used. */
  constructor(key: Uint8Array, dropBytes: number) {
    const state = this.#state;
    for (let i = 0; i < STATE_BYTES; i++) state[i] = i;
    for (let i = 0, j = 0; i < STATE_BYTES; i++) {
      const held = state[i] as number;
      j = (j + held + (key[i % key.length] as number)) & 0xff;
      state[i] = state[j] as number;
      state[j] = held;
    }
    this.crypt(new Uint8Array(dropBytes), new Uint8Array(dropBytes));
  }

  /** Encrypts or decrypts `from` into the beginning of `into`, which may be the same bytes. */
  crypt(from: Uint8Array, into: Uint8Array): void {
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let at = 0; at < from.length; at++) {
      i = (i + 1) & 0xff;
      const a = state[i] as number;
      j = (j + a) & 0xff;
      const b = state[j] as number;
      state[i] = b;
      state[j] = a;
      into[at] = (from[at] as number) ^ (state[(a + b) & 0xff] as number);
    }
    this.#i = i;
    this.#j = j;
  }
}
