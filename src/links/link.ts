/**
 * A typed link: one connection that carries the frames of one closed union between two processes that have said hello.
 * A link that goes down is an event; there is no hidden queue behind it.
 */
import type { HelloFrame, LinkFrame, RefuseFrame, WelcomeFrame } from '../protocol/control/messages.ts';
import type { Failure } from '../protocol/result.ts';
import type { Address } from '../transports/transport.ts';

/** Why a link is not there (any more). `refused` carries the other side's last word. */
export type LinkDown = Failure<'transport' | 'refused' | 'silent' | 'violation' | 'closed' | 'full'> & {
  readonly refusal?: RefuseFrame['code'];
};

/** What the other side said of itself. */
export interface LinkPeer {
  readonly name: string;
  readonly incarnation: string;
  readonly software: string;
  /** Its address as seen from here. */
  readonly address: Address;
  /** The dialler's own address as the other side sees it; null on the accepting side. */
  readonly observed: Address | null;
  /** This side's own address of the connection. */
  readonly local: Address;
}

/** Order: `up` at most once, then frames, then `down` exactly once. Every call is inside a step. */
export interface LinkHandler<Frame extends { readonly kind: string }> {
  up(peer: LinkPeer): void;
  frame(frame: Exclude<Frame, LinkFrame> | Extract<Frame, { readonly kind: 'ping' | 'pong' }>): void;
  down(reason: LinkDown): void;
  /** What made `send` say false has left. */
  drained?(): void;
}

export interface Link<Frame extends { readonly kind: string }> {
  readonly peer: LinkPeer | null;
  /**
   * False when the link is not up (the frame is dropped) or when so much waits in it that the caller should hold back
   * until `drained`.
   */
  send(frame: Exclude<Frame, HelloFrame | WelcomeFrame | RefuseFrame>): boolean;
  queuedBytes(): number;
  /** After all that was sent has left. */
  close(): void;
}
