import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Failure, fail, ok, type Result } from '../protocol/result.ts';

const SQLITE_BUSY = 5;
const LOCK_FILE = 'lock';
const HOLDER_FILE = 'lock.pid';

export interface FolderLock {
  /** Lets another process have the folder. May be called twice. */
  release(): void;
}

export interface LockFailure extends Failure<'in-use' | 'io'> {
  /** The process that has the folder, where it is known. */
  readonly pid: number | null;
}

/** Kept here, for a lock that is only garbage to its owner must not be let go by the garbage collector. */
const held = new Set<DatabaseSync>();

const holder = (folder: string): number | null => {
  try {
    const pid = Number.parseInt(readFileSync(join(folder, HOLDER_FILE), 'utf8'), 10);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
};

/**
 * Takes a data folder for this process, or says which process has it. The lock is the system's own file lock (held
 * through SQLite, the one way to it without a native add-on), so that it goes with its holder, however that dies.
 * The folder must be there.
 */
export const lockFolder = (folder: string): Result<FolderLock, LockFailure> => {
  let sql: DatabaseSync | undefined;
  try {
    sql = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 });
    sql.exec('BEGIN EXCLUSIVE');
    writeFileSync(join(folder, HOLDER_FILE), `${process.pid}\n`);
  } catch (error) {
    sql?.close();
    const why = error instanceof Error ? error.message : String(error);
    if (!(error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY)) {
      return { ok: false, error: { ...fail('io', `Could not lock the folder ${folder}: ${why}.`).error, pid: null } };
    }
    const pid = holder(folder);
    const who = pid === null ? 'another process' : `process ${pid}`;
    return {
      ok: false,
      error: { ...fail('in-use', `The folder ${folder} is in use by ${who}. Stop that first, or choose another folder.`).error, pid },
    };
  }
  const lock = sql;
  held.add(lock);
  return ok({
    release: () => {
      if (held.delete(lock)) lock.close();
    },
  });
};
