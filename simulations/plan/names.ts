/** What the numbers of a plan stand for: processes by name, accounts and contents by number. */
import type { ClusterPlan, ProcessName } from './types.ts';

const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

export const replicaNames = ['tracker', 'backup'] as const;
export const isReplica = (process: ProcessName): boolean => replicaNames.some((name) => name === process);
export const proxyNames = ({ proxies }: Pick<ClusterPlan, 'proxies'>): readonly ProcessName[] => numbered('proxy', proxies);
export const nodeNames = ({ nodes }: Pick<ClusterPlan, 'nodes'>): readonly ProcessName[] => numbered('node', nodes);
export const liarNames = ({ liars }: Pick<ClusterPlan, 'liars'>): readonly ProcessName[] => numbered('liar', liars);

/** Who votes: both replicas and the first proxies. */
export const voterNames = (cluster: ClusterPlan): readonly ProcessName[] => [
  ...replicaNames,
  ...proxyNames(cluster).slice(0, cluster.witnesses),
];

/** Every process of a plan, in the order of starting. */
export const processNames = (cluster: ClusterPlan): readonly ProcessName[] => [
  ...replicaNames,
  ...proxyNames(cluster),
  ...nodeNames(cluster),
  ...liarNames(cluster),
];

/** The account that may do what administrators may: it registers with the code of the first administrator. */
export const ADMIN_ACCOUNT = 0;
export const ADMIN_CODE = 'code of the first administrator';

export const accountName = (account: number): string => `member ${account}`;
/** Passwords of all accounts are the same few, numbered from 0: the first is the one that an account registers with. */
export const passwordText = (password: number): string => `password number ${password}`;
/** Devices of all accounts are called the same. */
export const deviceName = (device: number): string => `device ${device}`;
/** One word, so that a search for it finds this content alone. */
export const contentName = (content: number): string => `content${String(content).padStart(4, '0')}.bin`;
/** Where a node has the file before it shares it. Contents of another size are other contents. */
export const sharedPath = (node: ProcessName, content: number, bytes: number): string => `/${node}/files/${bytes}/${contentName(content)}`;
/** Where a node puts it when it fetches it. */
export const fetchedPath = (node: ProcessName, content: number): string => `/${node}/downloads/${contentName(content)}`;
