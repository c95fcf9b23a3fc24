/** A `ClusterReport` in words. */
import { waitingWords } from '../../domain/routing/route.ts';
import type { ClusterReplica, ClusterReport } from '../../protocol/control/messages.ts';
import type { ListColumn } from '../list.ts';
import { formatTime, plural } from './format.ts';

const names = (list: readonly string[]): string =>
  list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} and ${list.at(-1) as string}`;

const verb = (list: readonly unknown[], one: string, many: string): string => (list.length === 1 ? one : many);

/** Who does not lead, and why nobody does. */
const primaryText = ({ primary, epoch, waitsFor, replicas, voters, draining }: ClusterReport): string => {
  if (primary !== null) return `${primary}, epoch ${epoch}${draining ? '; it is handing over' : ''}`;
  const answering = replicas.filter(({ report }) => report !== null);
  const reader = answering[0]?.name ?? null;
  if (waitsFor !== null && reader !== null) return `none: ${waitingWords(reader, waitsFor)}`;
  if (reader === null) return 'none: neither tracker nor backup answers';
  const answer = voters.filter(({ answers }) => answers === true).length;
  return answer * 2 > voters.length
    ? 'none now; one is being elected'
    : `none: ${answer} of ${voters.length} voters answer, too few to elect one`;
};

const modeText = ({ mode, primary, replicas }: ClusterReport): string => {
  const silent = replicas.find(({ report }) => report === null);
  // The pair degrades for a change, not before: a pair without changes stays as it was.
  if (mode === 'SYNC' && silent !== undefined) return `SYNC, and ${silent.name} does not answer: the next change goes on without it`;
  if (mode === 'SYNC') return 'SYNC: changes are kept on both';
  return mode === 'SOLO' ? `SOLO: changes are kept on ${primary} alone, until the other has caught up` : 'NONE: nothing can be changed now';
};

const votersText = ({ voters }: ClusterReport): string => {
  const is = (answers: boolean | null): string[] => voters.filter((voter) => voter.answers === answers).map(({ name }) => name);
  const [good, bad, unknown] = [is(true), is(false), is(null)];
  if (unknown.length === voters.length) return 'not known: no tracker answers';
  return [
    ...(good.length > 0 ? [`${names(good)} ${verb(good, 'answers', 'answer')}`] : []),
    ...(bad.length > 0 ? [`${names(bad)} ${verb(bad, 'does', 'do')} not`] : []),
    ...(unknown.length > 0 ? [`nobody can tell of ${names(unknown)}`] : []),
  ].join('; ');
};

const swarmsText = ({ phase, nodes, guests = 0, swarms }: NonNullable<ClusterReport['swarm']>): string =>
  `${phase}: ${plural(nodes, 'node')}${guests === 0 ? '' : ` and ${plural(guests, 'other client')}`} in ${plural(swarms, 'swarm')}`;

const failoverText = ({ lastFailover }: ClusterReport): string => {
  if (lastFailover === null) return 'none that is known';
  const { wallMs, epoch, from, to, why } = lastFailover;
  const seconds = String(new Date(wallMs).getSeconds()).padStart(2, '0');
  return `${formatTime(wallMs)}:${seconds}, epoch ${epoch}: ${from === null ? '' : `from ${from} `}to ${to}; ${why}`;
};

/** What a proxy's state means to those who ask it. */
const PROXY_WORDS: Readonly<Record<string, string>> = {
  discovering: 'which looks for a primary',
  routed: 'which has found the primary',
  suspect: 'which has not heard from the primary for a moment',
  holding: 'which holds requests until there is a primary',
  softOnly: 'which has nobody to send changes to; reads and downloads go on',
  unavailable: 'which reaches no tracker',
};

/** Lines of a name and a sentence. */
export const clusterRows = (cluster: ClusterReport, network: string | null): readonly (readonly [string, string])[] => [
  ...(network === null ? [] : [['network', network] as const]),
  ['primary', primaryText(cluster)],
  ['mode', modeText(cluster)],
  ['voters', votersText(cluster)],
  ...(cluster.swarm === null ? [] : [['swarms', swarmsText(cluster.swarm)] as const]),
  ['failover', failoverText(cluster)],
  ...(cluster.generation === 0
    ? []
    : [['generation', `${cluster.generation}: ${plural(cluster.generation, 'promotion was', 'promotions were')} forced`] as const]),
  ...(cluster.proxy === null
    ? []
    : [['seen by', `${cluster.proxy.name}, ${PROXY_WORDS[cluster.proxy.state] ?? cluster.proxy.state}`] as const]),
];

const number =
  (of: (report: NonNullable<ClusterReplica['report']>) => number) =>
  (replica: ClusterReplica): string =>
    replica.report === null ? '-' : String(of(replica.report));

/** The link of the primary to it, as the primary has it. */
const linkText =
  ({ replicas, primary }: ClusterReport) =>
  ({ name }: ClusterReplica): string =>
    replicas.find((replica) => replica.name === primary)?.report?.followers.find((follower) => follower.name === name)?.state ?? '';

export const clusterColumns = (cluster: ClusterReport): readonly ListColumn<ClusterReplica>[] => [
  { title: 'REPLICA', of: ({ name }) => name, shrinksTo: 8 },
  { title: 'ROLE', of: ({ report }) => report?.role ?? 'no answer' },
  { title: 'EPOCH', of: number(({ epoch }) => epoch), right: true, rank: 2 },
  { title: 'LAST', of: number(({ lastSeq }) => lastSeq), right: true, rank: 4 },
  { title: 'COMMITTED', of: number(({ commitSeq }) => commitSeq), right: true, rank: 5 },
  { title: 'APPLIED', of: number(({ appliedSeq }) => appliedSeq), right: true, rank: 3 },
  { title: 'LAG', of: ({ lagEntries }) => (lagEntries === null ? '-' : String(lagEntries)), right: true },
  { title: 'LINK', of: linkText(cluster), blank: '', rank: 6 },
  { title: 'PROXIES', of: ({ report }) => report?.proxies.join(', ') ?? '', blank: '', shrinksTo: 7, rank: 7 },
];
