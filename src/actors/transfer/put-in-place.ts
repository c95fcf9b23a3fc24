/** From "all that is wanted is verified" to "it lies where it belongs, and the journal says so". */
import type { Content } from '../../data/content.ts';
import type { Disk } from '../../ports/disk.ts';
import { type Done, type Failure, ok } from '../../protocol/result.ts';
import type { Checker } from './checker.ts';
import type { Keeper } from './keeper.ts';
import { placeContent } from './placement.ts';

export interface Completed {
  readonly disk: Disk;
  readonly content: Content;
  readonly checker: Checker;
  readonly keeper: Keeper;
  readonly folder: string;
  readonly selected: readonly boolean[];
  /** It lies there already: nothing is moved. */
  readonly there: boolean;
  /** It was placed before this look at it. */
  readonly wasPlaced: boolean;
  /** The journal says all of it already, and stands as it is. */
  readonly asRecorded: boolean;
  /** Called once it lies there, before the journal says so. */
  readonly placed: () => void;
}

/** Errors: those of the disk and of the journal; a journal that cannot be written has told the keeper's owner as well. */
export const putInPlace = (completed: Completed, done: Done<void>): void => {
  const { asRecorded, checker, content, disk, folder, keeper, selected } = completed;
  const { layout, storage } = content;
  const lies: Done<void, Failure> = (result) => {
    if (!result.ok) return done(result);
    return checker.look(completed.wasPlaced, (found) => {
      for (const [n, file] of storage.files.entries()) file.facts = selected[n] === true ? (found[n] ?? null) : null;
      completed.placed();
      keeper.forget();
      // A node of many shares starts without writing every one of their journals.
      if (asRecorded) return done(ok(undefined));
      return keeper.save(true, done);
    });
  };
  if (completed.there) return lies(ok(undefined));
  return checker.edges((same) => {
    if (!same.ok) return lies(same);
    return keeper.save(false, (saved) => (saved.ok ? placeContent({ disk, layout, storage, folder, selected }, lies) : done(saved)));
  });
};
