/** All calls that a library answers, by name: a module of each kind beside this one. */
import type { CallsOf, LibraryCallName, LibraryParts } from '../parts.ts';
import { everydayCalls } from './everyday.ts';
import { getCalls } from './get.ts';
import { removingCalls } from './removing.ts';
import { torrentCalls } from './torrents.ts';
import { transferCalls } from './transfers.ts';

export const libraryCalls = (parts: LibraryParts): CallsOf<LibraryCallName> => ({
  share: (args, done) => done(parts.shares.begin(args)),
  shareJob: ({ job }, done) => {
    parts.publishing.refresh();
    done(parts.jobs.state(job));
  },
  publish: (args, done) => parts.publishing.begin(args, done),
  ...getCalls(parts),
  ...transferCalls(parts),
  ...removingCalls(parts),
  ...torrentCalls(parts),
  ...everydayCalls(parts),
});
