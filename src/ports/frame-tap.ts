import type { ControlFrame, LinkType } from '../protocol/control/messages.ts';
import type { Address } from '../transports/transport.ts';

/**
 * Listens to the control frames of a process's links, for recorders. It is told inside the step in which it happens, must
 * not act and must not throw. `remote` is the other side's address as this side knows it.
 */
export interface FrameTap {
  /** Handed to the transport, which may still lose it. */
  sent(remote: Address, link: LinkType, frame: ControlFrame): void;
  /** Came and was decoded, before anybody acts on it; also what belongs to the link itself (hello, keep-alive pings). */
  received(remote: Address, link: LinkType, frame: ControlFrame): void;
}
