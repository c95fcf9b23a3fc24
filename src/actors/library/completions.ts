/** What follows a download that has become complete: it is moved to the folder of finished ones, then a program is run. */
import type { NodeConfig } from '../../config/types.ts';
import type { Ports } from '../../ports/ports.ts';
import { cleanName } from '../../protocol/bittorrent/names.ts';
import { finalRoot } from '../transfer/placement.ts';
import type { Transfer } from '../transfer/transfer.ts';

const PROGRAMS_AT_ONCE_MAX = 2;
/** More wait; beyond that, downloads are complete without a program. */
const PROGRAMS_WAITING_MAX = 10_000;
const PROGRAM_TIMEOUT_MS = 600_000;
const OUTPUT_BYTES_MAX = 4_096;

export class Completions {
  readonly #ports: Pick<Ports, 'log' | 'programs'>;
  readonly #config: Pick<NodeConfig, 'downloadFolder' | 'completedFolder' | 'onComplete'>;
  readonly #waiting: Transfer[] = [];
  #running = 0;

  constructor(ports: Pick<Ports, 'log' | 'programs'>, config: Pick<NodeConfig, 'downloadFolder' | 'completedFolder' | 'onComplete'>) {
    this.#ports = ports;
    this.#config = config;
  }

  /** May be told more than once of the same. */
  completed(transfer: Transfer): void {
    const { terms } = transfer.notes;
    if (terms.following) return;
    terms.following = true;
    const { completedFolder, downloadFolder } = this.#config;
    const { folder } = transfer.notes;
    if (completedFolder === null || folder !== downloadFolder || completedFolder === folder) return this.#moved(transfer);
    return transfer.wishes.move(completedFolder, (result) => {
      // It stays where it is, and the log of the move says why.
      if (!result.ok)
        this.#ports.log.warn({ transfer: transfer.id, reason: result.error.message }, 'A finished download stays where it was');
      this.#moved(transfer);
    });
  }

  #moved(transfer: Transfer): void {
    if (this.#config.onComplete.length === 0 || this.#waiting.length >= PROGRAMS_WAITING_MAX) {
      transfer.notes.terms.following = false;
      return transfer.wishes.finished();
    }
    this.#waiting.push(transfer);
    return this.#next();
  }

  #next(): void {
    if (this.#running >= PROGRAMS_AT_ONCE_MAX) return;
    const transfer = this.#waiting.shift();
    if (transfer === undefined) return;
    this.#running++;
    const facts = factsOf(transfer);
    const command = this.#config.onComplete.map((word) => filled(word, facts));
    const variables = Object.fromEntries(Object.entries(facts).map(([name, value]) => [`SHOAL_${name.toUpperCase()}`, value]));
    const { log, programs } = this.#ports;
    // Before it is run: one that takes this process down with it is not run again at every start.
    transfer.wishes.finished();
    programs.run({ command, variables, timeoutMs: PROGRAM_TIMEOUT_MS, outputBytesMax: OUTPUT_BYTES_MAX }, (end) => {
      this.#running--;
      transfer.notes.terms.following = false;
      const fields = { transfer: transfer.id, program: command[0] };
      if (!end.ok) log.warn({ ...fields, reason: end.error.message }, 'The program for a finished download did not start');
      else if (end.value.status === 0) log.info({ ...fields, output: end.value.output }, 'The program for a finished download has ended');
      else log.warn({ ...fields, ...end.value }, 'The program for a finished download failed');
      this.#next();
    });
  }
}

type Facts = Readonly<Record<'id' | 'name' | 'folder' | 'path' | 'bytes', string>>;

const factsOf = ({ id, layout, metainfo, notes, size }: Transfer): Facts => ({
  id,
  name: cleanName(metainfo.name),
  folder: notes.folder,
  path: finalRoot(notes.folder, layout),
  bytes: String(size),
});

/** In one pass: what a name holds is put in as it is. */
const filled = (word: string, facts: Facts): string =>
  word.replaceAll(/\{(id|name|folder|path|bytes)\}/gu, (_, name: keyof Facts) => facts[name]);
