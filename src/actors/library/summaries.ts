/** Transfers and peers as the API shows them. */
import type { Peer } from '../../data/peer.ts';
import { clientOf } from '../../data/sources.ts';
import type { Micros } from '../../ports/clock.ts';
import type { PeerSummary, TransferState, TransferSummary, TransferTerms } from '../../protocol/api.ts';
import { cleanName } from '../../protocol/bittorrent/names.ts';
import type { Metainfo } from '../../protocol/bittorrent/metainfo.ts';
import { ratioOf } from '../../domain/transfer/goals.ts';
import type { ContentSummary } from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';
import { formatAddress } from '../../transports/transport.ts';
import type { MagnetPhase } from '../magnet/machine.ts';
import type { PendingMagnet } from '../magnet/magnet.ts';
import type { TransferPhase } from '../transfer/machine.ts';
import type { Transfer } from '../transfer/transfer.ts';

const STATES: Readonly<Record<TransferPhase, TransferState>> = {
  checking: 'checking',
  queued: 'waiting',
  waiting: 'waiting',
  downloading: 'downloading',
  completing: 'downloading',
  resting: 'waiting',
  moving: 'moving',
  seeding: 'seeding',
  paused: 'paused',
  failed: 'failed',
};

export const contentSummary = (metainfo: Metainfo, tags: readonly string[]): ContentSummary => ({
  id: metainfo.id,
  v1: metainfo.v1 && toHex(metainfo.v1),
  v2: metainfo.v2 && toHex(metainfo.v2),
  name: metainfo.name,
  tags,
  size: metainfo.contentBytes,
  files: metainfo.files.filter((file) => !file.pad && file.symlink === null).length,
  pieceLength: metainfo.pieceLength,
});

/** `queue`: its number there. */
export const transferTerms = (transfer: Transfer, now: Micros, queue: number): TransferTerms => {
  const { terms } = transfer.notes;
  return {
    queue,
    complete: transfer.content.map.complete,
    finishing: terms.finishing || terms.following,
    sequential: transfer.wishes.sequential,
    uploadLimit: terms.uploadRate,
    downloadLimit: terms.downloadRate,
    goal: transfer.wishes.goal,
    superSeeding: terms.superSeeding,
    ratio: ratioOf(transfer),
    seededSeconds: Math.floor(terms.seededSeconds(now)),
  };
};

export const transferSummary = (transfer: Transfer, now: Micros, queue: number, nameOf: (node: string) => string): TransferSummary => {
  const { exchange } = transfer;
  const state = STATES[transfer.phase];
  // The rates are those of the last seconds: what has stopped just now has them still.
  const downloading = state === 'downloading';
  return {
    id: transfer.id,
    name: cleanName(transfer.metainfo.name),
    state,
    reason: transfer.reason,
    size: transfer.size,
    doneBytes: transfer.doneBytes,
    downRate: downloading ? Math.round(exchange.down.rate(now)) : 0,
    upRate: downloading || state === 'seeding' ? Math.round(exchange.up.rate(now)) : 0,
    uploadedBytes: transfer.uploadedBytes,
    downloadedBytes: transfer.downloadedBytes,
    secondsLeft: downloading ? transfer.secondsLeft(now) : null,
    peers: exchange.peers.length,
    seeders: transfer.swarm?.seeders ?? exchange.peers.filter((peer) => peer.bits?.complete === true).length,
    sources: [...exchange.sources].map(([node, bytes]) => {
      const client = exchange.clients.get(node) ?? '';
      return { node, name: nameOf(node), bytes, ...(client === '' ? {} : { client }) };
    }),
    piecesBad: exchange.piecesBad,
    folder: transfer.notes.folder,
    owned: transfer.notes.owned,
    terms: transferTerms(transfer, now, queue),
    swarm: transfer.notes.swarm === 'unasked' ? 'trackers' : transfer.notes.swarm,
  };
};

export const peerSummary = (peer: Peer, now: Micros, nameOf: (node: string) => string): PeerSummary => ({
  node: peer.node ?? formatAddress(peer.remote),
  name: peer.node === null ? '' : nameOf(peer.node),
  address: formatAddress(peer.remote),
  client: clientOf(peer),
  downRate: Math.round(peer.down.rate(now)),
  upRate: Math.round(peer.up.rate(now)),
  downloadedBytes: peer.down.total,
  uploadedBytes: peer.up.total,
  has: peer.bits === null ? 0 : peer.bits.size / Math.max(1, peer.bits.pieceCount),
  choking: peer.amChoking,
  choked: peer.chokesUs,
  interested: peer.interested,
  wanted: peer.amInterested,
});

const MAGNET_STATES: Readonly<Record<MagnetPhase, TransferState>> = {
  asking: 'metadata',
  fetching: 'metadata',
  settingUp: 'metadata',
  paused: 'paused',
  failed: 'failed',
  over: 'metadata',
};

/** A link whose torrent is not here yet: how large it is may be known from the link alone. */
export const magnetSummary = (pending: PendingMagnet, folder: string): TransferSummary => ({
  id: pending.id,
  name: pending.name,
  state: MAGNET_STATES[pending.phase],
  reason: pending.reason,
  size: pending.magnet.size ?? 0,
  doneBytes: 0,
  downRate: 0,
  upRate: 0,
  uploadedBytes: 0,
  downloadedBytes: 0,
  secondsLeft: null,
  peers: pending.progress?.peers ?? 0,
  seeders: pending.seeders,
  sources: [],
  piecesBad: 0,
  folder: pending.record.to ?? folder,
  owned: false,
  swarm: 'trackers',
});
