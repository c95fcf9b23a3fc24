/** What replicas have made of the same log, and what is kept of a log that a forced promotion overrides. */
import { replicaNames } from '../plan/names.ts';
import type { ProcessName } from '../plan/types.ts';
import type { MakeChecker } from './checker.ts';
import { modelOf } from './cluster-model.ts';
import { violated } from './invariants.ts';
import { type Place, placeText } from './places.ts';

/** Everything that follows from the log: a table, what of it (the numbers of the search index are each replica's own), an order. */
const TABLES: readonly (readonly [table: string, order: string, columns?: string])[] = [
  ['accounts', 'folded'],
  ['sessions', 'token_hash'],
  ['invites', 'code_hash'],
  ['contents', 'id', 'id, v1, v2, name, tags, size, files, piece_length, owners'],
  ['owners', 'content, account, node'],
  ['passkeys', 'hash'],
  ['tallies', 'folded, content'],
  ['tally_sessions', 'folded, content, source'],
  ['clients', 'client'],
  ['replies', 'client, n'],
];
const TEXT_LENGTH_MAX = 160;

type Row = Readonly<Record<string, unknown>>;

export const sameStateFromSameLog: MakeChecker = (run) => {
  const name = 'same-state';
  /** A replica that lost its ledger and has not started since has none. */
  const hasLedger = (process: ProcessName): boolean =>
    run.query(process, "SELECT name FROM sqlite_master WHERE name = 'position'").length > 0;
  const appliedBy = (process: ProcessName): number =>
    Number(run.query(process, 'SELECT applied_seq FROM position')[0]?.['applied_seq'] ?? -1);
  return {
    name,
    demands:
      'Two replicas that have applied the same entries have the same accounts, sessions, owners, passkeys, tallies and replies, whatever way they came by them.',
    end() {
      if (!replicaNames.every((process) => (run.running(process) || run.phase === 'over') && hasLedger(process))) return;
      if (appliedBy('tracker') !== appliedBy('backup')) return;
      for (const [table, order, columns = '*'] of TABLES) {
        const [mine, theirs] = replicaNames.map((process) => run.query(process, `SELECT ${columns} FROM ${table} ORDER BY ${order}`)) as [
          readonly Row[],
          readonly Row[],
        ];
        const rows = Math.max(mine.length, theirs.length);
        for (let row = 0; row < rows; row++) {
          const [here, there] = [JSON.stringify(mine[row] ?? null), JSON.stringify(theirs[row] ?? null)];
          if (here !== there)
            violated(
              name,
              `both replicas have applied ${appliedBy('tracker')} entries; in ${table} the tracker has ${here.slice(0, TEXT_LENGTH_MAX)}, the backup ${there.slice(0, TEXT_LENGTH_MAX)}`,
            );
        }
      }
    },
  };
};

/** What the replica says when it has kept what is overridden, with the file. */
const KEPT = 'a forced promotion overrides what this replica holds: it is kept in quarantine';

export const overriddenIsKept: MakeChecker = (run) => {
  const name = 'quarantine';
  const model = modelOf(run);
  /** The replica that a forced promotion overrides, until it follows. */
  let overridden: ProcessName | null = null;
  const files: string[] = [];
  /** The oldest entry that each log still has: what was compacted is kept as the state that came of it. */
  const firstSeq = new Map<ProcessName, number>();
  const isKept = ({ seq, epoch }: Place): boolean =>
    files.some((file) => {
      const bytes = run.file(overridden ?? '', file);
      if (bytes === null) return false;
      const lines = new TextDecoder()
        .decode(bytes)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { readonly kind?: string; readonly seq?: number; readonly epoch?: number });
      if (seq < (firstSeq.get(overridden ?? '') ?? 0)) return lines.some(({ kind }) => kind === 'state');
      return lines.some((line) => line.seq === seq && line.epoch === epoch);
    });
  model.listen({
    forced: (_seq, epoch) => {
      overridden = model.primaryOf(epoch) === 'tracker' ? 'backup' : 'tracker';
      files.length = 0;
    },
    removed: (process, places) => {
      if (process !== overridden) return;
      const gone = places.find((place) => !isKept(place));
      if (gone !== undefined)
        violated(name, `${process} gives up ${placeText(gone)} to a forced promotion, and its quarantine does not have it`);
    },
    appended: (process) => {
      if (process === overridden) overridden = null;
    },
  });
  return {
    name,
    demands: 'What a forced promotion overrides is in quarantine, on the disk, before it goes from the log.',
    committed(process, transaction, _args, result) {
      if (!result.ok || (transaction !== 'open' && transaction !== 'compact')) return;
      firstSeq.set(process, (result.value as { readonly firstSeq: number }).firstSeq);
    },
    logged({ process, message, fields }) {
      if (process === overridden && message === KEPT && typeof fields['file'] === 'string') files.push(fields['file']);
    },
  };
};
