import {
  type ExtensionHandshake,
  type ExtensionName,
  encodeExtensionHandshake,
  extensionIds,
  readExtensionHandshake,
} from '../protocol/bittorrent/extension.ts';
import { ok, type Result } from '../protocol/result.ts';

/** What this side says of itself in the extension handshake, its own extensions by name. */
export type Introduction = Partial<Omit<ExtensionHandshake, 'extensions'>> & { readonly extensions: readonly ExtensionName[] };

/**
 * The extension protocol of one connection (BEP 10): under which ids the other side wants which messages. Each direction
 * has its own ids; a later handshake adds to the first, and takes back with id 0.
 */
export class PeerExtensions {
  readonly #theirs = new Map<string, number>();
  #introduced = false;

  /** The other side has sent its extension handshake. */
  get introduced(): boolean {
    return this.#introduced;
  }

  /** The id under which the other side wants messages of the extension; null where it does not take them. */
  idOf(name: ExtensionName): number | null {
    return this.#theirs.get(name) ?? null;
  }

  /** The payload of our handshake. */
  handshake({ extensions, ...said }: Introduction): Uint8Array {
    return encodeExtensionHandshake({ ...said, extensions: new Map(extensions.map((name) => [name, extensionIds[name]])) });
  }

  /** Takes a handshake of the other side, the first or a later one. */
  read(payload: Uint8Array): Result<ExtensionHandshake> {
    const read = readExtensionHandshake(payload);
    if (!read.ok) return read;
    for (const [name, id] of read.value.extensions) {
      if (!(name in extensionIds)) continue;
      if (id === 0) this.#theirs.delete(name);
      else this.#theirs.set(name, id);
    }
    this.#introduced = true;
    return ok(read.value);
  }
}
