/** Finds out what of a content is on disk: by the journal where that can be trusted, else by hashing. */
import type { Content, ContentFailure } from '../../data/content.ts';
import { each } from '../../data/each.ts';
import type { StoredFile } from '../../data/storage.ts';
import type { Disk, FileStat } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import { Bitfield } from '../../protocol/bittorrent/bitfield.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { type Done, fail, ok, type Result } from '../../protocol/result.ts';
import { type FileFacts, planResume, sameFile, type TransferRecord } from '../../domain/transfer/journal.ts';
import type { LayoutFile } from '../../domain/transfer/torrent-layout.ts';
import type { Keeper } from './keeper.ts';
import { finalPath } from './placement.ts';

export interface CheckerSettings {
  readonly disk: Disk;
  readonly log: Log;
  readonly content: Content;
  /** As it was read, or as the transfer began. */
  readonly record: TransferRecord;
  readonly selected: readonly boolean[];
  readonly keeper: Keeper;
}

export interface CheckRequest {
  /** Hash everything, whatever the journal says. */
  readonly all: boolean;
  /** The content was complete once and lies where it belongs. */
  readonly placed: boolean;
  /** What turns out to be wrong may be fetched again. */
  readonly repair: boolean;
}

type Found = readonly (FileFacts | null)[];

export class Checker {
  readonly #settings: CheckerSettings;
  /** The journal counts once: after that, the map in memory is what is known. */
  #first = true;
  #checked = 0;
  #toCheck = 0;
  #running: { stop(): void } | null = null;
  /** Counts the runs: what answers to an earlier one is late. */
  #runs = 0;
  /** Pieces that may be on disk, whatever the map says: to be hashed at the next run. */
  #doubtful: Set<PieceIndex> | null = null;
  /** Files that lay where they belong and are not as they were: somebody else wrote them. */
  #changed: Set<number> | null = null;

  constructor(settings: CheckerSettings) {
    this.#settings = settings;
    const { content, record } = settings;
    const unsettled = record.unsettled.filter((piece) => Number.isInteger(piece) && piece < content.layout.pieceCount);
    this.doubt([...this.#recorded(), ...(unsettled as PieceIndex[])]);
  }

  /** The journal of before has been compared with what is there. */
  get looked(): boolean {
    return !this.#first;
  }

  /** Pieces that are not had and may be on disk all the same; for the journal. */
  get doubtful(): readonly PieceIndex[] {
    return [...(this.#doubtful ?? [])].filter((piece) => !this.#settings.content.map.has(piece));
  }

  /** These are hashed at the next run. */
  doubt(pieces: Iterable<PieceIndex>): void {
    this.#doubtful ??= new Set();
    for (const piece of pieces) this.#doubtful.add(piece);
  }

  /** How far it is, for people. */
  get words(): string | null {
    return this.#toCheck > 0 ? `Checking what is there: ${this.#checked} of ${this.#toCheck} pieces.` : null;
  }

  stop(): void {
    this.#runs++;
    this.#running?.stop();
    this.#running = null;
    this.#toCheck = 0;
  }

  /** For showing what a paused transfer has: nothing is looked at. */
  gainRecorded(): void {
    for (const piece of this.#recorded()) this.#settings.content.map.gain(piece);
  }

  #recorded(): readonly PieceIndex[] {
    const { content, record } = this.#settings;
    return [...(Bitfield.from(Buffer.from(record.have, 'base64'), content.layout.pieceCount)?.pieces() ?? [])];
  }

  /** Brings the map up to date. Answers null, or in words why the transfer cannot go on; a run that is stopped never does. */
  run(request: CheckRequest, done: Done<string | null, ContentFailure>): void {
    const { content } = this.#settings;
    const run = ++this.#runs;
    // Files that are open may not be those that have the names now.
    content.storage.freeze(() => {
      content.storage.thaw();
      this.look(request.placed, (found) => {
        if (run === this.#runs) this.#run(request, found, done);
      });
    });
  }

  #run(request: CheckRequest, found: Found, done: Done<string | null, ContentFailure>): void {
    const { content } = this.#settings;
    this.#doubt(request, found);
    const pieces = this.#present([...(this.#doubtful ?? [])], found);
    this.#checked = 0;
    this.#toCheck = pieces.length;
    // While they are looked at, files may be as they are.
    for (const file of content.storage.files) file.facts = null;
    this.#running = content.check(
      pieces,
      (checked) => (this.#checked = checked),
      (result) => {
        this.#running = null;
        this.#toCheck = 0;
        if (!result.ok) return done(result);
        this.#doubtful = null;
        const verdict = this.#verdict(request, found);
        // What is missing may be put back while the node is down.
        if (verdict !== null) this.doubt(this.#missing());
        return done(ok(verdict));
      },
    );
  }

  /** What the files look like now; null where one is missing. */
  look(placed: boolean, done: (found: Found) => void): void {
    const { storage } = this.#settings.content;
    const found: (FileFacts | null)[] = [];
    const look = (n: number, next: Done<void, never>): void =>
      storage.stat(n, (stat) => {
        found[n] = factsOf(stat);
        if (found[n] === null && !placed) this.#lookMoved(n, found, next);
        else next(ok(undefined));
      });
    each([...storage.files.keys()], look, () => done(found));
  }

  /** Pieces that reach from a file that was there before into one that was fetched: only in the end can they be checked. */
  edges(done: Done<void>): void {
    const { content } = this.#settings;
    const { files } = content.storage;
    const edges: PieceIndex[] = [];
    for (let piece = 0; piece < content.layout.pieceCount; piece++) {
      const adopted = content.layout.segments(piece as PieceIndex).map(({ file }) => files[file.index]?.adopted === true);
      if (adopted.includes(true) && adopted.includes(false) && content.map.has(piece as PieceIndex)) edges.push(piece as PieceIndex);
    }
    const judged: Done<void, ContentFailure> = (result) => {
      if (!result.ok) return done(result);
      const wrong = edges.find((piece) => !content.map.has(piece));
      if (wrong === undefined) return done(ok(undefined));
      const segment = content.layout.segments(wrong).find(({ file }) => files[file.index]?.adopted === true);
      return done(fail('exists', inTheWay(files[segment?.file.index ?? 0]?.path ?? '')));
    };
    content.check(edges, () => {}, judged);
  }

  /** A crash between the move to the final name and the journal: the file is the recorded one, elsewhere. */
  #lookMoved(n: number, found: (FileFacts | null)[], next: Done<void, never>): void {
    const { content, disk, record } = this.#settings;
    const recorded = record.files[n]?.facts ?? null;
    const path = finalPath(record.folder, content.layout, n);
    disk.stat(path, (stat) => {
      const moved = factsOf(stat);
      if (moved !== null && recorded !== null && sameFile(moved, recorded)) {
        found[n] = moved;
        (content.storage.files[n] as StoredFile).path = path;
      }
      next(ok(undefined));
    });
  }

  /** What is to be hashed: everything, or what the files give reason to. */
  #doubt({ all, placed }: CheckRequest, found: Found): void {
    const { map } = this.#settings.content;
    this.#changed = null;
    if (this.#first) this.#compareWithJournal(placed, found);
    else this.#compareWithStorage(found);
    if (all) this.doubt(Array.from({ length: map.count }, (_, piece) => piece as PieceIndex));
  }

  #compareWithJournal(placed: boolean, found: Found): void {
    const { content, keeper, log, record } = this.#settings;
    const { map } = content;
    this.#first = false;
    const plan = planResume(record, found, content.layout);
    const [known, check] = [plan.trusted.length, plan.check.length];
    if (known + check > 0)
      log.info({ transfer: record.id, known, check }, 'A transfer resumes: pieces known by its journal, and to be checked');
    for (let piece = 0; piece < map.count; piece++) map.lose(piece as PieceIndex);
    for (const piece of plan.trusted) {
      map.gain(piece);
      this.#doubtful?.delete(piece);
    }
    for (const n of plan.changed)
      if (record.files[n]?.path === finalPath(record.folder, content.layout, n)) (this.#changed ??= new Set()).add(n);
    for (const [n, file] of record.files.entries()) {
      if (file.facts !== null && !placed && !plan.changed.includes(n)) keeper.remember(n, file.facts);
    }
  }

  /** Files that were right at the last look: what is not as it was then is hashed again. */
  #compareWithStorage(found: Found): void {
    const { content, keeper } = this.#settings;
    const pieces: PieceIndex[] = [];
    for (const file of content.layout.files) {
      const facts = content.storage.files[file.index]?.facts ?? null;
      const now = found[file.index] ?? null;
      if (facts === null) continue;
      if (now !== null && sameFile(facts, now)) {
        keeper.remember(file.index, facts);
        continue;
      }
      if (now !== null) (this.#changed ??= new Set()).add(file.index);
      for (let piece = file.firstPiece; piece < file.endPiece; piece++) pieces.push(piece as PieceIndex);
    }
    this.doubt(pieces);
  }

  #missing(): readonly PieceIndex[] {
    const { map } = this.#settings.content;
    return Array.from({ length: map.count }, (_, piece) => piece as PieceIndex).filter((piece) => map.needs(piece));
  }

  /** Those whose files are all there; the others are lost without a look. */
  #present(pieces: readonly PieceIndex[], found: Found): readonly PieceIndex[] {
    const { layout, map } = this.#settings.content;
    return pieces.filter((piece) => {
      const present = layout.segments(piece).every(({ file }) => found[file.index] !== null);
      if (!present) map.lose(piece);
      return present;
    });
  }

  #verdict({ placed, repair }: CheckRequest, found: Found): string | null {
    const { content, record, selected } = this.#settings;
    const { files } = content.storage;
    const chosen = content.layout.files.filter((file) => selected[file.index] === true);
    const pathOf = (file: LayoutFile): string => files[file.index]?.path ?? '';
    const changed = chosen.find((file) => this.#changed?.has(file.index) === true && this.#lacks(file, false));
    if (!placed && !repair && changed !== undefined)
      return `${pathOf(changed)} has changed since it was downloaded: "shoal resume" fetches it again, over what is there now.`;
    if (!placed) {
      const different = chosen.find((file) => files[file.index]?.adopted === true && this.#lacks(file, true));
      return different === undefined ? null : inTheWay(pathOf(different));
    }
    const missing = chosen.find((file) => found[file.index] === null);
    const wrong = missing ?? chosen.find((file) => this.#lacks(file, false));
    if (wrong === undefined || repair) return null;
    const what = missing === undefined ? 'has changed since it was hashed' : 'is missing';
    const remedy = record.origin === 'share' ? 'put it back and resume, or share the new one' : '"shoal resume" fetches it again';
    return `${pathOf(wrong)} ${what}, so it is not shared any more: ${remedy}.`;
  }

  /** Whether a piece of the file is not right. `alone`: of those that lie in files that were there before alone. */
  #lacks(file: LayoutFile, alone: boolean): boolean {
    const { layout, map, storage } = this.#settings.content;
    for (let piece = file.firstPiece as PieceIndex; piece < file.endPiece; piece++) {
      if (map.has(piece)) continue;
      if (!alone || layout.segments(piece).every((segment) => storage.files[segment.file.index]?.adopted === true)) return true;
    }
    return false;
  }
}

const inTheWay = (path: string): string =>
  `${path} exists already and is a different file. It is not replaced: move it away and resume, or download to another folder.`;

const factsOf = (stat: Result<FileStat>): FileFacts | null =>
  stat.ok && stat.value.kind === 'file'
    ? { size: stat.value.size, modifiedMs: stat.value.modifiedMs, identity: stat.value.identity }
    : null;
