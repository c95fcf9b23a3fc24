/** The log port over pino: a rotated file of JSON lines, and lines for people on the terminal. */
import { join } from 'node:path';
import { type Logger, multistream, pino, type StreamEntry } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { LogConfig } from '../config/types.ts';
import type { Log } from '../ports/log.ts';
import { redact, redactText } from './redact.ts';
import { RollingFile } from './rolling-file.ts';

export interface OpenLog {
  readonly log: Log;
  /** Lines that come later are dropped. */
  close(): void;
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

/** `logs/<role>-<name>.log` is a link to the file being written. The numbered files stand in a folder of their own. */
const openFile = (who: string, config: LogConfig): RollingFile =>
  new RollingFile({
    folder: join(config.folder, who),
    name: who,
    link: join(config.folder, `${who}.log`),
    bytesMax: config.fileMegabytesMax * 1024 * 1024,
    olderMax: config.filesMax,
  });

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
export const openLog = (role: string, name: string, config: LogConfig, terminal: Terminal | null): OpenLog => {
  const file = openFile(`${role}-${name}`, config);
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
  let closing = false;
  return {
    log: wrap(logger, () => closing),
    close: () => {
      closing = true;
      file.close();
    },
  };
};
