/** A network of whole roles in a simulated world, and strangers that say to it what they like. */
import assert from 'node:assert/strict';
import { Cluster, type ClusterOptions } from '../../simulations/cluster.ts';
import { type Incarnation, World } from '../../simulations/world/index.ts';
import type { LogLine } from '../../simulations/world/log.ts';
import { dialLink } from '../../src/links/dial.ts';
import { millis } from '../../src/ports/clock.ts';
import { encodeControl } from '../../src/protocol/control/codec.ts';
import type { ControlFrame, MemberFrame, Operation, ReplyFrame } from '../../src/protocol/control/messages.ts';
import type { ApiCallName, ApiCalls } from '../../src/protocol/api.ts';
import { encodeFrame } from '../../src/transports/framing.ts';
import type { Address, Connection, Security } from '../../src/transports/transport.ts';

/** A network that serves, and that may lose either of its trackers. */
export const startNetwork = (options: ClusterOptions, seed: number | string = 1): Cluster => {
  const cluster = new Cluster(new World({ seed }), options);
  cluster.startAll();
  cluster.until('the pair is whole', () => cluster.replica(cluster.primary())?.mode === 'SYNC');
  return cluster;
};

/** What a call is refused with, as its user sees it. */
export const refusal = <K extends ApiCallName>(
  cluster: Cluster,
  node: string,
  call: K,
  args: ApiCalls[K]['args'],
): { code: string; message: string } => {
  const answer = cluster.call(node, call, args);
  if (answer.ok) assert.fail(`${call} was not refused: ${JSON.stringify(answer.value)}`);
  return answer.error;
};

export const password = 'correct horse';

export const signIn = (cluster: Cluster, node: string, name = node): void => {
  cluster.ask(node, 'register', { name, password, code: null });
  cluster.ask(node, 'login', { name, password });
};

export const download = (cluster: Cluster, node: string, id: string): void =>
  void cluster.ask(node, 'get', { what: id, to: null, files: [], sequential: false });

/** Lines that a process has logged, newest last. */
export const logged = (cluster: Cluster, process: string, message?: string): readonly LogLine[] =>
  cluster.world.log.lines().filter((line) => line.process === process && (message === undefined || line.message === message));

/** That everybody else is served as before. */
export const stillServes = (cluster: Cluster, node: string): void =>
  assert.ok(cluster.ask(node, 'search', { words: '', offset: 0, limit: 1 }).total >= 0);

export const bytesOf = (frame: ControlFrame): Uint8Array => {
  const { kind, parts } = encodeControl(frame);
  return new Uint8Array(Buffer.concat(encodeFrame(kind, parts)));
};

/** A program of our own hand, on a machine of its own. */
export class Stranger {
  readonly incarnation: Incarnation;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, name: string) {
    this.#cluster = cluster;
    this.incarnation = cluster.world.process(name, { host: `10.9.9.${1 + (name.length % 250)}` }).start();
  }

  /** Sends bytes to an address; what it heard, once the connection is over. */
  say(address: Address, bytes: Uint8Array, security: Security | null): { readonly heard: string; readonly opened: boolean } {
    const { transport } = this.incarnation.ports;
    const chunks: Uint8Array[] = [];
    const state = { opened: false, over: false };
    this.incarnation.step(() => {
      const connection: Connection = transport.dial(
        address,
        { timeoutMs: 1_000, ...(security === null ? {} : { security }) },
        {
          open: () => {
            state.opened = true;
            connection.send(bytes);
          },
          bytes: (chunk) => void chunks.push(chunk.slice()),
          drain() {},
          end: () => connection.close(),
          closed: () => (state.over = true),
        },
      );
    });
    this.#cluster.until(`${formatHost(address)} ends the connection`, () => state.over);
    return { heard: Buffer.concat(chunks).toString('latin1'), opened: state.opened };
  }

  /** A link to the proxy, as a node has one, and a way to ask over it. */
  member(node: string): (operation: Operation, options?: { readonly token?: string; readonly tail?: Uint8Array }) => ReplyFrame {
    const { network, secrets, world } = this.#cluster;
    const [proxy] = network.proxies;
    const replies = new Map<number, ReplyFrame>();
    const state = { up: false, down: '' };
    let n = 0;
    const identity = { networkId: network.networkId, name: node, incarnation: 'by hand', software: 'by hand' };
    const { ports } = this.incarnation;
    const link = stepped(this.incarnation, () =>
      dialLink<MemberFrame>(
        { ...ports },
        { type: 'member', address: proxy?.address as Address, identity, security: secrets.networkKey },
        {
          up: () => (state.up = true),
          frame: (frame) => void (frame.kind === 'reply' && replies.set(frame.requestId.n, frame)),
          down: (reason) => (state.down = reason.message),
        },
      ),
    );
    this.#cluster.until('the link is up', () => state.up || state.down !== '');
    assert.equal(state.down, '');
    return (operation, { token = null, tail = new Uint8Array(0) } = {}) => {
      const requestId = { client: 'ab'.repeat(16), n: ++n };
      const frame = {
        kind: 'request',
        requestId,
        token,
        operation,
        minSeq: 0,
        require: 'any',
        deadlineMs: 5_000,
        epoch: 0,
        from: null,
        tail,
      } as const;
      this.incarnation.step(() => void link.send(frame));
      assert.ok(
        world.runUntil(() => replies.has(n) || state.down !== '', millis(10_000)),
        `no answer to ${operation.op}`,
      );
      assert.equal(state.down, '');
      return replies.get(n) as ReplyFrame;
    };
  }
}

const formatHost = ({ host, port }: Address): string => `${host}:${port}`;

const stepped = <T>(incarnation: Incarnation, make: () => T): T => {
  let made: { readonly value: T } | null = null;
  incarnation.step(() => (made = { value: make() }));
  return (made as unknown as { readonly value: T }).value;
};
