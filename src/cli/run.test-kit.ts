/** Command lines in the process of a test. */
import type { Streams } from './command.ts';
import type { ExitCode } from './exit.ts';
import { runCommandLine } from './run.ts';

export interface Ended {
  readonly status: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line; on no terminal, but as wide as one where `columns` says so. */
export const run = async (
  args: readonly string[],
  options: { readonly stdin?: string; readonly columns?: number } = {},
): Promise<Ended> => {
  let [out, err] = ['', ''];
  const input = {
    isTTY: false,
    setEncoding: () => input,
    [Symbol.asyncIterator]: async function* () {
      yield options.stdin ?? '';
    },
  };
  const wide = options.columns === undefined ? {} : { columns: options.columns };
  const streams: Streams = {
    out: { write: (text: string) => (out += text), ...wide },
    err: { write: (text: string) => (err += text), ...wide },
    input: input as unknown as NodeJS.ReadStream,
    env: {},
  };
  const status = await runCommandLine(args, streams);
  return { status, out, err };
};
