/** A member of the network that asks over its own link, sees how each change is kept, and repeats it under its own id. */
import { loadConfig } from '../../src/config/load.ts';
import type { NodeConfig } from '../../src/config/types.ts';
import { LinkDialler } from '../../src/links/dialler.ts';
import { silentLog } from '../../src/ports/log.ts';
import type { MemberFrame, Operation, ReplyFrame, RequestFrame } from '../../src/protocol/control/messages.ts';
import type { Environment } from '../../src/roles/container.ts';
import { systemEnvironment } from '../../src/roles/system-environment.ts';

const DEADLINE_MS = 10_000;
/** The proxy answers by the deadline; after so long without one the harness itself is at fault. */
const ANSWER_MAX_MS = 60_000;
const RETRY_MS = 60;
const NO_TAIL = new Uint8Array(0);
const TRIED_AGAIN = new Set(['busy', 'unavailable', 'not-primary']);

export interface Change {
  readonly reply: ReplyFrame;
  /** How often the network could not say whether it was made. */
  readonly indeterminate: number;
}

interface Asked {
  readonly frame: RequestFrame;
  readonly done: (reply: ReplyFrame) => void;
}

/** The system ports that all members of a test share. */
export class Members {
  readonly #environment: Environment;
  readonly #close: () => void;
  readonly #config: NodeConfig;
  readonly #open: Member[] = [];
  fault: unknown = null;

  /** `configFile`: any node's of the network. */
  constructor(configFile: string) {
    const { environment, close } = systemEnvironment(silentLog, {}, (error) => (this.fault = error));
    this.#environment = environment;
    this.#close = close;
    const config = loadConfig(configFile);
    if (!config.ok || config.value.role !== 'node') throw new Error(`${configFile} is not the configuration of a node`);
    this.#config = config.value;
  }

  /** `proxy`: which one of the network's it is connected to. */
  open(proxy = 0): Member {
    const member = new Member(this.#environment, this.#config, proxy);
    this.#open.push(member);
    return member;
  }

  close(): void {
    for (const member of this.#open) member.close();
    this.#close();
  }
}

export class Member {
  readonly node: string;
  readonly #environment: Environment;
  readonly #dialler: LinkDialler<MemberFrame>;
  readonly #client: string;
  readonly #incarnation: string;
  readonly #asked = new Map<number, Asked>();
  #n = 0;
  #epoch = 0;
  #seqSeen = 0;
  #entering: Promise<void> | null = null;
  token: string | null = null;

  constructor(environment: Environment, { network, secrets }: NodeConfig, proxyIndex: number) {
    const { ports } = environment;
    const hex = (): string => Buffer.from(ports.crypto.secretBytes(16)).toString('hex');
    this.#environment = environment;
    this.node = hex();
    this.#client = hex();
    this.#incarnation = hex();
    const proxy = network.proxies[proxyIndex];
    if (proxy === undefined) throw new Error(`The network has no proxy ${proxyIndex}`);
    const identity = { networkId: network.networkId, name: this.node, incarnation: this.#incarnation, software: 'test' };
    this.#dialler = new LinkDialler<MemberFrame>(
      ports,
      { type: 'member', address: proxy.address, identity, security: secrets.networkKey },
      {
        // What was on its way may have been done: it goes out again under the same id.
        up: () => [...this.#asked.values()].forEach(({ frame }) => this.#dialler.send(frame)),
        frame: (frame) => this.#frame(frame),
        down: () => {},
        failed: () => {},
      },
    );
    this.#inStep(() => this.#dialler.start());
  }

  close(): void {
    this.#inStep(() => this.#dialler.stop());
  }

  /** One request, one reply. `n`: repeats an earlier request. */
  ask(operation: Operation, tail: Uint8Array = NO_TAIL, n = ++this.#n): Promise<ReplyFrame> {
    const frame: RequestFrame = {
      kind: 'request',
      requestId: { client: this.#client, n },
      token: operation.op === 'register' || operation.op === 'login' ? null : this.token,
      operation,
      minSeq: this.#seqSeen,
      require: 'any',
      deadlineMs: DEADLINE_MS,
      epoch: this.#epoch,
      from: null,
      tail,
    };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(n);
        reject(new Error(`No answer to ${operation.op} within ${ANSWER_MAX_MS / 1000} s`));
      }, ANSWER_MAX_MS);
      const done = (reply: ReplyFrame): void => {
        clearTimeout(timer);
        resolve(reply);
      };
      this.#inStep(() => {
        this.#asked.set(n, { frame, done });
        this.#dialler.send(frame);
      });
    });
  }

  /** A change, asked for under one id until the network says what became of it; null when `patience` ends that first. */
  async change(operation: Operation, tail: Uint8Array = NO_TAIL, patienceMs = 120_000): Promise<Change | null> {
    const n = ++this.#n;
    const until = performance.now() + patienceMs;
    let indeterminate = 0;
    while (performance.now() < until) {
      const reply = await this.ask(operation, tail, n);
      if (reply.body.ok) return { reply, indeterminate };
      const { code } = reply.body;
      if (code === 'indeterminate') indeterminate++;
      else if (code === 'not-entered') await this.enter();
      else if (!TRIED_AGAIN.has(code)) return { reply, indeterminate };
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    return null;
  }

  /** Signs in under a new account. */
  async signIn(name: string, password: string): Promise<void> {
    for (const operation of [{ op: 'register', name, password, code: null } as const, { op: 'login', name, password } as const]) {
      const done = await this.change(operation);
      if (done === null || !done.reply.body.ok) throw new Error(`${operation.op} of ${name}: ${JSON.stringify(done?.reply.body)}`);
      if (operation.op === 'login') this.token = (done.reply.body.value as { token: string }).token;
    }
    await this.enter();
  }

  /** Into the swarm side of the network; a new primary does not know its nodes. Whoever asks meanwhile waits for the same answer. */
  enter(): Promise<void> {
    this.#entering ??= this.ask({ op: 'enter', node: this.node, name: 'load', incarnation: this.#incarnation, addresses: [] }).then(() => {
      this.#entering = null;
    });
    return this.#entering;
  }

  #frame(frame: Parameters<ConstructorParameters<typeof LinkDialler<MemberFrame>>[2]['frame']>[0]): void {
    if (frame.kind === 'ping') this.#dialler.send({ kind: 'pong', nonce: frame.nonce, roundTripMicros: 0 });
    if (frame.kind === 'route') this.#epoch = Math.max(this.#epoch, frame.epoch);
    if (frame.kind !== 'reply') return;
    const asked = this.#asked.get(frame.requestId.n);
    if (asked === undefined || frame.requestId.client !== this.#client) return;
    this.#asked.delete(frame.requestId.n);
    this.#seqSeen = Math.max(this.#seqSeen, frame.seq);
    asked.done({ ...frame, tail: Buffer.from(frame.tail) });
  }

  #inStep(handle: () => void): void {
    this.#environment.reactor.step({ port: 'process', id: 0, kind: 'member' }, handle);
  }
}
