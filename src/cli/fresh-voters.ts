import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from '../system/make-folders.ts';

/** Consumed by a voter's first start. */
const MARK = 'voter.first-start';

/**
 * A voter that finds no state of its own must not vote (rule R9) unless it is new: the network's maker says so with a
 * file in the data folder of each voter, which its first start takes away.
 */
export const markFreshVoters = (folder: string, voters: readonly string[]): void => {
  for (const name of voters) {
    const data = join(folder, 'data', name);
    // The ledger that will lie here has the hashes of passwords.
    makeFolders(data, 0o700);
    writeFileSync(join(data, MARK), 'Made with the network: this voter has no past. Taken away at the first start.\n');
  }
};
