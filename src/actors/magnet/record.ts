/** What survives a restart of a magnet link whose torrent is not here yet: `ID.magnet.json` beside the records of transfers. */
import { z } from 'zod';

const schema = z.object({
  version: z.literal(1),
  /** As it was given: with its trackers, which may hold secrets. */
  link: z.string().max(16_384),
  /** The folder; null for the node's. */
  to: z.string().max(4_096).nullable(),
  /** Globs. */
  files: z.array(z.string().max(1_024)).max(1_000),
  sequential: z.boolean(),
  paused: z.boolean(),
});

export type MagnetRecord = z.infer<typeof schema>;

export const MAGNET_RECORD_BYTES_MAX = 8 * 1024 * 1024;

export const encodeMagnetRecord = (record: MagnetRecord): Uint8Array => Buffer.from(JSON.stringify(record));

/** Null where it cannot be read. */
export const decodeMagnetRecord = (bytes: Uint8Array): MagnetRecord | null => {
  try {
    const read = schema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
};
