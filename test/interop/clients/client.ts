/** What the tests want of any client, whichever program it is. */
import { until } from '../../../src/cli/up/network.ts';
import type { Lab } from '../machines.ts';

export type Source = { readonly torrent: Uint8Array } | { readonly magnet: string };

export interface Progress {
  /** All files are there and have been checked. */
  readonly done: boolean;
  readonly bytesHere: number;
  readonly peers: number;
  /** What went wrong, in its own words. */
  readonly error: string | null;
}

export interface Client {
  readonly name: string;
  /** Where its peers reach it. */
  readonly host: string;
  readonly peerPort: number;
  /** Takes part in the torrent: what lies in the folder is checked and seeded, what is missing is downloaded. Resolves with its own name for it. */
  add(source: Source, folder: string, options?: AddOptions): Promise<string>;
  progress(id: string): Promise<Progress>;
  /** Takes part no more; the files stay. */
  remove(id: string): Promise<void>;
  /** What it said last, for a failed test. */
  lastWords(): string;
}

export interface AddOptions {
  /** Peers to dial, where the program can be told of any. */
  readonly peers?: readonly { readonly host: string; readonly port: number }[];
  /** Bytes a second that it downloads at most. */
  readonly downloadRate?: number;
}

export interface StartOptions {
  /** It speaks with peers in encrypted streams (MSE), and where it can demand them, takes no others. */
  readonly encrypted?: boolean;
}

export type StartClient = (lab: Lab, machine: string, options?: StartOptions) => Promise<Client>;

/** Resolves when the client has everything. */
export const complete = async (client: Client, id: string, maxMs = 60_000): Promise<void> => {
  let last: Progress | null = null;
  try {
    await until(
      `${client.name}: the whole content`,
      async () => {
        last = await client.progress(id);
        return last.done ? true : null;
      },
      maxMs,
    );
  } catch (error) {
    throw new Error(`${(error as Error).message}; ${JSON.stringify(last)}; it said last:\n${client.lastWords()}`, { cause: error });
  }
};
