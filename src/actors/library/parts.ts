/** What the calls of a library work with; `library.ts` puts it together. */
import type { NodeConfig } from '../../config/types.ts';
import type { Network } from '../../data/network.ts';
import type { Ports } from '../../ports/ports.ts';
import type { ApiCalls } from '../../protocol/api.ts';
import type { Done } from '../../protocol/result.ts';
import type { TransferPlan } from '../transfer/setting.ts';
import type { Transfer } from '../transfer/transfer.ts';
import type { CatalogSide } from './catalog-side.ts';
import type { Everyday, EverydayConfig } from './everyday.ts';
import type { Holdings } from './holdings.ts';
import type { JobBook } from './job-book.ts';
import type { Magnets } from './magnets.ts';
import type { NodeNames } from './node-names.ts';
import type { Publishing } from './publishing.ts';
import type { Waiting } from './registrar.ts';
import type { Removal } from './removals.ts';
import type { Shares } from './shares.ts';
import type { Shelf } from './shelf.ts';

const LIBRARY_CALLS = [
  'share',
  'shareJob',
  'publish',
  'get',
  'torrent',
  'magnet',
  'transfers',
  'peers',
  'pause',
  'resume',
  'remove',
  'recheck',
  'unshare',
  'files',
  'files.set',
  'queue',
  'limits',
  'seed',
  'move',
] as const;
export type LibraryCallName = (typeof LIBRARY_CALLS)[number];
export const isLibraryCall = (name: string): name is LibraryCallName => (LIBRARY_CALLS as readonly string[]).includes(name);

/** Some of the calls, by name. Each answers exactly once, at once or in a later step. */
export type CallsOf<K extends LibraryCallName> = {
  readonly [N in K]: (args: ApiCalls[N]['args'], done: Done<ApiCalls[N]['result']>) => void;
};

export type LibraryConfig = EverydayConfig &
  Pick<NodeConfig, 'peer' | 'watch'> & {
    readonly network: Pick<NodeConfig['network'], 'name' | 'proxies'>;
  };

export interface LibraryParts {
  readonly ports: Ports;
  readonly network: Network;
  readonly config: LibraryConfig;
  readonly holdings: Holdings;
  readonly shelf: Shelf;
  readonly jobs: JobBook;
  readonly shares: Shares;
  readonly publishing: Publishing;
  /** This node's own passkey, from the network; a secret. */
  passkey(done: Done<string>): void;
  readonly names: NodeNames;
  readonly catalog: CatalogSide;
  readonly magnets: Magnets;
  readonly everyday: Everyday;
  /** Starts a transfer whose record and torrent are on the shelf. */
  begin(plan: TransferPlan): Transfer;
  /**
   * Stops a transfer and takes it off the shelf; `removal` is what the catalog is to forget, and `first` hears of the first
   * attempt at that. Errors: the disk's.
   */
  release(transfer: Transfer, removal: Removal | null, done: Done<void>, first?: Waiting | null): void;
}
