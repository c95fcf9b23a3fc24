/** The trackers of a network put together from what each of them says (`shoal status --cluster`). */
import type { ClusterReport, FailoverReport, ServerReport } from '../../protocol/control/messages.ts';

/** A replica as whoever asks finds it. */
export interface SeenReplica {
  readonly name: string;
  readonly report: ServerReport | null;
  /** Why there is no report. */
  readonly reason: string | null;
}

/** The primary of the highest epoch: an older one may be cut off and not know it (R12). */
const primaryOf = (reports: readonly ServerReport[]): ServerReport | null =>
  reports.reduce<ServerReport | null>(
    (best, report) => (report.role === 'primary' && (best === null || report.epoch > best.epoch) ? report : best),
    null,
  );

/**
 * What the primary has measured, else the difference of the logs' ends. Without a primary nobody can lag behind it. One that has not
 * heard from a replica since it leads counts all its entries: that is no lag, it is not knowing.
 */
const lagOf = (primary: ServerReport | null, report: ServerReport | null, name: string): number | null => {
  if (primary === null) return null;
  if (primary.name === name) return 0;
  const measured = primary.followers.find((follower) => follower.name === name);
  if (measured !== undefined && measured.lagEntries < primary.lastSeq) return measured.lagEntries;
  return report === null ? null : Math.max(0, primary.lastSeq - report.lastSeq);
};

const newest = (reports: readonly ServerReport[]): FailoverReport | null =>
  reports.reduce<FailoverReport | null>(
    (best, { lastFailover }) => (lastFailover !== null && (best === null || lastFailover.epoch > best.epoch) ? lastFailover : best),
    null,
  );

/** All voters that anybody names, replicas first. A proxy that tells this may be one of them, and answers. */
const votersOf = (
  seen: readonly SeenReplica[],
  primary: ServerReport | null,
  reports: readonly ServerReport[],
  proxy: string | null,
): ClusterReport['voters'] => {
  const replicas = new Set(seen.map(({ name }) => name));
  const names = new Set([...replicas, ...reports.flatMap(({ voters }) => voters.map(({ name }) => name))]);
  // Of those that do not answer here the primary knows best, then anybody who is linked to them.
  const said = (primary === null ? reports : [primary]).flatMap(({ voters }) => voters);
  const answers = (name: string): boolean | null => {
    if (name === proxy || reports.some((report) => report.name === name)) return true;
    const of = said.filter((voter) => voter.name === name);
    return of.length === 0 ? null : of.some(({ reachable }) => reachable);
  };
  return [...names].map((name) => ({ name, witness: !replicas.has(name), answers: answers(name) }));
};

/** `proxy`: who tells this, where it is a proxy. */
export const clusterOf = (seen: readonly SeenReplica[], proxy: ClusterReport['proxy']): ClusterReport => {
  const reports = seen.flatMap(({ report }) => (report === null ? [] : [report]));
  const primary = primaryOf(reports);
  const waiting = reports.find(({ waitsFor }) => waitsFor !== null && !reports.some(({ name }) => name === waitsFor));
  return {
    primary: primary?.name ?? null,
    mode: primary?.mode ?? 'NONE',
    epoch: primary?.epoch ?? Math.max(0, ...reports.map(({ epoch }) => epoch)),
    generation: Math.max(0, ...reports.map(({ generation }) => generation)),
    waitsFor: primary === null ? (waiting?.waitsFor ?? null) : null,
    draining: primary?.draining ?? false,
    swarm: primary?.swarm ?? null,
    replicas: seen.map(({ name, report, reason }) => ({ name, report, reason, lagEntries: lagOf(primary, report, name) })),
    voters: votersOf(seen, primary, reports, proxy?.name ?? null),
    lastFailover: newest(reports),
    proxy,
  };
};
