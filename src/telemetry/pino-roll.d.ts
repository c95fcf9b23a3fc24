/** pino-roll ships no types: the part that is used here. */
declare module 'pino-roll' {
  import type { Writable } from 'node:stream';

  interface RolledStream extends Writable {
    /** The path of the file being written. */
    readonly file: string;
  }
  interface RollOptions {
    readonly file: string;
    readonly extension: string;
    /** A number with k, m or g. */
    readonly size: string;
    readonly limit: { readonly count: number; readonly removeOtherLogFiles: boolean };
    readonly sync: boolean;
  }
  export default function build(options: RollOptions): Promise<RolledStream>;
}
