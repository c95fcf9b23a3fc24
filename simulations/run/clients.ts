/** Programs of a run that are none of its nodes: an operator's command, and clients that repeat themselves. */
import { dialLink } from '../../src/links/dial.ts';
import type { Link } from '../../src/links/link.ts';
import { giveOrder } from '../../src/links/operator.ts';
import type { NetworkConfig, Secrets } from '../../src/config/types.ts';
import { millis } from '../../src/ports/clock.ts';
import { createRandom } from '../../src/ports/counter-random.ts';
import { below, type Random } from '../../src/ports/random.ts';
import type { MemberFrame, Order, ReplyFrame, RequestFrame } from '../../src/protocol/control/messages.ts';
import { sha256, toHex } from '../../src/protocol/digest.ts';
import { fail, ok, type Result } from '../../src/protocol/result.ts';
import type { Incarnation, World } from '../world/index.ts';
import type { Orders } from './workload.ts';

/** The machine that these programs run on; no fault befalls it. */
const CLIENTS = 'clients';
const CLIENTS_HOST = '10.200.0.1';
const SOFTWARE = 'simulation';
const ORDER_ANSWER_MAX_MS = 20_000;
/** A client asks for so long; then nobody knows what came of it. */
const DEADLINE_MS = 10_000;
/** Repetitions leave at random times within this. */
const SPREAD_MS = 3_000;
const TRIES_MAX = 256;

type Answer = (result: Result<object>) => void;
/** Answers that say that nothing was done yet: the request may be sent again. */
const NOT_DONE: ReadonlySet<string> = new Set(['busy', 'not-primary', 'unavailable', 'not-entered']);

export class Clients implements Orders {
  readonly #world: World;
  readonly #network: NetworkConfig;
  readonly #secrets: Secrets;
  readonly #seed: number;
  #incarnation: Incarnation | null = null;

  constructor(world: World, network: NetworkConfig, secrets: Secrets, seed: number) {
    this.#world = world;
    this.#network = network;
    this.#secrets = secrets;
    this.#seed = seed;
    world.process(CLIENTS, { host: CLIENTS_HOST });
  }

  /** The process that these programs share, if they were needed. */
  get incarnation(): Incarnation | null {
    return this.#incarnation;
  }

  handOver(id: number, replica: string, done: Answer): void {
    this.#order({ do: 'handover' }, id, replica, done);
  }

  forcePromote(id: number, replica: string, done: Answer): void {
    this.#order({ do: 'forcePromote' }, id, replica, done);
  }

  #order(order: Order, id: number, replica: string, done: Answer): void {
    const index = replica === 'tracker' ? 0 : 1;
    const { replicas, networkId } = this.#network;
    const { name, address } = replicas[index] as NetworkConfig['replicas'][number];
    const { clusterKey } = this.#secrets;
    const identity = { networkId, name: `operator-${id}`, incarnation: idOf(`operator ${id}`), software: SOFTWARE };
    const incarnation = this.#process();
    const { ports } = incarnation;
    const security = clusterKey === null ? {} : { security: clusterKey };
    incarnation.step(() =>
      giveOrder(ports, { replica: name, address, identity, answerMaxMs: ORDER_ANSWER_MAX_MS, ...security }, order, done),
    );
  }

  repeat(id: number, name: string, password: string, times: number, done: Answer): void {
    const incarnation = this.#process();
    incarnation.step(() =>
      new Repeater(incarnation, this.#network, this.#secrets, { seed: this.#seed, id, name, password, times }, done).start(),
    );
  }

  #process(): Incarnation {
    this.#incarnation ??= this.#world.process(CLIENTS).start();
    return this.#incarnation;
  }
}

const idOf = (label: string): string => toHex(sha256(label)).slice(0, 40);

interface Repetition {
  readonly seed: number;
  readonly id: number;
  readonly name: string;
  readonly password: string;
  readonly times: number;
}

/**
 * One registration under one request id, sent again and again over every proxy at random moments, before and after it was
 * answered. The first answer that says what came of it is the client's; the network must give no other one later.
 */
class Repeater {
  readonly #incarnation: Incarnation;
  readonly #network: NetworkConfig;
  readonly #secrets: Secrets;
  readonly #what: Repetition;
  readonly #done: Answer;
  readonly #random: Random;
  readonly #client: string;
  readonly #links: (Link<MemberFrame> | null)[] = [];
  #answered = false;
  #over = false;
  #tries = 0;

  constructor(incarnation: Incarnation, network: NetworkConfig, secrets: Secrets, what: Repetition, done: Answer) {
    this.#incarnation = incarnation;
    this.#network = network;
    this.#secrets = secrets;
    this.#what = what;
    this.#done = done;
    this.#random = createRandom(what.seed).fork(`repeat ${what.id}`);
    this.#client = idOf(`client ${what.seed} ${what.id}`).slice(0, 32);
  }

  start(): void {
    const { clock } = this.#incarnation.ports;
    this.#network.proxies.forEach((_, proxy) => this.#dial(proxy));
    for (let n = 0; n < this.#what.times; n++)
      clock.setTimer(millis(below(this.#random, 'leaves', SPREAD_MS)), () => this.#send(below(this.#random, 'proxy', this.#links.length)));
    clock.setTimer(millis(DEADLINE_MS), () => this.#end());
  }

  #dial(proxy: number): void {
    const { ports } = this.#incarnation;
    const { networkId, proxies } = this.#network;
    const { address } = proxies[proxy] as NetworkConfig['proxies'][number];
    const name = idOf(`node of ${this.#client}`);
    const link: Link<MemberFrame> = dialLink<MemberFrame>(
      ports,
      {
        type: 'member',
        address,
        identity: { networkId, name, incarnation: this.#client, software: SOFTWARE },
        security: this.#secrets.networkKey,
      },
      {
        up: () => this.#send(proxy),
        frame: (frame) => {
          if (frame.kind === 'reply' && frame.requestId.client === this.#client) this.#replied(frame, proxy);
        },
        down: () => {
          if (this.#links[proxy] !== link) return;
          this.#links[proxy] = null;
          if (!this.#over) ports.clock.setTimer(millis(500), () => this.#again(proxy));
        },
      },
    );
    this.#links[proxy] = link;
  }

  #again(proxy: number): void {
    if (!this.#over && this.#links[proxy] === null) this.#dial(proxy);
  }

  #send(proxy: number): void {
    const link = this.#links[proxy] ?? null;
    if (this.#over || link === null || link.peer === null || this.#tries >= TRIES_MAX) return;
    this.#tries++;
    const { name, password } = this.#what;
    const frame: RequestFrame = {
      kind: 'request',
      requestId: { client: this.#client, n: 1 },
      token: null,
      operation: { op: 'register', name, password, code: null },
      minSeq: 0,
      require: 'any',
      deadlineMs: DEADLINE_MS,
      epoch: 0,
      from: null,
      tail: new Uint8Array(0),
    };
    link.send(frame);
  }

  #replied({ body }: ReplyFrame, proxy: number): void {
    if (!body.ok && NOT_DONE.has(body.code)) {
      const wait = body.retryAfterMs ?? 100 + below(this.#random, 'retry', 400);
      this.#incarnation.ports.clock.setTimer(millis(wait), () => this.#send(proxy));
      return;
    }
    if (!body.ok && body.code === 'indeterminate') return;
    this.#answer(body.ok ? ok(body.value) : fail(body.code, body.message));
  }

  #answer(result: Result<object>): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#done(result);
  }

  #end(): void {
    this.#over = true;
    this.#answer(fail('indeterminate', 'The client does not know what came of it.'));
    for (const link of this.#links) link?.close();
  }
}
