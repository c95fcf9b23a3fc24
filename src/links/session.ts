/** What both ends of a link share: frames on a connection, keep-alive, limits, and one `down` at the end. */
import type { Clock, TimerId } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import type { FrameTap } from '../ports/frame-tap.ts';
import type { Log } from '../ports/log.ts';
import { decodeControl, encodeControl } from '../protocol/control/codec.ts';
import { FRAME_BYTES_MAX, HELLO_BYTES_MAX } from '../protocol/control/limits.ts';
import type { ControlFrame, HelloFrame, LinkType, RefuseFrame, WelcomeFrame } from '../protocol/control/messages.ts';
import { encodeFrame, FrameDecoder } from '../transports/framing.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../transports/transport.ts';
import type { LinkDown, LinkPeer } from './link.ts';

/** Limits and times of a link. */
export interface LinkLimits {
  /** A connection that has not finished its hello by then is closed. */
  readonly helloTimeoutMs: number;
  /** After this silence the other side is pinged … */
  readonly pingAfterMs: number;
  /** … and after this it counts as gone. */
  readonly silentAfterMs: number;
  /** A link with more than this waiting to leave is cut. */
  readonly queueBytesMax: number;
  /** A link that was closed politely is cut when the other side has not closed by then. */
  readonly closeTimeoutMs: number;
}

export const LINK_LIMITS: LinkLimits = {
  helloTimeoutMs: 5_000,
  pingAfterMs: 5_000,
  silentAfterMs: 15_000,
  queueBytesMax: 64 * 1_048_576,
  closeTimeoutMs: 2_000,
};

/** Among tracker, backup and proxies silence is noticed soon: a machine that vanished closes no connection. */
export const CLUSTER_LINK_LIMITS: LinkLimits = { ...LINK_LIMITS, helloTimeoutMs: 2_000, pingAfterMs: 1_000, silentAfterMs: 2_000 };

/** Who this process says it is. */
export interface LinkIdentity {
  readonly networkId: string;
  readonly name: string;
  readonly incarnation: string;
  readonly software: string;
}

/** Nonce of the pings by which a link keeps itself alive; asked for nowhere else. */
const KEEP_ALIVE_NONCE = 0;

/** What a link's end does with what comes in. */
export interface SessionOwner {
  /** The connection is open (the dialler says hello now). */
  opened(): void;
  hello(frame: HelloFrame): void;
  welcome(frame: WelcomeFrame): void;
  /** A frame of a link that is up. */
  frame(frame: ControlFrame): void;
  down(reason: LinkDown): void;
  drained(): void;
}

interface SessionDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly frames?: FrameTap;
}

/** One connection as a link. */
export class LinkSession implements ConnectionHandler {
  peer: LinkPeer | null = null;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #frames: FrameTap | undefined;
  readonly #limits: LinkLimits;
  readonly #owner: SessionOwner;
  #type: LinkType | null;
  #connection: Connection | null = null;
  readonly #decoder = new FrameDecoder(Math.max(...Object.values(FRAME_BYTES_MAX)) + 1);
  #timer: TimerId | null = null;
  #heardAt = 0;
  #closing = false;
  #down = false;
  #reason: LinkDown | null = null;

  /** `type` is null on an accepting side until the hello says it. */
  constructor(deps: SessionDeps, limits: LinkLimits, type: LinkType | null, owner: SessionOwner) {
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#frames = deps.frames;
    this.#limits = limits;
    this.#type = type;
    this.#owner = owner;
  }

  attach(connection: Connection): void {
    this.#connection = connection;
  }

  get connection(): Connection {
    if (this.#connection === null) throw new Error('A link session without a connection');
    return this.#connection;
  }

  /** From here on frames of this type of link are taken. */
  become(type: LinkType, peer: LinkPeer): void {
    this.#type = type;
    this.peer = peer;
    this.#heardAt = this.#clock.now();
    this.#watch();
  }

  open(): void {
    if (this.#closing) return;
    this.#setTimer(this.#limits.helloTimeoutMs, () => this.#cut({ code: 'silent', message: 'no hello came in time' }));
    this.#owner.opened();
  }

  bytes(chunk: Uint8Array): void {
    if (this.#closing) return;
    this.#heardAt = this.#clock.now();
    const { frames, violation } = this.#decoder.push(chunk);
    for (const frame of frames) {
      this.#frame(frame.kind, frame.body);
      if (this.#closing) return;
    }
    if (violation !== null) this.violate(violation);
    else if (this.peer === null && this.#decoder.pendingBytes > HELLO_BYTES_MAX) this.violate('no hello, but many bytes');
  }

  #frame(kind: number, body: Uint8Array): void {
    const decoded = decodeControl(this.#type ?? 'member', kind, body);
    if (!decoded.ok) return this.violate(decoded.error.message);
    const frame = decoded.value;
    this.#frames?.received(this.connection.remote, this.#linkOf(frame), frame);
    switch (frame.kind) {
      case 'refuse':
        return this.#refused(frame);
      case 'hello':
      case 'welcome':
        if (this.peer !== null) return this.violate(`a second ${frame.kind}`);
        return frame.kind === 'hello' ? this.#owner.hello(frame) : this.#owner.welcome(frame);
      default:
        if (this.peer === null) return this.violate(`a ${frame.kind} frame before the hello`);
    }
    if (frame.kind === 'ping' && frame.node === null) {
      this.send({ kind: 'pong', nonce: frame.nonce, roundTripMicros: 0 });
      return;
    }
    if (frame.kind === 'pong' && frame.nonce === KEEP_ALIVE_NONCE) return;
    this.#owner.frame(frame);
  }

  send(frame: ControlFrame): boolean {
    const connection = this.#connection;
    if (connection === null || this.#closing || this.#down) return false;
    const { kind, parts } = encodeControl(frame);
    let calm = true;
    for (const piece of encodeFrame(kind, parts)) calm = connection.send(piece);
    this.#frames?.sent(connection.remote, this.#linkOf(frame), frame);
    if (connection.queuedBytes() > this.#limits.queueBytesMax) {
      this.#cut({ code: 'full', message: `more than ${this.#limits.queueBytesMax} bytes wait for the other side to read` });
      return false;
    }
    return calm;
  }

  queuedBytes(): number {
    return this.#connection?.queuedBytes() ?? 0;
  }

  /** The other side does not speak the protocol: tells it why, and closes. */
  violate(reason: string): void {
    this.#log.warn({ peer: this.peer?.name ?? null, reason }, 'a link broke the protocol');
    this.refuse('bad-frame', reason, { code: 'violation', message: `the other side sent ${reason}` });
  }

  /** Says `refuse` as the last word. `reason` is what this side's owner is told. */
  refuse(code: RefuseFrame['code'], message: string, reason: LinkDown): void {
    this.send({ kind: 'refuse', code, message: message.slice(0, 1_000) });
    this.#finish(reason);
  }

  close(): void {
    this.#finish({ code: 'closed', message: 'closed by this side' });
  }

  drain(): void {
    if (this.peer !== null && !this.#closing) this.#owner.drained();
  }

  end(): void {
    this.#finish({ code: 'closed', message: 'closed by the other side' });
  }

  closed(reason: CloseReason): void {
    if (this.#down) return;
    this.#down = true;
    this.#clearTimer();
    this.#owner.down(this.#reason ?? downOf(reason));
  }

  /** The type of this link; before the hello was taken, what it says. */
  #linkOf(frame: ControlFrame): LinkType {
    return this.#type ?? (frame.kind === 'hello' ? frame.link : 'member');
  }

  #refused(frame: RefuseFrame): void {
    this.#finish({ code: 'refused', message: frame.message, refusal: frame.code });
  }

  #finish(reason: LinkDown): void {
    if (this.#closing || this.#down) return;
    this.#closing = true;
    this.#reason ??= reason;
    this.#connection?.close();
    this.#setTimer(this.#limits.closeTimeoutMs, () => this.#connection?.abort());
  }

  #cut(reason: LinkDown): void {
    if (this.#down) return;
    this.#closing = true;
    this.#reason ??= reason;
    this.#clearTimer();
    this.#connection?.abort();
  }

  /** One timer that looks when the other side was last heard, instead of one that every frame would move. */
  #watch(): void {
    const silentMicros = this.#clock.now() - this.#heardAt;
    const pingAfter = millis(this.#limits.pingAfterMs);
    const silentAfter = millis(this.#limits.silentAfterMs);
    if (silentMicros >= silentAfter) {
      this.#cut({ code: 'silent', message: `nothing heard for ${Math.round(silentMicros / 1_000)} ms` });
      return;
    }
    if (silentMicros >= pingAfter) this.send({ kind: 'ping', nonce: KEEP_ALIVE_NONCE, node: null });
    const nextAt = silentMicros < pingAfter ? pingAfter - silentMicros : Math.min(pingAfter, silentAfter - silentMicros);
    this.#setTimer(nextAt / 1_000, () => this.#watch());
  }

  #setTimer(ms: number, fire: () => void): void {
    this.#clearTimer();
    this.#timer = this.#clock.setTimer(millis(ms), () => {
      this.#timer = null;
      fire();
    });
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

const downOf = (reason: CloseReason): LinkDown =>
  reason.kind === 'ended' ? { code: 'closed', message: 'closed by the other side' } : { code: 'transport', message: reason.error.message };
