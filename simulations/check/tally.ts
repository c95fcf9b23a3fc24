/** What the ledger counts as transferred is no more than what nodes have said, however often they said it, and to whom. */
import type { ProcessName } from '../plan/types.ts';
import { replicaNames } from '../plan/names.ts';
import type { MakeChecker } from './checker.ts';
import { violated } from './invariants.ts';

interface Said {
  readonly content: string;
  up: number;
  down: number;
  /** Of runs that are over: a counter that goes back in what is sent is a new run. */
  upBefore: number;
  downBefore: number;
}

/** Contents of nodes' processes that are followed. */
const SAID_MAX = 100_000;

export const countedOnce: MakeChecker = (run) => {
  const name = 'tally';
  /** By process of a node and content. */
  const said = new Map<string, Said>();
  /** Other clients are not followed: where there are some, nothing is said. */
  let guests = false;
  const check = (replica: ProcessName): void => {
    const truth = new Map<string, { up: number; down: number }>();
    for (const { content, up, down, upBefore, downBefore } of said.values()) {
      const before = truth.get(content) ?? { up: 0, down: 0 };
      truth.set(content, { up: before.up + up + upBefore, down: before.down + down + downBefore });
    }
    for (const row of run.query(replica, 'SELECT content, sum(uploaded) AS up, sum(downloaded) AS down FROM tallies GROUP BY content')) {
      const { up = 0, down = 0 } = truth.get(String(row['content'])) ?? {};
      if (Number(row['up']) > up || Number(row['down']) > down)
        violated(
          name,
          `the ledger of ${replica} counts ${String(row['up'])} bytes up and ${String(row['down'])} down of ${String(row['content'])}; nodes have said ${up} and ${down}`,
        );
    }
  };
  return {
    name,
    demands: 'What the ledger counts as transferred is never more than what nodes have announced.',
    sent(_process, _to, link, frame) {
      if (frame.kind === 'guestAnnounce') guests = true;
      if (frame.kind !== 'announce' || link !== 'member') return;
      for (const { content, uploadedBytes, downloadedBytes } of frame.items) {
        if (uploadedBytes === 0 && downloadedBytes === 0) continue;
        const key = `${frame.node} ${frame.incarnation} ${content}`;
        const before = said.get(key) ?? { content, up: 0, down: 0, upBefore: 0, downBefore: 0 };
        const isNewRun = uploadedBytes < before.up || downloadedBytes < before.down;
        if (isNewRun) Object.assign(before, { upBefore: before.upBefore + before.up, downBefore: before.downBefore + before.down });
        said.set(key, Object.assign(before, { up: uploadedBytes, down: downloadedBytes }));
        if (said.size > SAID_MAX) guests = true;
      }
    },
    end() {
      if (guests) return;
      for (const replica of replicaNames) {
        const hasTallies = run.query(replica, "SELECT name FROM sqlite_master WHERE name = 'tallies'").length > 0;
        if (hasTallies) check(replica);
      }
    },
  };
};
