/** What a node holds, by id: its transfers, and which of them are being set up, changed or removed just now. */
import type { InfoHash } from '../../protocol/bittorrent/ids.ts';
import { ID_PREFIX_MIN } from '../../protocol/control/limits.ts';
import { toHex } from '../../protocol/digest.ts';
import { type Done, fail } from '../../protocol/result.ts';
import type { Transfer } from '../transfer/transfer.ts';
import { isIdPrefix } from './fetching.ts';

export class Holdings {
  readonly #transfers = new Map<string, Transfer>();
  readonly #byV1 = new Map<string, Transfer>();
  /** Ids of what is being set up, changed or removed just now: nothing else may begin with them. */
  readonly changing = new Set<string>();

  /** By id; it changes as they come and go. */
  get transfers(): ReadonlyMap<string, Transfer> {
    return this.#transfers;
  }

  get all(): readonly Transfer[] {
    return [...this.#transfers.values()];
  }

  get(id: string): Transfer | undefined {
    return this.#transfers.get(id);
  }

  /** The transfer of a content by any of its hashes. */
  ofHash({ v1, v2 }: { readonly v1: InfoHash | null; readonly v2: InfoHash | null }): Transfer | undefined {
    const known = v2 === null ? undefined : this.#transfers.get(toHex(v2));
    return known ?? (v1 === null ? undefined : this.#byV1.get(toHex(v1)));
  }

  add(transfer: Transfer): void {
    this.#transfers.set(transfer.id, transfer);
    const { v1 } = transfer.metainfo;
    if (v1 !== null) this.#byV1.set(toHex(v1), transfer);
  }

  drop(transfer: Transfer): void {
    this.#transfers.delete(transfer.id);
    const { v1 } = transfer.metainfo;
    if (v1 !== null) this.#byV1.delete(toHex(v1));
  }

  /** Hands over the transfer of an id, or of the beginning of one. Errors, by `done`: `not-found`, `ambiguous`. */
  with<T>(id: string, done: Done<T>, use: (transfer: Transfer) => void): void {
    const found = this.#find(id);
    const [first] = found;
    if (first === undefined) {
      const hint = id.length < ID_PREFIX_MIN ? ` An id is given by at least ${ID_PREFIX_MIN} of its digits.` : '';
      done(fail('not-found', `This node has no transfer ${id}.${hint}`));
    } else if (found.length > 1) done(fail('ambiguous', `${id} begins the ids of ${found.length} transfers.`));
    else use(first);
  }

  /** The one transfer of an id, or of the beginning of one; null where there is none, or more. */
  named(id: string): Transfer | null {
    const [first, second] = this.#find(id);
    return first === undefined || second !== undefined ? null : first;
  }

  #find(id: string): readonly Transfer[] {
    const wanted = id.toLowerCase();
    const exact = this.#transfers.get(wanted);
    return exact !== undefined ? [exact] : isIdPrefix(wanted) ? this.#beginningWith(wanted) : [];
  }

  #beginningWith(prefix: string): Transfer[] {
    return this.all.filter(({ id, metainfo: { v1 } }) => id.startsWith(prefix) || (v1 !== null && toHex(v1).startsWith(prefix)));
  }
}
