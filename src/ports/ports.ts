import type { Datagrams } from '../transports/datagram.ts';
import type { Transport } from '../transports/transport.ts';
import type { Clock } from './clock.ts';
import type { Crypto } from './crypto.ts';
import type { Disk } from './disk.ts';
import type { FrameTap } from './frame-tap.ts';
import type { Log } from './log.ts';
import type { Programs } from './programs.ts';
import type { Random } from './random.ts';
import type { Zone } from './zone.ts';

/** Everything a process has of the outside. One set per process incarnation; dropping it is a crash. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly datagrams: Datagrams;
  readonly disk: Disk;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly programs: Programs;
  readonly zone: Zone;
  /** For recorders; daemons have none. */
  readonly frames?: FrameTap;
}
