/** Command lines in the process of a test. */
import type { Streams } from './command.ts';
import type { ExitCode } from './exit.ts';
import { runCommandLine } from './run.ts';

export interface Ended {
  readonly status: ExitCode;
  readonly out: string;
  readonly err: string;
  /** Of standard output: all of it. */
  readonly bytes: Uint8Array;
}

/** Runs a command line; on no terminal, but as wide as one where `columns` says so. */
export const run = async (
  args: readonly string[],
  options: { readonly stdin?: string; readonly columns?: number; readonly terminal?: boolean } = {},
): Promise<Ended> => {
  let err = '';
  const out: Uint8Array[] = [];
  const input = {
    isTTY: false,
    setEncoding: () => input,
    [Symbol.asyncIterator]: async function* () {
      yield options.stdin ?? '';
    },
  };
  const wide = options.columns === undefined ? {} : { columns: options.columns };
  const streams: Streams = {
    out: {
      write: (text: string | Uint8Array) => out.push(Buffer.from(text as string)),
      ...(options.terminal === true ? { isTTY: true } : {}),
      ...wide,
    },
    err: { write: (text: string | Uint8Array) => (err += text.toString()), ...wide },
    input: input as unknown as NodeJS.ReadStream,
    env: {},
  };
  const status = await runCommandLine(args, streams);
  const bytes = Buffer.concat(out);
  return { status, out: bytes.toString('utf8'), err, bytes };
};
