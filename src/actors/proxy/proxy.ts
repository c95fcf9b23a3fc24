/**
 * The proxy: the nodes' way to the tracker pair. It follows the primary by itself, holds requests under way while there
 * is none and repeats them under their own ids, and tells its nodes when the primary is another.
 */
import type { Actor } from 'xstate';
import { startMachine } from '../../bus/machine.ts';
import type { Address, Reactor } from '../../bus/reactor.ts';
import type { NetworkConfig, ProxyConfig } from '../../config/types.ts';
import { clusterOf } from '../../domain/routing/cluster.ts';
import { requestLine } from '../../domain/routing/request-log.ts';
import { acceptLinks, type LinkListener } from '../../links/accept.ts';
import type { LinkHandler } from '../../links/link.ts';
import { LINK_LIMITS, type LinkIdentity } from '../../links/session.ts';
import type { TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { Ports } from '../../ports/ports.ts';
import type {
  AnnounceFrame,
  GuestAnnouncedFrame,
  GuestAnnounceFrame,
  GuestScrapedFrame,
  GuestScrapeFrame,
  ProxyFrame,
  ReplyFrame,
  RequestFrame,
  RouteFrame,
  StatusFrame,
  VotingFrame,
} from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';
import type { Security, TransportFailure } from '../../transports/transport.ts';
import { AnnounceCache } from './announce-cache.ts';
import { ROUTE_TIMING, type RouteMessage, routeMachine, type RouteState, type RouteTiming } from './machine.ts';
import { MEMBER_LIMITS, type Member, type MemberLimits, Members } from './members.ts';
import { Replayer } from './replayer.ts';
import { Replicas } from './replicas.ts';
import { RequestTable, type Route } from './requests.ts';

/** The witness voter that a proxy may host (`actors/voter`). */
export interface VoterSink {
  receive(from: string, frame: VotingFrame): void;
  peerUp(name: string): void;
  peerDown(name: string): void;
}

/** The gate of ordinary clients (`actors/gate`). */
export interface GateSink {
  /** Somebody else may serve now, or nobody. */
  routeChanged(): void;
  frame(frame: GuestAnnouncedFrame | GuestScrapedFrame): void;
}

export interface ProxyDeps {
  readonly reactor: Reactor;
  readonly ports: Ports;
  readonly config: Pick<ProxyConfig, 'name' | 'listen' | 'limits' | 'spreadMs'>;
  readonly network: NetworkConfig;
  /** Random per process start. */
  readonly incarnation: string;
  readonly software: string;
  /** Null for links in the clear (simulations). */
  readonly security: { readonly cluster: Security | null; readonly members: Security | null };
  readonly timing?: RouteTiming;
  readonly memberLimits?: MemberLimits;
}

/** Told once the proxy listens, or why it cannot. */
export interface ProxyHandler {
  listening(address: { readonly host: string; readonly port: number }): void;
  failed(error: TransportFailure): void;
}

export interface ProxyStatus {
  readonly state: RouteState;
  readonly epoch: number;
  readonly primary: string | null;
  readonly replicas: ReturnType<Replicas['status']>;
  readonly members: number;
  readonly requestsUnderWay: number;
  readonly announcesKept: number;
}

const ROUTE: Address<RouteMessage> = 'proxy.route';
const ANNOUNCES_KEPT_MAX = 200_000;
const TAIL_BYTES_MAX = 128 * 1_048_576;
/** Nodes enter and announce again over a time that grows with their number: a new primary has about 1,000 a second to take. */
const SPREAD_MS_PER_MEMBER = 2;
const SPREAD_MS_MAX = 60_000;
/** What was sent before a stop (the last replies) gets so long to leave. */
const STOP_TIMEOUT_MS = 500;

export class Proxy {
  readonly #deps: ProxyDeps;
  readonly #handler: ProxyHandler;
  readonly #replicas: Replicas;
  readonly #members: Members;
  readonly #requests: RequestTable;
  readonly #cache = new AnnounceCache(ANNOUNCES_KEPT_MAX);
  readonly #replayer: Replayer;
  #gate: GateSink | null = null;
  #voter: VoterSink | null = null;
  #machine: Actor<typeof routeMachine> | null = null;
  #listener: LinkListener | null = null;
  #state: RouteState = 'discovering';
  /** What members were told last. */
  #told: RouteFrame;

  constructor(deps: ProxyDeps, handler: ProxyHandler) {
    const { ports, config, network, security } = deps;
    this.#deps = deps;
    this.#handler = handler;
    this.#told = { kind: 'route', epoch: 0, primary: null, reader: null, waitsFor: null, spreadMs: config.spreadMs };
    this.#replicas = new Replicas(ports, network, this.#identity(), security.cluster, {
      primaryChanged: (primary) => this.#post({ type: primary === null ? 'primary.lost' : 'primary.found' }),
      primaryQuiet: (quiet) => this.#post({ type: quiet ? 'primary.silent' : 'primary.heard' }),
      followersChanged: (any) => this.#post({ type: 'followers.changed', any }),
      standInChanged: () => {
        this.#tell();
        this.#requests.routeChanged();
        this.#gate?.routeChanged();
      },
      up: (name) => this.#voter?.peerUp(name),
      down: (name) => {
        this.#requests.replicaDown(name);
        this.#voter?.peerDown(name);
        this.#requests.routeChanged();
      },
      frame: (from, frame) => this.#fromReplica(from, frame),
    });
    this.#members = new Members(ports.clock, ports.log, deps.memberLimits ?? MEMBER_LIMITS, {
      request: (frame, member) => this.#request(frame, member),
      announce: (frame) => this.#announce(frame),
      overBudget: (frame, member, waitMs) =>
        this.#requests.refuse(frame, member, 'busy', 'Too many requests from this node; slow down.', waitMs),
      forged: (frame, member) => this.#requests.refuse(frame, member, 'forbidden', 'A node can speak for itself only.'),
      left: (node) => this.#cache.forget(node),
      route: () => this.#told,
    });
    this.#requests = new RequestTable(
      ports.clock,
      { ...config.limits, tailBytesMax: TAIL_BYTES_MAX },
      {
        route: () => this.#route(),
        send: (to, frame) => this.#replicas.send(to, frame),
        epochSeen: () => this.#replicas.epochSeen,
        sawEpoch: (epoch) => this.#replicas.sawEpoch(epoch),
        answered: (frame, reply) => {
          const { level, fields } = requestLine(frame, reply.body);
          ports.log[level](fields, 'request answered');
        },
      },
    );
    this.#replayer = new Replayer(ports.clock, this.#cache, toHex(ports.crypto.secretBytes(16)), {
      send: (frame) => this.toServing(frame),
      epochSeen: () => this.#replicas.epochSeen,
    });
  }

  /** Hosts a witness: frames for it go there, and it sends with `send`. Before `start`. */
  attachVoter(voter: VoterSink): void {
    this.#voter = voter;
  }

  /** Guests come in there, and go to whoever serves by `toServing`. Before `start`. */
  attachGate(gate: GateSink): void {
    this.#gate = gate;
  }

  /** Who serves now, another word for each time of leading; null: nobody. */
  serving(): string | null {
    const route = this.#route();
    if (route.kind === 'primary') return `${route.name} ${route.epoch}`;
    return route.kind === 'soft' ? `${route.follower} stands in` : null;
  }

  start(): void {
    const { reactor, ports, config, security, timing } = this.#deps;
    const entered = (state: RouteState): void => this.#entered(state);
    this.#machine = startMachine(reactor, ports.clock, routeMachine, {
      address: ROUTE,
      input: { timing: timing ?? ROUTE_TIMING, entered },
    });
    this.#replicas.start();
    this.#listener = acceptLinks(
      ports,
      {
        address: config.listen,
        identity: this.#identity(),
        linksMax: config.limits.membersMax,
        limits: LINK_LIMITS,
        ...(security.members === null ? {} : { security: [security.members] }),
      },
      {
        listening: (address) => this.#handler.listening(address),
        failed: (error) => this.#handler.failed(error),
        epoch: () => this.#replicas.epochSeen,
        accept: { member: this.#members.accept },
      },
    );
  }

  /** Closes every link after what was sent has left; nodes go to their next proxy. */
  stop(done: () => void): void {
    const { reactor, ports } = this.#deps;
    this.#requests.clear();
    this.#replayer.stop();
    this.#replicas.stop();
    this.#listener?.close(true);
    this.#machine?.stop();
    reactor.unregister(ROUTE);
    const leaveBy = ports.clock.now() + millis(STOP_TIMEOUT_MS);
    const look = (): TimerId =>
      ports.clock.setTimer(millis(20), () => {
        if ((this.#listener?.count ?? 0) === 0 || ports.clock.now() >= leaveBy) done();
        else look();
      });
    look();
  }

  status(): ProxyStatus {
    return {
      state: this.#state,
      epoch: this.#replicas.epochSeen,
      primary: this.#replicas.primary?.name ?? null,
      replicas: this.#replicas.status(),
      members: this.#members.size,
      requestsUnderWay: this.#requests.size,
      announcesKept: this.#cache.items,
    };
  }

  /** For the voter: to a replica. False when there is no link to it. */
  send(to: string, frame: VotingFrame): boolean {
    return this.#replicas.send(to, frame);
  }

  #identity(): LinkIdentity {
    const { config, network, incarnation, software } = this.#deps;
    return { networkId: network.networkId, name: config.name, incarnation, software };
  }

  #post(message: RouteMessage): void {
    this.#deps.reactor.post(ROUTE, message);
  }

  #route(): Route {
    const { primary } = this.#replicas;
    switch (this.#state) {
      case 'routed':
      case 'suspect':
        return primary === null ? { kind: 'hold' } : { kind: 'primary', ...primary };
      case 'softOnly': {
        const follower = this.#replicas.follower();
        return follower === null ? { kind: 'hold' } : { kind: 'soft', follower, waitsFor: this.#replicas.waitedFor() };
      }
      case 'unavailable':
        return { kind: 'unavailable' };
      default:
        return { kind: 'hold' };
    }
  }

  #entered(state: RouteState): void {
    const { log } = this.#deps.ports;
    this.#state = state;
    const { primary, epochSeen } = this.#replicas;
    log.info({ state, primary: primary?.name ?? null, epoch: epochSeen }, 'the route changed');
    this.#tell();
    this.#requests.routeChanged();
    this.#gate?.routeChanged();
  }

  /** Tells the nodes of another route; who serves them now hears from here what they announced to the one before. */
  #tell(): void {
    const { kind, epoch: epochBefore, ...before } = this.#told;
    const route = this.#route();
    const primary = route.kind === 'primary' ? route.name : null;
    const reader = route.kind === 'soft' ? route.follower : null;
    const waitsFor = route.kind === 'soft' ? route.waitsFor : null;
    const epoch = route.kind === 'primary' ? route.epoch : epochBefore;
    const same = primary === before.primary && epoch === epochBefore && reader === before.reader && waitsFor === before.waitsFor;
    if (same) return;
    const spreadMs = Math.max(this.#deps.config.spreadMs, Math.min(SPREAD_MS_MAX, this.#members.size * SPREAD_MS_PER_MEMBER));
    this.#told = { kind, epoch, primary, reader, waitsFor, spreadMs };
    this.#members.broadcast(this.#told);
    if (epoch !== epochBefore || (reader !== null && reader !== before.reader)) this.#replayer.start();
    else if (primary === null && reader === null) this.#replayer.stop();
  }

  /** To the primary; where there is none to the replica that stands in, which is not asked for more than it has. */
  toServing(frame: RequestFrame | AnnounceFrame | GuestAnnounceFrame | GuestScrapeFrame): boolean {
    const route = this.#route();
    if (route.kind === 'primary') return this.#replicas.send(route.name, frame);
    if (route.kind !== 'soft') return false;
    return this.#replicas.send(route.follower, frame.kind === 'request' ? { ...frame, epoch: 0, minSeq: 0 } : frame);
  }

  #request(frame: RequestFrame, member: Member): void {
    const { operation } = frame;
    if (operation.op === 'ping') {
      // A name may be another node's too, which only the tracker knows; where nobody serves, what is here must do.
      const { kind } = this.#route();
      const served = kind === 'primary' || kind === 'soft';
      const target = served ? this.#members.get(operation.node) : this.#members.find(operation.node);
      if (target !== undefined) return this.#ping(frame, member, target);
    }
    // Answered here, whether anybody serves or not: that is what the asker wants to know.
    if (operation.op === 'cluster')
      return this.#answer(frame, member, clusterOf(this.#replicas.reports(), { name: this.#deps.config.name, state: this.#state }));
    if (operation.op === 'enter') this.#cache.entered(member.node, frame);
    if (operation.op === 'exit') this.#cache.forget(member.node);
    this.#requests.take(frame, member);
  }

  #ping(frame: RequestFrame, member: Member, target: Member): void {
    this.#members.ping(target.node, (roundTripMicros) => {
      if (roundTripMicros === null) return this.#requests.refuse(frame, member, 'not-found', `Node ${target.node} does not answer.`);
      this.#answer(frame, member, { node: target.node, roundTripMicros });
    });
  }

  /** What the proxy knows by itself. */
  #answer(frame: RequestFrame, member: Member, value: object): void {
    member.reply({
      kind: 'reply',
      requestId: frame.requestId,
      epoch: this.#replicas.epochSeen,
      seq: 0,
      durability: 'none',
      body: { ok: true, value },
      tail: new Uint8Array(0),
    });
  }

  /** Not held when nobody serves: nodes announce again when they are told of the next primary. */
  #announce(frame: AnnounceFrame): void {
    this.#cache.announced(frame);
    this.toServing(frame);
  }

  #fromReplica(from: string, frame: Exclude<Parameters<LinkHandler<ProxyFrame>['frame']>[0], StatusFrame>): void {
    switch (frame.kind) {
      case 'reply':
        return this.#replied(from, frame);
      case 'announced':
        return this.#members.announced(frame);
      case 'ping': {
        const { nonce, node } = frame;
        const target = node === null ? undefined : this.#members.find(node);
        if (target === undefined) return void this.#replicas.send(from, { kind: 'pong', nonce, roundTripMicros: null });
        return this.#members.ping(
          target.node,
          (roundTripMicros) => void this.#replicas.send(from, { kind: 'pong', nonce, roundTripMicros }),
        );
      }
      case 'pong':
      case 'request':
      case 'announce':
      case 'guestAnnounce':
      case 'guestScrape':
        return;
      case 'guestAnnounced':
      case 'guestScraped':
        return this.#gate?.frame(frame);
      default:
        this.#voter?.receive(from, frame);
    }
  }

  #replied(from: string, frame: ReplyFrame): void {
    if (!this.#replayer.replied(frame)) this.#requests.replied(from, frame);
  }
}
