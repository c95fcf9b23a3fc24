/** The node at the tracker: enters, says that it is alive, enters again where it is not known (any more). */
import type { Clock, TimerId } from '../../ports/clock.ts';
import { millis, seconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { between, type Random } from '../../ports/random.ts';
import type { OperationResults, WireAddress } from '../../protocol/control/messages.ts';
import type { LinkPeer } from '../../links/link.ts';
import type { Asking } from './asking.ts';

export interface MembershipWays {
  readonly asking: Asking;
  readonly node: string;
  readonly name: string;
  readonly incarnation: string;
  readonly addresses: () => WireAddress[];
  readonly uploadedBytes: () => number;
  /** Whether there is a link and an account to enter with. */
  readonly ready: () => boolean;
  /** The tracker knows the node; `generation`: how often a promotion was forced in the network. */
  readonly entered: (generation: number) => void;
}

const RETRY_MS = 1_000;
const NO_TAIL = new Uint8Array(0);

export class Membership {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #ways: MembershipWays;
  /** The epoch of the primary that knows this node. */
  #epoch = 0;
  /** The epoch of the primary that the network has now. */
  #routeEpoch = 0;
  #spreadMs = 0;
  /** Tells the answer to the last `enter` from those of before; 0 when none is under way. */
  #underWay = 0;
  #enters = 0;
  #aliveTimer: TimerId | null = null;
  #enterTimer: TimerId | null = null;
  #stopped = false;

  constructor(clock: Clock, random: Random, log: Log, ways: MembershipWays) {
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
    this.#ways = ways;
  }

  /** Another account: what was under way is of no use. */
  accountChanged(): void {
    this.#underWay = 0;
  }

  /** Enters now, unless that is under way. */
  enter(): void {
    if (this.#underWay !== 0 || this.#stopped || !this.#ways.ready()) return;
    const { asking, node, name, incarnation } = this.#ways;
    const mine = ++this.#enters;
    this.#underWay = mine;
    asking.ask({ op: 'enter', node, name, incarnation, addresses: this.#ways.addresses() }, NO_TAIL, { hold: true }, (result) => {
      if (this.#underWay !== mine || this.#stopped) return;
      this.#underWay = 0;
      if (result.ok) return this.#letIn(result.value.epoch, result.value.value);
      this.#log.warn({ code: result.error.code, reason: result.error.message }, 'could not enter the network');
      if (result.error.code !== 'session-expired') this.enterWithin(RETRY_MS);
    });
  }

  /** Enters at random within this time, so that not all nodes come at once. */
  enterWithin(ms: number): void {
    if (this.#enterTimer !== null || this.#underWay !== 0 || this.#stopped) return;
    this.#enterTimer = this.#clock.setTimer(millis(between(this.#random, 'enter spread', 0, ms)), () => {
      this.#enterTimer = null;
      this.enter();
    });
  }

  /** The network has a primary of this epoch; a new one does not know this node. */
  routed(epoch: number, spreadMs: number): void {
    this.#routeEpoch = epoch;
    this.#spreadMs = spreadMs;
    if (epoch > this.#epoch && this.#epoch > 0) this.enterWithin(spreadMs);
  }

  /** Not in the network now: the link is down, or nobody is signed in. */
  left(): void {
    if (this.#aliveTimer !== null) this.#clock.clearTimer(this.#aliveTimer);
    if (this.#enterTimer !== null) this.#clock.clearTimer(this.#enterTimer);
    this.#aliveTimer = null;
    this.#enterTimer = null;
  }

  /** Somebody signs out: the tracker need not wait for the silence. */
  signOff(): void {
    if (this.#epoch === 0) return;
    this.#epoch = 0;
    const { asking, node, incarnation } = this.#ways;
    asking.ask({ op: 'exit', node, incarnation }, NO_TAIL, { hold: false }, () => {});
  }

  /** Says goodbye; `done` when that has been heard. */
  exit(done: () => void): void {
    this.#stopped = true;
    this.left();
    const { asking, node, incarnation } = this.#ways;
    asking.ask({ op: 'exit', node, incarnation }, NO_TAIL, { hold: true }, () => done());
  }

  #letIn(epoch: number, { aliveSeconds, generation = 0 }: OperationResults['enter']): void {
    this.#epoch = epoch;
    if (!this.#ways.ready()) return;
    this.#scheduleAlive(aliveSeconds);
    this.#ways.entered(generation);
    if (this.#routeEpoch > epoch) this.enterWithin(this.#spreadMs);
  }

  #scheduleAlive(aliveSeconds: number): void {
    if (this.#aliveTimer !== null) this.#clock.clearTimer(this.#aliveTimer);
    this.#aliveTimer = this.#clock.setTimer(seconds(aliveSeconds), () => {
      this.#aliveTimer = null;
      const { asking, node, incarnation } = this.#ways;
      asking.ask({ op: 'alive', node, incarnation, uploadedBytes: this.#ways.uploadedBytes() }, NO_TAIL, { hold: true }, () => {});
      this.#scheduleAlive(aliveSeconds);
    });
  }
}

/** IPv4 in IPv6 clothes, as dual-stack sockets show it. */
const plainHost = (host: string): string => host.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/u, '');

/** What is configured (port 0: the peer port); otherwise this side's address of the link, and how the proxy sees it. */
export const advertised = (configured: readonly WireAddress[], peerPort: number | null, peer: LinkPeer | null): WireAddress[] => {
  if (peerPort === null) return [];
  if (configured.length > 0) return configured.map(({ host, port }) => ({ host, port: port || peerPort }));
  const hosts = [peer?.local.host, peer?.observed?.host].filter((host) => host !== undefined).map(plainHost);
  return [...new Set(hosts)].map((host) => ({ host, port: peerPort }));
};
