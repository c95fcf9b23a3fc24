/** The log port over pino: a rotated file of JSON lines, and lines for people on the terminal. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, multistream, pino, type StreamEntry } from 'pino';
import { PinoPretty } from 'pino-pretty';
import buildRoll from 'pino-roll';
import type { LogConfig } from '../config/types.ts';
import type { Log } from '../ports/log.ts';
import { redact, redactText } from './redact.ts';

export interface OpenLog {
  readonly log: Log;
  /** Writes out what waits; lines that come later are dropped. */
  close(): Promise<void>;
}

/** Where lines for people go. */
export interface Terminal {
  readonly write: (line: string) => unknown;
  readonly colors: boolean;
}

/** Once it is `closed`, what still falls due while a process ends goes nowhere. */
const wrap = (logger: Logger, closed: () => boolean): Log => {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      if (!closed()) logger[level](fields, redactText(message));
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (bindings) => wrap(logger.child(redact(bindings)), closed),
  };
};

/**
 * `logs/<role>-<name>.log` is a link to the file being written, since pino-roll numbers its files. They stand in a folder
 * of their own: pino-roll takes the trailing number of every file beside them for one of its own.
 */
const openFile = async (
  who: string,
  config: LogConfig,
): Promise<StreamEntry['stream'] & { end(): void; once(event: 'close', listener: () => void): unknown }> => {
  const folder = join(config.folder, who);
  mkdirSync(folder, { recursive: true });
  const stream = await buildRoll({
    file: join(folder, who),
    extension: '.log',
    size: `${config.fileMegabytesMax}m`,
    limit: { count: config.filesMax, removeOtherLogFiles: true },
    sync: true,
  });
  const link = join(config.folder, `${who}.log`);
  const point = (): void => {
    try {
      rmSync(link, { force: true });
      symlinkSync(join(who, stream.file.slice(folder.length + 1)), link);
    } catch {
      // A system without links (Windows without the right to them): the numbered files are there all the same.
    }
  };
  point();
  stream.on('ready', point);
  // A full disk must not end the process that would report it.
  stream.on('error', () => {});
  return stream;
};

const openTerminal = (terminal: Terminal): StreamEntry['stream'] => {
  const pretty = PinoPretty.prettyFactory({
    colorize: terminal.colors,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,role,name',
  });
  return { write: (line) => void terminal.write(String(pretty(line))) };
};

/**
 * Opens the log of a process: `<folder>/<role>-<name>.log`, rotated by size, and lines for people on `terminal` where one
 * is given. Lines are written at once, so that a crash loses none. Secrets are redacted (`redact.ts`).
 * @throws where the folder cannot be made or written.
 */
export const openLog = async (role: string, name: string, config: LogConfig, terminal: Terminal | null): Promise<OpenLog> => {
  const file = await openFile(`${role}-${name}`, config);
  const streams: StreamEntry[] = [{ level: config.level, stream: file }];
  if (terminal !== null) streams.push({ level: config.level, stream: openTerminal(terminal) });
  const logger = pino(
    {
      level: config.level,
      base: { role, name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redact },
      serializers: { err: (value: unknown) => value },
    },
    multistream(streams),
  );
  const closed = new Promise<void>((resolve) => void file.once('close', resolve));
  let closing = false;
  return {
    log: wrap(logger, () => closing),
    close: () => {
      closing = true;
      file.end();
      return closed;
    },
  };
};
