/** A small fault, as data: what to find in a file of the program and what to put in its place. */

export interface Edit {
  /** From the root of the project. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Edit {
  readonly name: string;
  /** R1 to R12 of docs/availability.md, or the part of the program that it breaks. */
  readonly rule: string;
  /** What is wrong with it. */
  readonly about: string;
  /** The other places that keep the same rule, where one of them alone would be enough. */
  readonly also?: readonly Edit[];
}

export class StaleMutant extends Error {
  override readonly name = 'StaleMutant';
}

export const editsOf = (mutant: Mutant): readonly Edit[] => {
  const { file, find, replace } = mutant;
  return [{ file, find, replace }, ...(mutant.also ?? [])];
};

/** @throws StaleMutant where the source no longer has the place, or has it more than once. */
export const edited = (source: string, { file, find, replace }: Edit, name: string): string => {
  const at = source.indexOf(find);
  const how = at < 0 ? 'does not occur' : source.includes(find, at + 1) ? 'occurs more than once' : null;
  if (how !== null) throw new StaleMutant(`Mutant ${name}: its pattern ${how} in ${file}: ${JSON.stringify(find)}`);
  return source.slice(0, at) + replace + source.slice(at + find.length);
};
