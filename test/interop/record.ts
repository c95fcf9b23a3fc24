/** A test that is a cell of the table of what was proven with whom. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';

export interface Cell {
  /** The table it belongs to. */
  readonly table: string;
  /** The program of somebody else. */
  readonly row: string;
  readonly column: string;
}

export interface CellOutcome extends Cell {
  /** Its place among those of its file. */
  readonly place: number;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly ms: number;
  /** What was moved, or why not. */
  readonly note: string;
}

/** Where `npm run test:interop` collects outcomes: a folder. */
const folder = process.env['SHOAL_INTEROP_RECORD'];

const write = (outcome: CellOutcome): void => {
  if (folder !== undefined) appendFileSync(join(folder, `${process.pid}.jsonl`), `${JSON.stringify(outcome)}\n`);
};

let places = 0;

/** A test; its outcome goes into the record. It resolves with a note for the table. */
export const cell = (
  where: Cell,
  run: (t: TestContext) => Promise<string>,
  { skip = false, timeout = 150_000 }: { readonly skip?: string | false; readonly timeout?: number } = {},
): void => {
  const place = places++;
  if (skip !== false) write({ ...where, place, outcome: 'skipped', ms: 0, note: skip });
  void it(`${where.row}: ${where.column}`, { skip, timeout }, async (t) => {
    const from = performance.now();
    try {
      const note = await run(t);
      write({ ...where, place, outcome: 'passed', ms: Math.round(performance.now() - from), note });
    } catch (error) {
      write({
        ...where,
        place,
        outcome: 'failed',
        ms: Math.round(performance.now() - from),
        note: String((error as Error).message).split('\n')[0] ?? '',
      });
      throw error;
    }
  });
};
