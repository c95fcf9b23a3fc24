/** For tests: replicas that answer as told, behind real links; a real proxy; and members with links of their own. */
import type { NetworkConfig } from '../../config/types.ts';
import { dialLink } from '../../links/dial.ts';
import type { Link, LinkDown, LinkHandler, LinkPeer } from '../../links/link.ts';
import { ReplicaLinks } from '../../links/replica-links.ts';
import { TestNet, type TestProcess } from '../../links/net.test-kit.ts';
import type {
  AnnouncedFrame,
  AnnounceFrame,
  Durability,
  MemberFrame,
  Operation,
  ReplicationFrame,
  ReplyBody,
  ReplyFrame,
  RequestFrame,
  ServerReport,
  RouteFrame,
  StatusFrame,
  VotingFrame,
} from '../../protocol/control/messages.ts';
import { MEMBER_LIMITS, type MemberLimits } from './members.ts';
import { Proxy } from './proxy.ts';

const CONTROL_PORT = 7_000;
const MEMBER_PORT = 8_000;

const configFor = (replicas: readonly TestProcess[], proxies: readonly TestProcess[]): NetworkConfig => ({
  networkId: '00'.repeat(16),
  name: 'test',
  replicas: replicas.map((process, i) => ({ name: i === 0 ? 'main' : 'backup', address: { host: process.host, port: CONTROL_PORT } })),
  proxies: proxies.map((process, i) => ({ name: `proxy-${i + 1}`, address: { host: process.host, port: MEMBER_PORT } })),
  witnesses: 1,
  registration: 'open',
  announceIntervalSeconds: 60,
  aliveSeconds: 10,
  removeSeconds: 35,
  sessionDays: 30,
  announce: { passkeys: 'required', intervalSeconds: 300 },
  timing: { heartbeatMs: 150, suspectMinMs: 900, suspectMaxMs: 1_100, degradeAfterMs: 1_000 },
});

/** A replica that keeps every request it gets and answers when the test says so, or by `answer`. */
export class FakeReplica {
  readonly process: TestProcess;
  readonly name: string;
  readonly links: ReplicaLinks;
  readonly requests: { readonly frame: RequestFrame; readonly reply: (frame: ReplyFrame) => void }[] = [];
  readonly announces: { readonly frame: AnnounceFrame; readonly reply: (frame: AnnouncedFrame) => void }[] = [];
  readonly received: { readonly from: string; readonly frame: VotingFrame | ReplicationFrame }[] = [];
  readonly peers = new Set<string>();
  /** Null: no answer. */
  answer: (frame: RequestFrame) => ReplyBody | null = () => ({ ok: true, value: {} });
  epoch = 0;
  seq = 0;
  /** What it says of every answer. */
  durability: Durability = 'replicated';
  stale = false;
  /** What it says of itself now. */
  status: StatusFrame | null = null;
  /** Goes with the status where the report for people is due. */
  report: ServerReport | null = null;

  constructor(process: TestProcess, network: NetworkConfig, name: string) {
    this.process = process;
    this.name = name;
    const options = {
      name,
      incarnation: `${name}-1`,
      software: 'test',
      network,
      listen: { host: process.host, port: CONTROL_PORT },
      security: null,
      linksMax: 10,
      statusEveryMs: 150,
    };
    this.links = new ReplicaLinks(process.ports, options, {
      listening() {},
      failed() {},
      received: (from, frame) => void this.received.push({ from, frame }),
      peerUp: (peer) => void this.peers.add(peer),
      peerDown: (peer) => void this.peers.delete(peer),
      request: (frame, _proxy, reply) => {
        this.requests.push({ frame, reply });
        const body = this.answer(frame);
        if (body !== null) reply(this.replyTo(frame, body));
      },
      announce: (frame, _proxy, reply) => void this.announces.push({ frame, reply }),
      obey: (_order, done) => done({ ok: false, code: 'unavailable', message: 'nothing is obeyed here' }),
      status: (report) => (this.status === null || !report || this.report === null ? this.status : { ...this.status, report: this.report }),
    });
    process.do(() => this.links.start());
  }

  replyTo(frame: RequestFrame, body: ReplyBody): ReplyFrame {
    return {
      kind: 'reply',
      requestId: frame.requestId,
      epoch: this.epoch,
      seq: this.seq,
      durability: this.durability,
      ...(this.stale ? { stale: true as const } : {}),
      body,
      tail: new Uint8Array(0),
    };
  }

  says(role: StatusFrame['role'], epoch: number, primary: string | null, waitsFor: string | null = null): void {
    this.epoch = epoch;
    this.status = { kind: 'status', name: this.name, role, epoch, primary, mode: 'SYNC', appliedSeq: this.seq, waitsFor };
    this.process.do(() => this.links.statusChanged());
  }

  operations(): string[] {
    return this.requests.map(({ frame }) => frame.operation.op);
  }
}

/** A node's end of a member link, without a session. */
export class FakeMember implements LinkHandler<MemberFrame> {
  readonly process: TestProcess;
  readonly frames: MemberFrame[] = [];
  peer: LinkPeer | null = null;
  reason: LinkDown | null = null;
  readonly link: Link<MemberFrame>;
  readonly node: string;

  constructor(process: TestProcess, host: string, networkId: string, node: string) {
    this.process = process;
    this.node = node;
    let link: Link<MemberFrame> | null = null;
    process.do(() => {
      const identity = { networkId, name: node, incarnation: 'i', software: 'test' };
      link = dialLink<MemberFrame>(process.ports, { type: 'member', address: { host, port: MEMBER_PORT }, identity }, this);
    });
    this.link = link as unknown as Link<MemberFrame>;
  }

  up(peer: LinkPeer): void {
    this.peer = peer;
  }

  frame(frame: MemberFrame): void {
    this.frames.push(frame);
  }

  down(reason: LinkDown): void {
    this.reason = reason;
  }

  ask(n: number, operation: Operation, deadlineMs = 10_000): void {
    const requestId = { client: 'c1'.repeat(16), n };
    const frame: RequestFrame = {
      kind: 'request',
      requestId,
      token: 't',
      operation,
      minSeq: 0,
      require: 'any',
      deadlineMs,
      epoch: 0,
      from: null,
      tail: new Uint8Array(0),
    };
    this.process.do(() => void this.link.send(frame));
  }

  says(frame: AnnounceFrame): void {
    this.process.do(() => void this.link.send(frame));
  }

  replies(n: number): ReplyFrame[] {
    return this.frames.filter((frame) => frame.kind === 'reply').filter((frame) => frame.requestId.n === n);
  }

  routes(): RouteFrame[] {
    return this.frames.filter((frame) => frame.kind === 'route');
  }
}

export interface TestCluster {
  readonly net: TestNet;
  readonly network: NetworkConfig;
  readonly main: FakeReplica;
  readonly backup: FakeReplica;
  readonly proxies: readonly Proxy[];
  readonly proxyProcesses: readonly TestProcess[];
  member(node: string, proxy?: number): FakeMember;
}

/** Main is primary of epoch 1, backup follows, and every proxy knows it. */
export const testCluster = (
  options: { readonly proxies?: number; readonly limits?: Partial<MemberLimits>; readonly requestsMax?: number } = {},
): TestCluster => {
  const net = new TestNet();
  const replicas = [net.process(), net.process()];
  const proxyProcesses = Array.from({ length: options.proxies ?? 1 }, () => net.process());
  const network = configFor(replicas, proxyProcesses);
  const [main, backup] = replicas.map((process, i) => new FakeReplica(process, network, i === 0 ? 'main' : 'backup')) as [
    FakeReplica,
    FakeReplica,
  ];
  const proxies = proxyProcesses.map((process, i) => {
    const proxy = new Proxy(
      {
        reactor: process.reactor,
        ports: process.ports,
        config: {
          name: `proxy-${i + 1}`,
          listen: { host: process.host, port: MEMBER_PORT },
          limits: { membersMax: 100, requestsUnderWayMax: options.requestsMax ?? 100, requestDeadlineMs: 8_000 },
          spreadMs: 2_000,
        },
        network,
        incarnation: `p${i}`,
        software: 'test',
        security: { cluster: null, members: null },
        memberLimits: { ...MEMBER_LIMITS, ...options.limits },
      },
      { listening() {}, failed() {} },
    );
    process.do(() => proxy.start());
    return proxy;
  });
  main.says('primary', 1, 'main');
  backup.says('follower', 1, 'main');
  net.until(() =>
    proxies.every((proxy) => proxy.status().state === 'routed' && proxy.status().replicas.every((replica) => replica.role !== null)),
  );
  const member = (node: string, proxy = 0): FakeMember => {
    const found = new FakeMember(net.process(), (proxyProcesses[proxy] as TestProcess).host, network.networkId, node);
    net.until(() => found.peer !== null && found.frames.length > 0);
    return found;
  };
  return { net, network, main, backup, proxies, proxyProcesses, member };
};
