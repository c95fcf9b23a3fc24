import type { MemoryDatagrams } from './datagrams.ts';
import type { LinkQuality } from './link.ts';
import type { MemoryTransport } from './transport.ts';
import type { Downlink, Uplink } from './uplink.ts';

export interface HostOptions {
  /** Shared equally among the connections that send. Default: unlimited. */
  readonly uplinkBytesPerSecond?: number;
  readonly downlinkBytesPerSecond?: number;
  /** Other names of the host: addresses or host names. */
  readonly names?: readonly string[];
}

export interface Host {
  readonly name: string;
  readonly names: ReadonlySet<string>;
  readonly uplink: Uplink | null;
  readonly downlink: Downlink | null;
  /** Of the processes that were and are on it. */
  readonly transports: Set<MemoryTransport>;
  readonly datagrams: Set<MemoryDatagrams>;
  /** How often a process was started on it. */
  boots: number;
  /** Its power is cut: nothing answers for it. */
  dark: boolean;
  lastPort: number;
}

/** How a connection dies: the other side hears `reset`, or nothing. */
export type Loss = 'reset' | 'silence';

/** Between processes of one host. */
export const LOOPBACK: LinkQuality = { latencyMs: 0.025, jitterMs: 0 };
export const FIRST_EPHEMERAL_PORT = 49_152;

export const isLoopback = (name: string): boolean => name === 'localhost' || name === '::1' || name.startsWith('127.');

export const isWildcard = (name: string): boolean => name === '0.0.0.0' || name === '::';
