/** An operator on this machine, for code that lives with promises: reports of the trackers, and orders to them. */
import type { ProxyConfig, ReplicaConfig } from '../config/types.ts';
import { clusterOf } from '../domain/routing/cluster.ts';
import { giveOrder } from '../links/operator.ts';
import { silentLog } from '../ports/log.ts';
import type { ClusterReport, OrderErrorCode, OrderName, OrderResults } from '../protocol/control/messages.ts';
import { orderResults } from '../protocol/control/schemas.ts';
import { fail, type Failure, ok, type Result } from '../protocol/result.ts';
import { version } from '../system/version.ts';
import { newIncarnation } from './container.ts';
import { systemEnvironment } from './system-environment.ts';

/** How long a replica may take to be reached, and for a report. */
const REPORT_MAX_MS = 2_000;
/** A hand-over and a promotion end by themselves before this. */
const ORDER_MAX_MS = 20_000;

type Ordered<K extends OrderName> = Result<OrderResults[K], Failure<OrderErrorCode>>;

export interface Operator {
  /** Names of the replicas, in order of priority. */
  readonly replicas: readonly string[];
  order<K extends OrderName>(replica: string, name: K): Promise<Ordered<K>>;
  /** Of all replicas at once; one that does not answer is told with its reason. */
  cluster(): Promise<ClusterReport>;
  close(): void;
}

/** `config`: of any tracker, backup or proxy of the network. Rejects nothing: a fault of the program ends the process. */
export const openOperator = ({ network, secrets }: ReplicaConfig | ProxyConfig): Operator => {
  const { environment, close } = systemEnvironment(silentLog, {}, (error) => {
    throw error;
  });
  const { reactor, ports } = environment;
  const identity = { networkId: network.networkId, name: 'operator', incarnation: newIncarnation(ports), software: `shoal/${version}` };
  const security = secrets.clusterKey;

  const order = <K extends OrderName>(replica: string, name: K): Promise<Ordered<K>> =>
    new Promise((resolve) => {
      const address = network.replicas.find((each) => each.name === replica)?.address;
      if (address === undefined) return resolve(fail('bad-request', `There is no replica ${replica} in this network`));
      const answerMaxMs = name === 'report' ? REPORT_MAX_MS : ORDER_MAX_MS;
      const options = { replica, address, identity, answerMaxMs, dialTimeoutMs: REPORT_MAX_MS, ...(security === null ? {} : { security }) };
      return reactor.step({ port: 'process', id: 0, kind: 'order' }, () =>
        giveOrder(ports, options, { do: name }, (result) => {
          if (!result.ok) return resolve(result);
          const value = orderResults[name].safeParse(result.value);
          return resolve(value.success ? ok(value.data) : fail('internal', `The answer of ${replica} is not understood by this version`));
        }),
      );
    });

  return {
    replicas: network.replicas.map(({ name }) => name),
    order,
    cluster: async () => {
      const seen = await Promise.all(
        network.replicas.map(async ({ name }) => {
          const report = await order(name, 'report');
          return report.ok ? { name, report: report.value, reason: null } : { name, report: null, reason: report.error.message };
        }),
      );
      return clusterOf(seen, null);
    },
    close,
  };
};
