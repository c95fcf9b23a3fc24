/**
 * The links of a tracker or backup: it takes `proxy`, `replica` and `operator` links on its control port, and dials the
 * replicas that stand before it in the network's list. Proxies dial every replica.
 */
import type { NetworkConfig } from '../config/types.ts';
import type { TimerId } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type {
  AnnouncedFrame,
  AnnounceFrame,
  GuestAnnouncedFrame,
  GuestAnnounceFrame,
  GuestScrapedFrame,
  GuestScrapeFrame,
  ProxyFrame,
  ReplicaFrame,
  ReplicationFrame,
  ReplyFrame,
  RequestFrame,
  StatusFrame,
  SwarmFrame,
  VotingFrame,
} from '../protocol/control/messages.ts';
import { VOTING } from '../protocol/control/codec.ts';
import { type Done, fail, ok, type Failure } from '../protocol/result.ts';
import type { Address, Security, TransportFailure } from '../transports/transport.ts';
import { type Accept, acceptLinks, type LinkListener, type Refusal } from './accept.ts';
import type { LinkDeps } from './dial.ts';
import { LinkDialler } from './dialler.ts';
import { acceptOperators, type Obey } from './operator.ts';
import type { Link, LinkDown, LinkHandler, LinkPeer } from './link.ts';
import { CLUSTER_LINK_LIMITS, type LinkIdentity } from './session.ts';

export interface ReplicaLinksOptions {
  /** This replica's name, as in the network's list. */
  readonly name: string;
  readonly incarnation: string;
  readonly software: string;
  readonly network: NetworkConfig;
  readonly listen: Address;
  /** The cluster key; null for links in the clear (simulations). */
  readonly security: Security | null;
  readonly linksMax: number;
  /**
   * A primary's status goes to the proxies at every change and this often, that of others a third as often; every five
   * seconds or so with the report for people.
   */
  readonly statusEveryMs: number;
}

/** What the role does with what comes. Every call is inside a step. */
export interface ReplicaLinksHandler {
  listening(address: Address): void;
  failed(error: TransportFailure): void;
  /** From another voter: a replica, or the witness in a proxy (voting frames only). */
  received(from: string, frame: VotingFrame | ReplicationFrame): void;
  peerUp(name: string): void;
  peerDown(name: string): void;
  /** `reply` may be called later, once; it is dropped when the proxy's link is gone. */
  request(frame: RequestFrame, proxy: string, reply: (frame: ReplyFrame) => void): void;
  announce(frame: AnnounceFrame, proxy: string, reply: (frame: AnnouncedFrame) => void): void;
  /** Of a client that is no node. `reply` may be called later, once, or never (a replay). */
  guestAnnounce?(frame: GuestAnnounceFrame, proxy: string, reply: (frame: GuestAnnouncedFrame) => void): void;
  guestScrape?(frame: GuestScrapeFrame, reply: (frame: GuestScrapedFrame) => void): void;
  /** Takes the swarm links of the replicas that stand after this one; absent: none are taken. */
  readonly acceptSwarm?: Accept<SwarmFrame>;
  /** From an operator's command. */
  readonly obey: Obey;
  /** What this replica says of itself now, to its proxies; null before it can. `report`: with the part for people. */
  status(report: boolean): StatusFrame | null;
}

/** The status carries the report for people so often, and at changes. */
const REPORT_EVERY_MS = 5_000;
/** Who does not lead is not missed at once: its status may come so many times more seldom than a primary's. */
const FOLLOWER_PATIENCE = 3;
/** How long a proxy has to answer for a node. */
const PING_TIMEOUT_MS = 4_000;
/** Pings under way at a time. */
const PINGS_MAX = 1_024;

interface Ping {
  readonly done: Done<{ readonly roundTripMicros: number }, Failure<'not-found' | 'unavailable' | 'busy'>>;
  readonly timer: TimerId;
  waiting: number;
}

export class ReplicaLinks {
  readonly #deps: LinkDeps & { readonly random: Random };
  readonly #options: ReplicaLinksOptions;
  readonly #handler: ReplicaLinksHandler;
  readonly #proxies = new Map<string, Link<ProxyFrame>>();
  readonly #replicas = new Map<string, Pick<Link<ReplicaFrame>, 'send'>>();
  readonly #diallers: LinkDialler<ReplicaFrame>[] = [];
  readonly #pings = new Map<number, Ping>();
  #listener: LinkListener | null = null;
  /** What the proxies were told last. */
  #status: StatusFrame | null = null;
  #reportDue = 0;
  #statusTimer: TimerId | null = null;
  #nonce = 0;

  constructor(deps: LinkDeps & { readonly random: Random }, options: ReplicaLinksOptions, handler: ReplicaLinksHandler) {
    this.#deps = deps;
    this.#options = options;
    this.#handler = handler;
  }

  start(): void {
    const { network, name, listen, linksMax, security } = this.#options;
    this.#listener = acceptLinks(
      this.#deps,
      {
        address: listen,
        identity: this.#identity(),
        linksMax,
        limits: CLUSTER_LINK_LIMITS,
        ...(security === null ? {} : { security: [security] }),
      },
      {
        listening: (address) => this.#handler.listening(address),
        failed: (error) => this.#handler.failed(error),
        epoch: () => this.#handler.status(false)?.epoch ?? 0,
        accept: {
          proxy: (peer, link) => this.#acceptProxy(peer, link),
          replica: (peer, link) => this.#acceptReplica(peer, link),
          operator: acceptOperators(this.#handler.obey),
          ...(this.#handler.acceptSwarm === undefined ? {} : { swarm: this.#handler.acceptSwarm }),
        },
      },
    );
    const own = network.replicas.findIndex((replica) => replica.name === name);
    for (const earlier of network.replicas.slice(0, Math.max(0, own))) this.#dial(earlier.name, earlier.address);
    this.#tellStatusOften();
  }

  /** Closes everything; the `peerDown`s still come. */
  stop(): void {
    if (this.#statusTimer !== null) this.#deps.clock.clearTimer(this.#statusTimer);
    this.#statusTimer = null;
    for (const dialler of this.#diallers) dialler.stop();
    this.#listener?.close(true);
  }

  /** To another voter. False when there is no link to it now: the frame is dropped. */
  send(to: string, frame: VotingFrame | ReplicationFrame): boolean {
    const replica = this.#replicas.get(to);
    if (replica !== undefined) return replica.send(frame);
    const proxy = this.#proxies.get(to);
    return proxy !== undefined && isVoting(frame) && proxy.send(frame);
  }

  /** The status may be another: the proxies are told at once if it is. */
  statusChanged(): void {
    const before = this.#status;
    const status = this.#handler.status(true);
    if (status === null) return;
    const same =
      before !== null &&
      before.role === status.role &&
      before.epoch === status.epoch &&
      before.primary === status.primary &&
      before.mode === status.mode &&
      before.waitsFor === status.waitsFor;
    if (same) return;
    this.#tell(status);
    if (before?.role !== status.role && this.#statusTimer !== null) this.#tellStatusOften();
  }

  /** Names of the proxies that are connected. */
  get proxies(): readonly string[] {
    return [...this.#proxies.keys()];
  }

  /** Asks every proxy for the node; the first that has it answers. */
  pingNode(node: string, done: Ping['done']): void {
    const { clock } = this.#deps;
    const answer: Ping['done'] = (result) => void clock.setTimer(0, () => done(result));
    if (this.#proxies.size === 0) return answer(fail('unavailable', 'no proxy is connected'));
    if (this.#pings.size >= PINGS_MAX) return answer(fail('busy', 'too many pings are under way'));
    const nonce = ++this.#nonce;
    const timer = clock.setTimer(millis(PING_TIMEOUT_MS), () => {
      this.#pings.delete(nonce);
      done(fail('not-found', `node ${node} does not answer`));
    });
    this.#pings.set(nonce, { done, timer, waiting: this.#proxies.size });
    for (const link of this.#proxies.values()) link.send({ kind: 'ping', nonce, node });
  }

  #identity(): LinkIdentity {
    const { name, incarnation, software, network } = this.#options;
    return { networkId: network.networkId, name, incarnation, software };
  }

  #tellStatusOften(): void {
    const { statusEveryMs } = this.#options;
    const { clock } = this.#deps;
    const waitMs = this.#status?.role === 'primary' ? statusEveryMs : FOLLOWER_PATIENCE * statusEveryMs;
    if (this.#statusTimer !== null) clock.clearTimer(this.#statusTimer);
    this.#statusTimer = clock.setTimer(millis(waitMs), () => {
      this.#reportDue -= waitMs;
      const report = this.#reportDue <= 0;
      if (report) this.#reportDue = REPORT_EVERY_MS;
      if (this.#proxies.size > 0) this.#tell(this.#handler.status(report));
      this.#tellStatusOften();
    });
  }

  #tell(status: StatusFrame | null): void {
    if (status === null) return;
    this.#status = status;
    for (const link of this.#proxies.values()) link.send(status);
  }

  #dial(name: string, address: Address): void {
    const { security } = this.#options;
    const options = {
      type: 'replica' as const,
      address,
      identity: this.#identity(),
      limits: CLUSTER_LINK_LIMITS,
      ...(security === null ? {} : { security }),
    };
    const dialler: LinkDialler<ReplicaFrame> = new LinkDialler<ReplicaFrame>(this.#deps, options, {
      up: (peer) => {
        if (peer.name !== name) {
          this.#deps.log.error({ expected: name, found: peer.name }, 'the address of a replica belongs to another');
          return dialler.drop();
        }
        this.#replicas.set(name, dialler);
        this.#handler.peerUp(name);
      },
      frame: (frame) => this.#replicaFrame(name, frame),
      down: (reason) => {
        if (this.#replicas.get(name) === dialler) this.#replicaDown(name, reason);
      },
      failed: (reason) => this.#deps.log.debug({ replica: name, reason: reason.message }, 'no link to the replica'),
    });
    this.#diallers.push(dialler);
    dialler.start();
  }

  #acceptReplica(peer: LinkPeer, link: Link<ReplicaFrame>): LinkHandler<ReplicaFrame> | Refusal {
    const names = this.#options.network.replicas.map((replica) => replica.name);
    if (!names.includes(peer.name) || names.indexOf(peer.name) <= names.indexOf(this.#options.name)) {
      return { refuse: 'name', message: `no replica named ${peer.name} dials ${this.#options.name} in this network` };
    }
    return {
      up: () => {
        if (this.#replicas.has(peer.name)) this.#handler.peerDown(peer.name);
        this.#replicas.set(peer.name, link);
        this.#deps.log.info({ replica: peer.name, address: peer.address.host }, 'link to a replica is up');
        this.#handler.peerUp(peer.name);
      },
      frame: (frame) => {
        if (this.#replicas.get(peer.name) === link) this.#replicaFrame(peer.name, frame);
      },
      down: (reason) => {
        if (this.#replicas.get(peer.name) === link) this.#replicaDown(peer.name, reason);
      },
    };
  }

  #replicaFrame(name: string, frame: Parameters<LinkHandler<ReplicaFrame>['frame']>[0]): void {
    if (frame.kind !== 'ping' && frame.kind !== 'pong') this.#handler.received(name, frame);
  }

  #replicaDown(name: string, reason: LinkDown): void {
    this.#replicas.delete(name);
    this.#deps.log.info({ replica: name, reason: reason.message }, 'link to a replica is down');
    this.#handler.peerDown(name);
  }

  #acceptProxy(peer: LinkPeer, link: Link<ProxyFrame>): LinkHandler<ProxyFrame> | Refusal {
    const { name } = peer;
    if (!this.#options.network.proxies.some((proxy) => proxy.name === name)) {
      return { refuse: 'name', message: `no proxy named ${name} is in this network` };
    }
    return {
      up: () => {
        const before = this.#proxies.get(name);
        this.#proxies.set(name, link);
        if (before !== undefined) {
          before.close();
          this.#handler.peerDown(name);
        }
        this.#deps.log.info({ proxy: name, address: peer.address.host }, 'link to a proxy is up');
        const status = this.#handler.status(true);
        if (status !== null) link.send(status);
        this.#handler.peerUp(name);
      },
      frame: (frame) => {
        if (this.#proxies.get(name) === link) this.#proxyFrame(name, link, frame);
      },
      down: (reason) => {
        if (this.#proxies.get(name) !== link) return;
        this.#proxies.delete(name);
        this.#deps.log.info({ proxy: name, reason: reason.message }, 'link to a proxy is down');
        this.#handler.peerDown(name);
      },
    };
  }

  #proxyFrame(name: string, link: Link<ProxyFrame>, frame: Parameters<LinkHandler<ProxyFrame>['frame']>[0]): void {
    switch (frame.kind) {
      case 'request':
        return this.#handler.request(frame, name, (reply) => void link.send(reply));
      case 'announce':
        return this.#handler.announce(frame, name, (announced) => void link.send(announced));
      case 'guestAnnounce':
        return this.#handler.guestAnnounce?.(frame, name, (announced) => void link.send(announced));
      case 'guestScrape':
        return this.#handler.guestScrape?.(frame, (scraped) => void link.send(scraped));
      case 'pong':
        return this.#ponged(frame.nonce, frame.roundTripMicros);
      case 'ping':
      case 'reply':
      case 'announced':
      case 'guestAnnounced':
      case 'guestScraped':
      case 'status':
        return;
      default:
        this.#handler.received(name, frame);
    }
  }

  #ponged(nonce: number, roundTripMicros: number | null): void {
    const ping = this.#pings.get(nonce);
    if (ping === undefined) return;
    ping.waiting -= 1;
    if (roundTripMicros === null && ping.waiting > 0) return;
    this.#deps.clock.clearTimer(ping.timer);
    this.#pings.delete(nonce);
    ping.done(roundTripMicros === null ? fail('not-found', 'no proxy has such a node') : ok({ roundTripMicros }));
  }
}

const isVoting = (frame: VotingFrame | ReplicationFrame): frame is VotingFrame => VOTING.has(frame.kind);
