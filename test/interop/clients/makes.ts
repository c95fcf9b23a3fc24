/** All clients of other makes that the tests know. */
import { startAria2 } from './aria2.ts';
import type { StartClient } from './client.ts';
import { startLibtorrent } from './libtorrent.ts';
import { startTransmission } from './transmission.ts';
import { startWebtorrent } from './webtorrent.ts';

export interface Make {
  readonly row: string;
  readonly machine: string;
  readonly start: StartClient;
  /** It reads no hybrid torrent. */
  readonly v1: boolean;
}

export const makes: readonly Make[] = [
  { row: 'aria2', machine: 'aria2', start: startAria2, v1: true },
  { row: 'Transmission', machine: 'transmission', start: startTransmission, v1: true },
  { row: 'libtorrent', machine: 'libtorrent', start: startLibtorrent, v1: false },
  { row: 'webtorrent', machine: 'webtorrent', start: startWebtorrent, v1: false },
];
