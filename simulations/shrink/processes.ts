/** Fewer processes: those that nothing mentions go, and what mentions those that went goes with them. */
import { nodeNames, processNames } from '../plan/names.ts';
import type { ClusterPlan, Fault, Operation, Plan, ProcessName } from '../plan/types.ts';

/** The processes that a fault concerns. */
export const concernedBy = (fault: Fault): readonly ProcessName[] => {
  switch (fault.kind) {
    case 'slowLink':
    case 'slice':
      return [fault.from, fault.to];
    case 'cut':
      return [...fault.from, ...fault.to];
    case 'breakLinks':
      return fault.other === null ? [fault.process] : [fault.process, fault.other];
    default:
      return [fault.process];
  }
};

/** The plan with this cluster: faults and operations of processes that are no more are left out. */
export const withCluster = (plan: Plan, cluster: ClusterPlan): Plan => {
  const names = new Set(processNames(cluster));
  const faults: Fault[] = [];
  for (const fault of plan.faults) {
    const left = among(fault, names);
    if (left !== null) faults.push(left);
  }
  const operations = plan.operations.filter(({ node }) => names.has(node));
  const core = plan.core.filter((name) => names.has(name));
  // A core has a proxy.
  const proxies = core.some((name) => name.startsWith('proxy')) ? [] : ['proxy1'];
  return { ...plan, cluster, faults, operations, core: [...core, ...proxies] };
};

/** A partition goes on among those that are left; any other fault needs all it concerns. */
const among = (fault: Fault, names: ReadonlySet<ProcessName>): Fault | null => {
  if (fault.kind !== 'cut') return concernedBy(fault).every((name) => names.has(name)) ? fault : null;
  const from = fault.from.filter((name) => names.has(name));
  const to = fault.to.filter((name) => names.has(name));
  return from.length === 0 || to.length === 0 ? null : { ...fault, from, to };
};

/** Smaller clusters, the smallest first. */
export const smallerClusters = (plan: Plan): readonly Plan[] => {
  const { cluster } = plan;
  const smaller: Plan[] = [];
  const add = (change: Partial<ClusterPlan>): void => {
    smaller.push(withCluster(plan, { ...cluster, ...change }));
  };
  if (cluster.uplinkBytesPerSecond !== null) add({ uplinkBytesPerSecond: null });
  if ((cluster.guests ?? 0) > 0) add({ guests: 0 });
  if (cluster.liars > 0) add({ liars: 0 });
  if (cluster.liars > 1) add({ liars: cluster.liars - 1 });
  if (cluster.proxies > 1) add({ proxies: 1, witnesses: 1 });
  if (cluster.proxies > 2 && cluster.witnesses === 1) add({ proxies: 2 });
  if (cluster.proxies > 1 && cluster.witnesses === 3) add({ witnesses: 1 });
  return [...smaller, ...fewerNodes(plan)];
};

const fewerNodes = (plan: Plan): Plan[] => {
  const { cluster } = plan;
  if (cluster.nodes === 0) return [];
  const used = usedNodes(plan);
  const fewer: Plan[] = [];
  // Those that something mentions, counted anew from one.
  if (used.length < cluster.nodes) {
    const next = new Map(used.map((name, index) => [name, `node${index + 1}`]));
    fewer.push(withCluster(renamed(plan, next), { ...cluster, nodes: used.length }));
    const last = Math.max(1, ...used.map((name) => Number(name.slice('node'.length))));
    if (last < cluster.nodes) fewer.push(withCluster(plan, { ...cluster, nodes: last }));
  }
  // Everybody's operations at one node.
  if (used.length > 1) fewer.push(withCluster(renamed(plan, new Map(used.map((name) => [name, 'node1']))), { ...cluster, nodes: 1 }));
  if (cluster.nodes > 1) fewer.push(withCluster(plan, { ...cluster, nodes: cluster.nodes - 1 }));
  return fewer;
};

const usedNodes = (plan: Plan): string[] => {
  const mentioned = new Set([...plan.faults.flatMap(concernedBy), ...plan.operations.map(({ node }) => node)]);
  return nodeNames(plan.cluster).filter((name) => mentioned.has(name));
};

const renamed = (plan: Plan, names: ReadonlyMap<string, string>): Plan => {
  const to = (name: string): string => names.get(name) ?? name;
  const faults = plan.faults.map((fault) => renamedFault(fault, to));
  const operations = plan.operations.map((operation): Operation => ({ ...operation, node: to(operation.node) }));
  const core = [...new Set(plan.core.map(to))];
  return { ...plan, faults, operations, core };
};

const renamedFault = (fault: Fault, to: (name: string) => string): Fault => {
  switch (fault.kind) {
    case 'slowLink':
    case 'slice':
      return { ...fault, from: to(fault.from), to: to(fault.to) };
    case 'cut':
      return { ...fault, from: [...new Set(fault.from.map(to))], to: [...new Set(fault.to.map(to))] };
    case 'breakLinks':
      return { ...fault, process: to(fault.process), other: fault.other === null ? null : to(fault.other) };
    default:
      return { ...fault, process: to(fault.process) };
  }
};
