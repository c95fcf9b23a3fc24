/** For tests: a node's session behind a real proxy, and replicas that answer as a tracker would. */
import assert from 'node:assert/strict';
import type { SwarmFollower } from '../../data/network.ts';
import type { TestProcess } from '../../links/net.test-kit.ts';
import type { ApiCalls } from '../../protocol/api.ts';
import type { AnnouncedPeer, ReplyBody, RequestFrame } from '../../protocol/control/messages.ts';
import type { Result } from '../../protocol/result.ts';
import { testCluster, type TestCluster } from '../proxy/cluster.test-kit.ts';
import type { SessionCall } from './calls.ts';
import { NetworkSession } from './session.ts';

export const CONTENT = 'ab'.repeat(32);

export interface Node {
  readonly session: NetworkSession;
  readonly process: TestProcess;
  /** The answer, when it has come. */
  call<K extends SessionCall>(name: K, args: ApiCalls[K]['args']): { result: Result<ApiCalls[K]['result']> | null };
}

export const nodeIn = (
  cluster: TestCluster,
  files = new Map<string, Uint8Array>(),
  entered: (generation: number) => void = () => {},
): Node => {
  const process = cluster.net.process(files);
  const session = new NetworkSession({
    reactor: process.reactor,
    ports: process.ports,
    network: cluster.network,
    node: 'node-1',
    name: 'first',
    software: 'test',
    dataFolder: '/data',
    security: null,
    advertise: [],
    peerPort: () => 6_881,
    uploadedBytes: () => 7,
    entered,
  });
  process.do(() => session.start());
  return {
    session,
    process,
    call(name, args) {
      const answer: { result: Result<ApiCalls[typeof name]['result']> | null } = { result: null };
      process.do(() =>
        session.call(name, args, (result) => {
          assert.equal(answer.result, null, 'answered twice');
          answer.result = result;
        }),
      );
      assert.equal(answer.result, null, 'answered from within the call');
      return answer;
    },
  };
};

/** What a tracker would say. */
export const tracker = ({ operation, token }: RequestFrame): ReplyBody => {
  if (operation.op === 'login') {
    return operation.password === 'right'
      ? { ok: true, value: { token: 'secret-token', account: operation.name, admin: false, expiresMs: 5 } }
      : { ok: false, code: 'wrong-password', message: 'Wrong name or password.' };
  }
  if (operation.op !== 'register' && token !== 'secret-token') return { ok: false, code: 'session-expired', message: 'Sign in again.' };
  switch (operation.op) {
    case 'enter':
      return { ok: true, value: { aliveSeconds: 10, removeSeconds: 35 } };
    case 'whoami':
      return { ok: true, value: { account: 'an', admin: false, expiresMs: 5 } };
    case 'own':
      return { ok: true, value: { id: operation.content.id, first: true } };
    case 'register':
      return { ok: true, value: { account: operation.name, admin: false } };
    default:
      return { ok: true, value: {} };
  }
};

export const served = (proxies = 1): TestCluster => {
  const cluster = testCluster({ proxies });
  cluster.main.answer = tracker;
  cluster.backup.answer = tracker;
  return cluster;
};

export const signIn = (cluster: TestCluster, node: Node): void => {
  const login = node.call('login', { name: 'an', password: 'right' });
  cluster.net.until(() => login.result !== null && node.session.state.online);
};

export const follower = (peers: AnnouncedPeer[] = []): SwarmFollower => ({
  facts: () => ({ leftBytes: 1, uploadedBytes: 2, downloadedBytes: 3, want: 50 }),
  peers: (found) => void peers.push(...found),
});
