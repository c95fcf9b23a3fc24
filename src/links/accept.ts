/** The accepting end of links: one listener for one or several types of link. */
import { millis } from '../ports/clock.ts';
import type {
  ControlFrame,
  HelloFrame,
  LinkType,
  MemberFrame,
  OperatorFrame,
  ProxyFrame,
  RefuseFrame,
  ReplicaFrame,
  SwarmFrame,
} from '../protocol/control/messages.ts';
import { PROTOCOL_VERSION } from '../protocol/control/messages.ts';
import type { Address, Connection, ConnectionHandler, Security, TransportFailure } from '../transports/transport.ts';
import { type LinkDeps, linkOf } from './dial.ts';
import type { Link, LinkHandler, LinkPeer } from './link.ts';
import { LINK_LIMITS, type LinkIdentity, type LinkLimits, LinkSession } from './session.ts';
import { otherVersion } from './words.ts';

/** Why a hello is not answered with welcome. */
export interface Refusal {
  readonly refuse: RefuseFrame['code'];
  readonly message: string;
}

/** Called when a hello fits; the handler's `up` follows at once. `link` may be used from then on. */
export type Accept<F extends ControlFrame> = (peer: LinkPeer, link: Link<F>) => LinkHandler<F> | Refusal;

export interface AcceptHandler {
  listening(address: Address): void;
  failed(error: TransportFailure): void;
  /** The epoch that a welcome tells. */
  epoch(): number;
  readonly accept: {
    readonly member?: Accept<MemberFrame>;
    readonly proxy?: Accept<ProxyFrame>;
    readonly replica?: Accept<ReplicaFrame>;
    readonly operator?: Accept<OperatorFrame>;
    readonly swarm?: Accept<SwarmFrame>;
  };
}

export interface AcceptOptions {
  readonly address: Address;
  readonly identity: LinkIdentity;
  /** The keys taken; absent for links in the clear (simulations). */
  readonly security?: readonly Security[];
  /** Connections at a time, those without a hello yet among them. */
  readonly linksMax: number;
  readonly limits?: LinkLimits;
}

export interface LinkListener {
  /** Takes no more links; with `links`, closes those that are there as well. */
  close(links: boolean): void;
  /** Connections now. */
  readonly count: number;
}

/** Above `linksMax` so many more are told that it is full; the next are refused without a word. */
const TOLD_FULL_MAX = 32;

export const acceptLinks = (deps: LinkDeps, options: AcceptOptions, handler: AcceptHandler): LinkListener => {
  const sessions = new Set<LinkSession>();
  const listener = deps.transport.listen(options.address, options.security === undefined ? {} : { security: options.security }, {
    listening: (address) => handler.listening(address),
    failed: (error) => handler.failed(error),
    rejected: rejections(deps),
    connection(connection) {
      if (sessions.size >= options.linksMax + TOLD_FULL_MAX) return null;
      return answer(deps, options, handler, connection, sessions);
    },
  });
  return {
    close(links) {
      listener.close();
      if (links) for (const session of sessions) session.close();
    },
    get count() {
      return sessions.size;
    },
  };
};

/** Who knocks without the key is told of in the log, but not as often as anybody may knock. */
const REJECTED_LINE_MS = 5_000;

const rejections = ({ clock, log }: LinkDeps): ((error: TransportFailure) => void) => {
  let saidAt = Number.NEGATIVE_INFINITY;
  let count = 0;
  return ({ message }) => {
    count++;
    if (clock.now() - saidAt < millis(REJECTED_LINE_MS)) return;
    log.warn({ reason: message, count }, 'connections without the key were rejected');
    saidAt = clock.now();
    count = 0;
  };
};

/** Why this hello cannot be welcomed here, before its own acceptor is asked. */
const judge = (hello: HelloFrame, options: AcceptOptions, handler: AcceptHandler, links: number): Refusal | null => {
  if (hello.version !== PROTOCOL_VERSION) return { refuse: 'version', message: otherVersion(hello.version) };
  if (hello.networkId !== options.identity.networkId) {
    return { refuse: 'network', message: `this is network ${options.identity.networkId}, not ${hello.networkId}` };
  }
  if (handler.accept[hello.link] === undefined) return { refuse: 'name', message: `no ${hello.link} links are taken here` };
  if (links > options.linksMax) return { refuse: 'full', message: `${options.linksMax} links are open, which is the most` };
  return null;
};

const answer = (
  deps: LinkDeps,
  options: AcceptOptions,
  handler: AcceptHandler,
  connection: Connection,
  sessions: Set<LinkSession>,
): ConnectionHandler => {
  let owner: LinkHandler<ControlFrame> | null = null;
  const session: LinkSession = new LinkSession(deps, options.limits ?? LINK_LIMITS, null, {
    opened() {},
    hello(hello) {
      const peer: LinkPeer = {
        name: hello.name,
        incarnation: hello.incarnation,
        software: hello.software,
        address: connection.remote,
        observed: null,
        local: connection.local,
      };
      const refusal = judge(hello, options, handler, sessions.size);
      const outcome = refusal ?? acceptAs(handler, hello.link, peer, session);
      if ('refuse' in outcome) {
        deps.log.info({ peer: hello.name, link: hello.link, reason: outcome.message }, 'a link was refused');
        return session.refuse(outcome.refuse, outcome.message, { code: 'closed', message: outcome.message });
      }
      owner = outcome;
      session.become(hello.link, peer);
      const { name, incarnation } = options.identity;
      session.send({
        kind: 'welcome',
        version: PROTOCOL_VERSION,
        name,
        incarnation,
        observed: plainAddress(connection.remote),
        epoch: handler.epoch(),
      });
      owner.up(peer);
    },
    welcome() {
      session.violate('a welcome where a hello was due');
    },
    frame: (frame) => owner?.frame(frame as never),
    drained: () => owner?.drained?.(),
    down(reason) {
      sessions.delete(session);
      owner?.down(reason);
    },
  });
  session.attach(connection);
  sessions.add(session);
  return session;
};

const acceptAs = (handler: AcceptHandler, type: LinkType, peer: LinkPeer, session: LinkSession): LinkHandler<ControlFrame> | Refusal => {
  const accept = handler.accept[type] as Accept<ControlFrame>;
  return accept(peer, linkOf<ControlFrame>(session));
};

const plainAddress = ({ host, port }: Address): Address => ({ host, port });
