/** One UDP tracker (BEP 15), for all torrents of the node together: its addresses, its connection id, what it was asked. */
import type { Clock, Micros, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { Failure } from '../../protocol/result.ts';
import type { UdpReply, UdpRequest } from '../../protocol/tracker/udp.ts';
import { decodeUdpReply, encodeUdpRequest } from '../../protocol/tracker/udp.ts';
import type { Datagrams } from '../../transports/datagram.ts';
import type { Address } from '../../transports/transport.ts';
import { formatAddress } from '../../transports/transport.ts';
import { trackerLimits } from './limits.ts';
import type { UdpSockets } from './udp-sockets.ts';
import { familyOf } from './udp-sockets.ts';

type Reply = Exclude<UdpReply, { kind: 'connect' }>;
type Asked = Exclude<UdpRequest, { kind: 'connect' }>;
/** Without what is this file's to fill in. */
export type UdpQuestion = Asked extends infer Q ? (Q extends Asked ? Omit<Q, 'connectionId' | 'transactionId'> : never) : never;

export interface UdpAskHandler {
  /** The question has left for the first time. */
  begun(): void;
  answered(reply: Reply): void;
  failed(error: Failure): void;
}

export interface UdpDeps {
  readonly clock: Clock;
  readonly datagrams: Datagrams;
  readonly sockets: UdpSockets;
  /** A number from 0 to 2^32 - 1 that nobody can guess: it is what keeps others from answering for the tracker. */
  newTransactionId(): number;
}

interface Ask {
  readonly question: UdpQuestion;
  readonly handler: UdpAskHandler;
  sends: number;
  transactionId: number | null;
  timer: TimerId | null;
  /** Its error may have been about a connection id that the tracker knows no more. */
  triedFresh: boolean;
}

/** How long to wait for an answer to sending number `sends` (1 or more). */
const waitMs = (sends: number): number => trackerLimits.udpFirstWaitMs * 2 ** (sends - 1);

const noAnswer = (address: Address): Failure => ({ code: 'timeout', message: `${formatAddress(address)} does not answer` });

export class UdpServer {
  readonly #deps: UdpDeps;
  readonly #address: Address;
  readonly #waiting = new Set<Ask>();
  readonly #underWay = new Map<number, Ask>();
  /** IP addresses, the one in use first. */
  #hosts: string[] = [];
  #hostsUntil: Micros = 0;
  #connection: { readonly id: Uint8Array; readonly until: Micros } | null = null;
  /** The transaction of a connect, or of finding the way to one. */
  #connecting: { transactionId: number | null; sends: number; timer: TimerId | null } | null = null;
  #down: { readonly error: Failure; readonly until: Micros } | null = null;

  constructor(deps: UdpDeps, address: Address) {
    this.#deps = deps;
    this.#address = address;
  }

  get idle(): boolean {
    return this.#waiting.size === 0 && this.#underWay.size === 0 && this.#connecting === null;
  }

  /** The answer takes the question back. */
  ask(question: UdpQuestion, handler: UdpAskHandler): () => void {
    const { clock } = this.#deps;
    const ask: Ask = { question, handler, sends: 0, transactionId: null, timer: null, triedFresh: false };
    const refusal = this.#refusal();
    this.#waiting.add(ask);
    ask.timer = clock.setTimer(0, () => {
      ask.timer = null;
      if (refusal === null) this.#pump();
      else this.#fail(ask, refusal);
    });
    return () => this.#drop(ask);
  }

  /** Packets of the tracker's addresses only. */
  received(from: Address, bytes: Uint8Array): void {
    if (from.port !== this.#address.port || !this.#hosts.includes(from.host)) return;
    const decoded = decodeUdpReply(bytes, familyOf(from.host), trackerLimits.peersMax);
    if (!decoded.ok) return;
    const reply = decoded.value;
    if (this.#connecting !== null && reply.transactionId === this.#connecting.transactionId) this.#connected(reply);
    else {
      const ask = this.#underWay.get(reply.transactionId);
      if (ask !== undefined && (reply.kind === ask.question.kind || reply.kind === 'error')) this.#answered(ask, reply);
    }
  }

  #refusal(): Failure | null {
    if (this.#down !== null && this.#deps.clock.now() < this.#down.until) return this.#down.error;
    if (this.#waiting.size < trackerLimits.udpWaitingPerServerMax) return null;
    return { code: 'busy', message: 'too many announces wait for their turn' };
  }

  #pump(): void {
    if (this.#waiting.size === 0 || this.#connecting !== null) return;
    if (this.#connection === null || this.#connection.until <= this.#deps.clock.now()) {
      this.#connecting = { transactionId: null, sends: 0, timer: null };
      this.#findHosts();
      return;
    }
    for (const ask of this.#waiting) {
      if (this.#underWay.size >= trackerLimits.udpUnderWayPerServerMax) return;
      if (ask.timer === null) this.#send(ask, this.#connection.id);
    }
  }

  #findHosts(): void {
    const { clock, datagrams } = this.#deps;
    if (this.#hosts.length > 0 && clock.now() < this.#hostsUntil) {
      this.#connect();
      return;
    }
    datagrams.resolve(this.#address.host, (resolved) => {
      if (!resolved.ok) return this.#unreachable(resolved.error);
      this.#hosts = [...resolved.value];
      this.#hostsUntil = clock.now() + millis(trackerLimits.resolvedMs);
      this.#connect();
    });
  }

  #connect(): void {
    const connecting = this.#connecting;
    const [host] = this.#hosts;
    if (connecting === null || host === undefined) return;
    if (connecting.sends >= trackerLimits.udpSendsMax) return this.#unreachable(noAnswer(this.#address));
    connecting.sends++;
    this.#deps.sockets.whenReady(host, (works) => {
      if (this.#connecting !== connecting) return;
      const transactionId = this.#deps.newTransactionId();
      connecting.transactionId = transactionId;
      if (works) this.#deps.sockets.send({ host, port: this.#address.port }, encodeUdpRequest({ kind: 'connect', transactionId }));
      connecting.timer = this.#deps.clock.setTimer(works ? millis(waitMs(connecting.sends)) : 0, () => {
        // A name may have an address of each family, and this machine a way to one of them only.
        this.#hosts.push(...this.#hosts.splice(0, 1));
        this.#connect();
      });
    });
  }

  #connected(reply: UdpReply): void {
    const { clock } = this.#deps;
    if (reply.kind === 'error') return this.#unreachable({ code: 'tracker-refused', message: reply.message });
    if (reply.kind !== 'connect') return;
    this.#endConnecting();
    this.#down = null;
    this.#connection = { id: reply.connectionId, until: clock.now() + millis(trackerLimits.udpConnectionMs) };
    this.#pump();
  }

  #unreachable(error: Failure): void {
    this.#endConnecting();
    this.#hostsUntil = 0;
    this.#down = { error, until: this.#deps.clock.now() + millis(trackerLimits.downMs) };
    const waiting = [...this.#waiting];
    for (const ask of waiting) this.#fail(ask, error);
  }

  #endConnecting(): void {
    if (this.#connecting !== null && this.#connecting.timer !== null) this.#deps.clock.clearTimer(this.#connecting.timer);
    this.#connecting = null;
  }

  #send(ask: Ask, connectionId: Uint8Array): void {
    const { clock, sockets } = this.#deps;
    const transactionId = this.#deps.newTransactionId();
    this.#waiting.delete(ask);
    this.#underWay.set(transactionId, ask);
    ask.transactionId = transactionId;
    ask.sends++;
    sockets.send(
      { host: this.#hosts[0] ?? this.#address.host, port: this.#address.port },
      encodeUdpRequest({ ...ask.question, connectionId, transactionId }),
    );
    ask.timer = clock.setTimer(millis(waitMs(ask.sends)), () => {
      ask.timer = null;
      this.#underWay.delete(transactionId);
      this.#again(ask);
    });
    if (ask.sends === 1) ask.handler.begun();
  }

  #again(ask: Ask): void {
    if (ask.sends >= trackerLimits.udpSendsMax) {
      // What it was connected by may be of before it was started anew.
      this.#connection = null;
      ask.handler.failed(noAnswer(this.#address));
    } else this.#waiting.add(ask);
    this.#pump();
  }

  #answered(ask: Ask, reply: UdpReply): void {
    this.#drop(ask);
    if (reply.kind === 'error' && !ask.triedFresh) {
      // It may be the connection id that it knows no more: once more with a new one.
      ask.triedFresh = true;
      this.#connection = null;
      this.#waiting.add(ask);
    } else if (reply.kind !== 'connect') ask.handler.answered(reply);
    this.#pump();
  }

  #fail(ask: Ask, error: Failure): void {
    this.#drop(ask);
    ask.handler.failed(error);
  }

  #drop(ask: Ask): void {
    if (ask.timer !== null) this.#deps.clock.clearTimer(ask.timer);
    ask.timer = null;
    this.#waiting.delete(ask);
    if (ask.transactionId !== null) this.#underWay.delete(ask.transactionId);
  }
}
