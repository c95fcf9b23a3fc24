/** What may be lost without asking the impossible of the protocol, and who is needed where something was. */
import { decodeVoterCopy } from '../../src/actors/voter/voter-file.ts';
import { VOTER_COPIES } from '../../src/actors/voter/store.ts';
import type { Configuration } from '../../src/domain/replication/types.ts';
import type { VoterRecord } from '../../src/domain/replication/voter.ts';
import { below, type Random } from '../../src/ports/random.ts';
import { equalBytes } from '../../src/protocol/digest.ts';
import type { Cluster } from '../cluster.ts';
import { replicaNames } from '../plan/names.ts';
import type { ProcessName } from '../plan/types.ts';

/** Replicas by the names of their processes and by those that the protocol knows them by. */
const PAIR = { tracker: 'main', backup: 'backup' } as const;
type ReplicaProcess = keyof typeof PAIR;

const isReplica = (name: ProcessName): name is ReplicaProcess => name in PAIR;
const partnerOf = (name: ReplicaProcess): ReplicaProcess => (name === 'tracker' ? 'backup' : 'tracker');

/** What a voter has on its disk; null where it has lost it (R9) or never had it. */
export const storedVoter = (cluster: Cluster, name: ProcessName): VoterRecord | null => {
  const copies = VOTER_COPIES.map((copy) => cluster.file(name, `/${name}/data/${copy}`)).map((bytes) => bytes && decodeVoterCopy(bytes));
  const [newest] = copies.filter((copy) => copy !== null).toSorted((a, b) => b.generation - a.generation);
  return newest?.record ?? null;
};

/**
 * Whether a process may lose this now. Of the voters, only one may be without its memory at a time (R9 reads all others
 * of three, three of five). A log may be lost only where the partner has every entry of it, and is in the in-sync set of
 * the last configuration, so that it may lead; and where no proposal that leaves it out can be under way. A replica that
 * lost its voter's memory cannot know whether it lost its log as well: it counts as lost.
 */
export const mayForget = (cluster: Cluster, name: ProcessName, what: 'voter' | 'ledger' | 'all'): boolean => {
  if (what === 'ledger' && !isReplica(name)) return false;
  if (what === 'voter' && !cluster.voterNames.includes(name)) return false;
  const others = cluster.voterNames.filter((voter) => voter !== name);
  if (cluster.voterNames.includes(name) && others.some((voter) => storedVoter(cluster, voter) === null)) return false;
  return !isReplica(name) || partnerHasAll(cluster, name);
};

const partnerHasAll = (cluster: Cluster, name: ReplicaProcess): boolean => {
  const partner = partnerOf(name);
  const own = cluster.replica(name);
  if (own?.role === 'primary') {
    if (own.mode !== 'SYNC' || own.commitSeq !== own.lastSeq) return false;
  } else if (cluster.replica(partner)?.role !== 'primary') return false;
  if (!mayLead(cluster, partner, cluster.voterNames)) return false;
  return containsLog(cluster, partner, name);
};

const newerFirst = (a: Configuration, b: Configuration): number => b.e - a.e || b.v - a.v;

/** Whether a replica is in the last configuration that these voters know of, and still has the log that this speaks of. */
const mayLead = (cluster: Cluster, name: ReplicaProcess, voters: readonly ProcessName[]): boolean => {
  const records = voters.map((voter) => storedVoter(cluster, voter)).filter((record) => record !== null);
  const [last] = records.map(({ accepted }) => accepted).toSorted(newerFirst);
  const own = storedVoter(cluster, name);
  if (last === undefined || own === null) return false;
  return last.isr.includes(PAIR[name]) && own.distrustedThrough < last.e && !(own.holdsLog && lastOf(cluster, name) === null);
};

interface LastEntry {
  readonly seq: number;
  readonly hash: Uint8Array;
}

const lastOf = (cluster: Cluster, name: ReplicaProcess): LastEntry | null => {
  if (!hasTables(cluster, name)) return null;
  const sql =
    'SELECT seq, hash FROM (SELECT seq, hash FROM log UNION ALL SELECT base_seq, base_hash FROM position) ORDER BY seq DESC LIMIT 1';
  const [row] = cluster.query(name, sql);
  const { seq, hash } = row ?? {};
  return typeof seq === 'number' && seq > 0 && hash instanceof Uint8Array ? { seq, hash } : null;
};

const hasTables = (cluster: Cluster, name: ReplicaProcess): boolean =>
  cluster.query(name, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'log'").length > 0;

/** Whether the log of `name` begins with all of the other's. The hash of an entry stands for all before it. */
const containsLog = (cluster: Cluster, name: ReplicaProcess, other: ReplicaProcess): boolean => {
  const last = lastOf(cluster, other);
  if (last === null) return true;
  if (!hasTables(cluster, name)) return false;
  const [row] = cluster.query(
    name,
    `SELECT hash FROM log WHERE seq = ${last.seq} UNION ALL SELECT base_hash FROM position WHERE base_seq = ${last.seq}`,
  );
  return row?.['hash'] instanceof Uint8Array && equalBytes(row['hash'], last.hash);
};

/** Whom a core cannot do without: voters whose memory one of it needs (R9), a replica that may lead (R2). */
export const withoutWhom = (cluster: Cluster, core: readonly ProcessName[]): readonly ProcessName[] => {
  const voters = cluster.voterNames.filter((name) => core.includes(name));
  const needed = new Set<ProcessName>();
  if (voters.some((name) => storedVoter(cluster, name) === null)) for (const name of cluster.voterNames) needed.add(name);
  const replicas = replicaNames.filter((name) => core.includes(name));
  const leads = replicas.some((name) => mayLead(cluster, name, voters) && mayLead(cluster, name, cluster.voterNames));
  if (!leads) for (const name of replicaNames) needed.add(name);
  return [...needed].filter((name) => !core.includes(name));
};

/** Bytes of a file that a node shares are other bytes from now on. False where it has none. */
export const rotFile = (cluster: Cluster, name: ProcessName, random: Random): boolean => {
  const { disk } = cluster.world.process(name);
  const paths = ['files', 'downloads'].flatMap((folder) => disk.filesUnder(`/${name}/${folder}`));
  const path = paths[below(random, 'which file', Math.max(1, paths.length))];
  return path !== undefined && disk.rot(path, random);
};
