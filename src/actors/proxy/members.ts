/** The nodes behind a proxy: their links, what they may ask how often, and whether they are there. */
import { costOf } from '../../domain/routing/operations.ts';
import { RequestBudget } from '../../domain/routing/request-budget.ts';
import type { Accept } from '../../links/accept.ts';
import type { Link, LinkHandler, LinkPeer } from '../../links/link.ts';
import type { Clock, Micros, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { AnnouncedFrame, AnnounceFrame, MemberFrame, ReplyFrame, RequestFrame, RouteFrame } from '../../protocol/control/messages.ts';
import type { Asker } from './requests.ts';

export interface MemberLimits {
  /** Requests and announces of one link. */
  readonly linkRequestsPerSecond: number;
  readonly linkBurst: number;
  /** Of all links from one address. */
  readonly addressRequestsPerSecond: number;
  readonly addressBurst: number;
  /** Pings of nodes under way. */
  readonly pingsMax: number;
  readonly pingTimeoutMs: number;
}

export const MEMBER_LIMITS: MemberLimits = {
  linkRequestsPerSecond: 100,
  linkBurst: 400,
  addressRequestsPerSecond: 1_000,
  addressBurst: 4_000,
  pingsMax: 1_024,
  pingTimeoutMs: 3_000,
};

export interface MembersHandler {
  /** Checked and stamped with where it comes from. */
  request(frame: RequestFrame, member: Member): void;
  announce(frame: AnnounceFrame, member: Member): void;
  /** It took too much: to be answered, `waitMs` says when to come again. */
  overBudget(frame: RequestFrame, member: Member, waitMs: number): void;
  /** It names another node than itself. */
  forged(frame: RequestFrame, member: Member): void;
  /** It is not connected here any more. */
  left(node: string): void;
  /** The route that a new member is told. */
  route(): RouteFrame;
}

/** Null when the node is not here or does not answer. */
type Pinged = (roundTripMicros: number | null) => void;

export class Member implements Asker {
  readonly node: string;
  readonly host: string;
  seqSeen = 0;
  /** As it named itself when it entered; for people. */
  name = '';
  readonly link: Link<MemberFrame>;
  readonly budget: RequestBudget;

  constructor(peer: LinkPeer, link: Link<MemberFrame>, budget: RequestBudget) {
    this.node = peer.name;
    this.host = peer.address.host;
    this.link = link;
    this.budget = budget;
  }

  reply(frame: ReplyFrame): void {
    this.link.send(frame);
  }
}

interface Source {
  readonly budget: RequestBudget;
  links: number;
}

export class Members {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: MemberLimits;
  readonly #handler: MembersHandler;
  readonly #members = new Map<string, Member>();
  /** By address; as many as there are links at most. */
  readonly #sources = new Map<string, Source>();
  readonly #pings = new Map<number, { readonly node: string; readonly sentAt: Micros; readonly timer: TimerId; readonly done: Pinged }>();
  #nonce = 0;

  constructor(clock: Clock, log: Log, limits: MemberLimits, handler: MembersHandler) {
    this.#clock = clock;
    this.#log = log;
    this.#limits = limits;
    this.#handler = handler;
  }

  get size(): number {
    return this.#members.size;
  }

  get(node: string): Member | undefined {
    return this.#members.get(node);
  }

  /** A node by its id, or by its own name where only one has it. */
  find(what: string): Member | undefined {
    const byId = this.#members.get(what);
    if (byId !== undefined) return byId;
    const named = [...this.#members.values()].filter((member) => member.name === what);
    return named.length === 1 ? named[0] : undefined;
  }

  broadcast(frame: RouteFrame): void {
    for (const member of this.#members.values()) member.link.send(frame);
  }

  announced(frame: AnnouncedFrame): void {
    this.#members.get(frame.node)?.link.send(frame);
  }

  readonly accept: Accept<MemberFrame> = (peer, link): LinkHandler<MemberFrame> => {
    const now = this.#clock.now();
    const { linkRequestsPerSecond, linkBurst } = this.#limits;
    const member = new Member(peer, link, new RequestBudget(linkRequestsPerSecond, linkBurst, now));
    return {
      up: () => this.#up(member),
      frame: (frame) => this.#frame(member, frame),
      down: (reason) => this.#down(member, reason.message),
    };
  };

  /** Asks the node itself over its link. */
  ping(node: string, done: Pinged): void {
    const member = this.#members.get(node);
    if (member === undefined || this.#pings.size >= this.#limits.pingsMax) return done(null);
    const nonce = ++this.#nonce;
    const timer = this.#clock.setTimer(millis(this.#limits.pingTimeoutMs), () => this.#pinged(nonce, null));
    this.#pings.set(nonce, { node, sentAt: this.#clock.now(), timer, done });
    member.link.send({ kind: 'ping', nonce, node: null });
  }

  #up(member: Member): void {
    const before = this.#members.get(member.node);
    this.#members.set(member.node, member);
    before?.link.close();
    const source = this.#sources.get(member.host);
    if (source !== undefined) source.links += 1;
    else {
      const { addressRequestsPerSecond, addressBurst } = this.#limits;
      this.#sources.set(member.host, { links: 1, budget: new RequestBudget(addressRequestsPerSecond, addressBurst, this.#clock.now()) });
    }
    this.#log.debug({ node: member.node, host: member.host }, 'a node is connected');
    member.link.send(this.#handler.route());
  }

  /** Nothing is told to the tracker: a node that does not come back is removed when it was silent for too long. */
  #down(member: Member, reason: string): void {
    const source = this.#sources.get(member.host);
    if (source !== undefined && --source.links === 0) this.#sources.delete(member.host);
    this.#log.debug({ node: member.node, reason }, 'a node is disconnected');
    if (this.#members.get(member.node) !== member) return;
    this.#members.delete(member.node);
    for (const [nonce, ping] of this.#pings) if (ping.node === member.node) this.#pinged(nonce, null);
    this.#handler.left(member.node);
  }

  #frame(member: Member, frame: Parameters<LinkHandler<MemberFrame>['frame']>[0]): void {
    if (this.#members.get(member.node) !== member) return;
    switch (frame.kind) {
      case 'request':
        return this.#request(member, frame);
      case 'announce':
        if (frame.node !== member.node) return this.#misbehaved(member, frame.kind);
        if (this.#wait(member, 1) === 0) this.#handler.announce(frame, member);
        return;
      case 'pong':
        return this.#pinged(frame.nonce, frame.roundTripMicros, member.node);
      default:
        return this.#misbehaved(member, frame.kind);
    }
  }

  #request(member: Member, frame: RequestFrame): void {
    const { operation } = frame;
    const named = 'node' in operation && operation.op !== 'ping' ? operation.node : member.node;
    const waitMs = this.#wait(member, costOf(operation.op));
    if (waitMs > 0) return this.#handler.overBudget(frame, member, waitMs);
    if (named !== member.node) return this.#handler.forged(frame, member);
    if (operation.op === 'enter') member.name = operation.name;
    this.#handler.request({ ...frame, from: { node: member.node, host: member.host } }, member);
  }

  /** Milliseconds until it may ask; 0 for now. */
  #wait(member: Member, cost: number): number {
    const now = this.#clock.now();
    return member.budget.take(now, cost) || (this.#sources.get(member.host)?.budget.take(now, cost) ?? 0);
  }

  #misbehaved(member: Member, kind: string): void {
    this.#log.warn({ node: member.node, kind }, 'a node sent a frame that is not its to send');
    member.link.close();
  }

  #pinged(nonce: number, roundTripMicros: number | null, from?: string): void {
    const ping = this.#pings.get(nonce);
    if (ping === undefined || (from !== undefined && ping.node !== from)) return;
    this.#pings.delete(nonce);
    this.#clock.clearTimer(ping.timer);
    ping.done(roundTripMicros === null ? null : this.#clock.now() - ping.sentAt);
  }
}
