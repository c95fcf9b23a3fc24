/** The move of a transfer's files to another folder: looked at, written down, done, and told to whoever asked for it. */
import type { Ports } from '../../ports/ports.ts';
import { type Done, type Failure, fail } from '../../protocol/result.ts';
import type { Assembly } from './assembly.ts';
import { nothingInTheWay, relocate } from './mover.ts';
import type { Notes } from './notes.ts';
import { clearAway } from './placement.ts';

export class Relocating {
  readonly #ports: Pick<Ports, 'disk' | 'log'>;
  readonly #notes: Notes;
  readonly #parts: Pick<Assembly, 'content' | 'keeper'>;
  #asked: Done<void> | null = null;
  #moved = 0;

  constructor(ports: Pick<Ports, 'disk' | 'log'>, notes: Notes, parts: Pick<Assembly, 'content' | 'keeper'>) {
    this.#ports = ports;
    this.#notes = notes;
    this.#parts = parts;
  }

  /** How far it is, for people. */
  get words(): string {
    return `Being moved to ${this.#notes.terms.movingTo ?? 'its folder'}: file ${this.#moved} of ${this.#parts.content.storage.files.length}.`;
  }

  /** Looks whether the folder takes it, and writes down that it goes there; `begin` is called then, `done` at the end of it all. */
  prepare(folder: string, done: Done<void>, begin: () => void): void {
    const { content, keeper } = this.#parts;
    const { disk } = this.#ports;
    if (this.#asked !== null) return done(fail('busy', 'It is being moved already.'));
    this.#asked = done;
    const refuse = (failure: Failure): void => this.#answer({ ok: false, error: failure });
    return nothingInTheWay({ disk, storage: content.storage, from: this.#notes.folder, to: folder }, (free) => {
      if (!free.ok) return refuse(free.error);
      return disk.makeFolder(folder, (made) => {
        if (!made.ok) return refuse(made.error);
        this.#notes.terms.movingTo = folder;
        return keeper.save(false, (saved) => (saved.ok ? begin() : refuse(saved.error)));
      });
    });
  }

  /** Nothing else may write meanwhile. What could not be moved stays where it was; either way the transfer knows where its files are. */
  run(done: () => void): void {
    const { content, keeper } = this.#parts;
    const { disk, log } = this.#ports;
    const { folder: from, terms } = this.#notes;
    const to = terms.movingTo ?? from;
    const before = content.storage.files.map(({ path }) => path);
    const moved = (files: number): void => void (this.#moved = files);
    relocate({ disk, storage: content.storage, from, to, moved }, (result) => {
      terms.movingTo = null;
      this.#moved = 0;
      if (result.ok) this.#notes.folder = to;
      else log.warn({ transfer: this.#notes.id, to, reason: result.error.message }, 'A transfer could not be moved');
      clearFolders(this.#ports, before, from, () =>
        keeper.save(false, (saved) => {
          this.#answer(result.ok ? saved : result);
          done();
        }),
      );
    });
  }

  #answer(result: Parameters<Done<void>>[0]): void {
    const asked = this.#asked;
    this.#asked = null;
    asked?.(result);
  }
}

/** Folders of the content that are empty now. */
const clearFolders = ({ disk }: Pick<Ports, 'disk'>, paths: readonly string[], from: string, done: () => void): void => {
  const base = from.replace(/[/\\]+$/u, '');
  const roots = new Set(
    paths.flatMap((path) => {
      const [first, ...rest] = path.startsWith(`${base}/`) ? path.slice(base.length + 1).split('/') : [];
      return first === undefined || rest.length === 0 ? [] : [`${base}/${first}`];
    }),
  );
  const left = [...roots];
  const next = (): void => {
    const root = left.pop();
    if (root === undefined) done();
    else clearAway(disk, root, next);
  };
  next();
};
