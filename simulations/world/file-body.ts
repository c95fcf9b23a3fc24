/** Also the unit in which a disk fills up, and in which a power cut tears a file. */
export const PAGE_BYTES = 16_384;

/** The content of a simulated file: pages, and of each page changed since the last sync what it was before. */
export class FileBody {
  #size = 0;
  #syncedSize = 0;
  readonly #pages = new Map<number, Uint8Array>();
  /** Null: the page was not there. Pages in here are never written to. */
  readonly #before = new Map<number, Uint8Array | null>();

  get size(): number {
    return this.#size;
  }

  get pageCount(): number {
    return this.#pages.size;
  }

  read(offset: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.#size - offset));
    this.#eachPage(offset, count, (index, start, at, length) => {
      const page = this.#pages.get(index);
      if (page === undefined) into.fill(0, at, at + length);
      else into.set(page.subarray(start, start + length), at);
    });
    return count;
  }

  /** How many pages a write would add. */
  pagesAddedBy(offset: number, length: number): number {
    let added = 0;
    this.#eachPage(offset, length, (index) => {
      if (!this.#pages.has(index)) added++;
    });
    return added;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#eachPage(offset, bytes.length, (index, start, at, length) => {
      this.#changeable(index).set(bytes.subarray(at, at + length), start);
    });
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  /** Changes the byte at `offset` by the bits of `mask`, on the disk itself: a sync or a power cut does not bring it back. */
  rot(offset: number, mask: number): void {
    const index = Math.floor(offset / PAGE_BYTES);
    for (const pages of [this.#pages, this.#before]) {
      const page = pages.get(index)?.slice();
      if (page === undefined) continue;
      page[offset % PAGE_BYTES] = (page[offset % PAGE_BYTES] ?? 0) ^ mask;
      pages.set(index, page);
    }
  }

  truncate(size: number): void {
    if (size < this.#size) {
      for (const index of this.#pages.keys()) {
        if (index * PAGE_BYTES >= size) {
          this.#remember(index);
          this.#pages.delete(index);
        }
      }
      const last = Math.floor(size / PAGE_BYTES);
      if (this.#pages.has(last)) this.#changeable(last).fill(0, size - last * PAGE_BYTES);
    }
    this.#size = size;
  }

  sync(): void {
    this.#before.clear();
    this.#syncedSize = this.#size;
  }

  /** The power fails: each page written since the last sync is on the disk or not, as `survives` says. */
  lose(survives: () => boolean): void {
    for (const [index, page] of this.#before) {
      if (survives()) continue;
      if (page === null) this.#pages.delete(index);
      else this.#pages.set(index, page);
    }
    const size = survives() ? this.#size : this.#syncedSize;
    this.#before.clear();
    this.#size = Math.max(size, this.#size);
    this.truncate(size);
    this.sync();
  }

  #changeable(index: number): Uint8Array {
    const page = this.#pages.get(index);
    if (page !== undefined && this.#before.has(index)) return page;
    this.#remember(index);
    const copy = page === undefined ? new Uint8Array(PAGE_BYTES) : page.slice();
    this.#pages.set(index, copy);
    return copy;
  }

  #remember(index: number): void {
    if (!this.#before.has(index)) this.#before.set(index, this.#pages.get(index) ?? null);
  }

  #eachPage(offset: number, length: number, visit: (index: number, start: number, at: number, length: number) => void): void {
    for (let at = 0; at < length;) {
      const position = offset + at;
      const start = position % PAGE_BYTES;
      const part = Math.min(PAGE_BYTES - start, length - at);
      visit(Math.floor(position / PAGE_BYTES), start, at, part);
      at += part;
    }
  }
}
