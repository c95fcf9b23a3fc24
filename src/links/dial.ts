/** The dialling end of a link. */
import type { Clock } from '../ports/clock.ts';
import type { FrameTap } from '../ports/frame-tap.ts';
import type { Log } from '../ports/log.ts';
import type { ControlFrame, HelloFrame, LinkType, RefuseFrame, WelcomeFrame } from '../protocol/control/messages.ts';
import { PROTOCOL_VERSION } from '../protocol/control/messages.ts';
import type { Address, Security, Transport } from '../transports/transport.ts';
import { formatAddress } from '../transports/transport.ts';
import type { Link, LinkHandler, LinkPeer } from './link.ts';
import { LINK_LIMITS, type LinkIdentity, type LinkLimits, LinkSession } from './session.ts';
import { otherVersion } from './words.ts';

export interface LinkDeps {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly log: Log;
  readonly frames?: FrameTap;
}

export interface DialOptions {
  readonly type: LinkType;
  readonly address: Address;
  readonly identity: LinkIdentity;
  /** Passed to the transport; absent for links in the clear (simulations). */
  readonly security?: Security;
  readonly limits?: LinkLimits;
  readonly dialTimeoutMs?: number;
}

const DIAL_TIMEOUT_MS = 3_000;

/** One attempt: `up`, frames and `down`; or only `down`, which says why there is no link. */
export const dialLink = <F extends ControlFrame>(deps: LinkDeps, options: DialOptions, handler: LinkHandler<F>): Link<F> => {
  const { identity, address, type } = options;
  let up = false;
  const session: LinkSession = new LinkSession(deps, options.limits ?? LINK_LIMITS, type, {
    opened() {
      session.send({ kind: 'hello', version: PROTOCOL_VERSION, link: type, ...identity });
    },
    hello() {
      session.violate('a hello where a welcome was due');
    },
    welcome(frame) {
      if (frame.version !== PROTOCOL_VERSION) {
        const message = otherVersion(frame.version);
        return session.refuse('version', message, { code: 'refused', message, refusal: 'version' });
      }
      const peer = peerOf(frame, session);
      session.become(type, peer);
      up = true;
      handler.up(peer);
    },
    frame: (frame) => handler.frame(frame as never),
    drained: () => handler.drained?.(),
    down(reason) {
      const where = formatAddress(address);
      const message = up || reason.message.includes(where) ? reason.message : `${where}: ${reason.message}`;
      handler.down({ ...reason, message });
    },
  });
  session.attach(
    deps.transport.dial(
      address,
      { timeoutMs: options.dialTimeoutMs ?? DIAL_TIMEOUT_MS, ...(options.security === undefined ? {} : { security: options.security }) },
      session,
    ),
  );
  return linkOf<F>(session);
};

const peerOf = (frame: WelcomeFrame, session: LinkSession): LinkPeer => ({
  name: frame.name,
  incarnation: frame.incarnation,
  software: '',
  address: session.connection.remote,
  observed: frame.observed,
  local: session.connection.local,
});

/** A session as its owner may use it. */
export const linkOf = <F extends { readonly kind: string }>(session: LinkSession): Link<F> => ({
  get peer() {
    return session.peer;
  },
  send: (frame: Exclude<F, HelloFrame | WelcomeFrame | RefuseFrame>) =>
    session.peer !== null && session.send(frame as unknown as ControlFrame),
  queuedBytes: () => session.queuedBytes(),
  close: () => session.close(),
});
