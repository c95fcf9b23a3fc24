/** The node's session with its network: the link to a proxy, who is signed in, requests, announces. */
import type { Actor } from 'xstate';
import { startMachine } from '../../bus/machine.ts';
import type { Address as ActorAddress } from '../../bus/reactor.ts';
import type { Network, NetworkAnswer, RequestFailure, SwarmFollower } from '../../data/network.ts';
import { dialLink } from '../../links/dial.ts';
import { backoffMs } from '../../links/dialler.ts';
import type { Link, LinkDown, LinkHandler } from '../../links/link.ts';
import { millis } from '../../ports/clock.ts';
import type { ApiCalls, Demand, NodeStatus } from '../../protocol/api.ts';
import type { AnnounceFrame, MemberFrame, Operation, OperationName, RequestFrame, RouteFrame } from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';
import { type Done, fail, ok } from '../../protocol/result.ts';
import { formatAddress } from '../../transports/transport.ts';
import { announceUrls } from '../../domain/accounts/passkeys.ts';
import { AccountStore, type SignedIn } from './account-store.ts';
import { Announcer } from './announcer.ts';
import { type Answer, type AskOptions, Asking } from './asking.ts';
import { asResult, isOpen, operationOf, type SessionCall } from './calls.ts';
import type { SessionDeps } from './deps.ts';
import { advertised, Membership } from './membership.ts';
import { OwnPasskey } from './own-passkey.ts';
import { ProxyPatience } from './patience.ts';
import { Routes } from './routes.ts';
import { wordsFor } from './words.ts';
import { type SessionMessage, sessionMachine, type SessionState } from './machine.ts';

const SESSION: ActorAddress<SessionMessage> = 'node.session';
const STOP_TIMEOUT_MS = 1_000;
const BACKOFF_MAX_MS = 2_000;
const SPREAD_MS = 500;
/** Not that of a link's own keep-alive, whose answers the link keeps to itself. */
const PATIENCE_NONCE = 1;
const NO_TAIL = new Uint8Array(0);
const NOT_SIGNED_IN = 'Nobody is signed in at this node; sign in with: shoal login NAME';

export class NetworkSession implements Network {
  readonly node: string;
  readonly #deps: SessionDeps;
  readonly #incarnation: string;
  readonly #account: AccountStore;
  readonly #asking: Asking;
  readonly #announcer: Announcer;
  readonly #ownPasskey: OwnPasskey;
  readonly #membership: Membership;
  readonly #patience: ProxyPatience;
  #machine: Actor<typeof sessionMachine> | null = null;
  #state: SessionState = 'offline';
  #loaded = false;
  #stopping = false;
  #link: Link<MemberFrame> | null = null;
  #proxy = 0;
  /** Why there is no link, by proxy, in this round. */
  readonly #failures = new Map<number, LinkDown>();
  readonly #routes: Routes;
  #epochSeen = 0;

  constructor(deps: SessionDeps) {
    this.#deps = deps;
    this.node = deps.node;
    const { clock, random, crypto, disk, log } = deps.ports;
    this.#incarnation = toHex(crypto.secretBytes(16));
    this.#routes = new Routes(clock, deps.network.proxies.length);
    this.#account = new AccountStore(disk, log, deps.dataFolder);
    this.#asking = new Asking(clock, random.fork('requests'), toHex(crypto.secretBytes(16)), {
      send: (frame) => this.#send(frame),
      token: () => this.#account.current?.token ?? null,
      epochSeen: () => this.#epochSeen,
      offlineWords: () => (this.#linked ? null : this.#words()),
      stranded: () => this.#linked && this.#routes.stranded,
      tokenRefused: (token) => this.#tokenRefused(token),
      gaveUp: () => this.#gaveUp(),
      notEntered: () => this.#membership.enterWithin(0),
    });
    this.#ownPasskey = new OwnPasskey({
      disk,
      log,
      dataFolder: deps.dataFolder,
      device: deps.name,
      account: () => this.#account.current?.account ?? null,
      makeNew: (device, done) => this.#ask({ op: 'passkey.new', device }, NO_TAIL, { hold: false }, done),
      list: (done) => this.#ask({ op: 'passkeys' }, NO_TAIL, { hold: false }, done),
    });
    this.#patience = new ProxyPatience(clock, {
      waitingSince: (personal) => this.#asking.waitingSince(personal),
      withoutPrimary: () => this.#routes.withoutPrimary,
      stranded: () => this.#routes.strandedHere,
      ping: () => void this.#link?.send({ kind: 'ping', nonce: PATIENCE_NONCE, node: null }),
      leave: (reason) => this.#leave(reason),
    });
    this.#announcer = new Announcer(clock, random.fork('announces'), {
      node: deps.node,
      incarnation: this.#incarnation,
      send: (frame) => this.#send(frame),
      unknownNode: () => this.#membership.enterWithin(0),
    });
    this.#membership = new Membership(clock, random.fork('membership'), log, {
      asking: this.#asking,
      node: deps.node,
      name: deps.name,
      incarnation: this.#incarnation,
      addresses: () => advertised(deps.advertise, deps.peerPort(), this.#link?.peer ?? null),
      uploadedBytes: deps.uploadedBytes,
      ready: () => this.#linked && this.#account.current !== null,
      entered: (generation) => {
        this.#post({ type: 'node.entered' });
        this.#announcer.entered(SPREAD_MS);
        deps.entered?.(generation);
      },
    });
  }

  /** Reads who is signed in, then connects; it goes on trying until `stop`. */
  start(): void {
    const { reactor, ports, network } = this.#deps;
    this.#machine = startMachine(reactor, ports.clock, sessionMachine, {
      address: SESSION,
      input: {
        proxies: network.proxies.length,
        backoffMs: (rounds) => backoffMs(ports.random, rounds, BACKOFF_MAX_MS),
        hasAccount: () => this.#account.current !== null,
        hasSwarms: () => this.#announcer.size > 0,
        dial: (proxy) => this.#dial(proxy),
        enter: () => this.#membership.enter(),
        entered: (state) => this.#entered(state),
      },
    });
    this.#account.load(() => {
      this.#loaded = true;
      this.#post({ type: 'session.start' });
    });
  }

  /** Says `stopped` and `exit`, waits a second at most for them to leave, and answers every request under way. */
  stop(done: () => void): void {
    if (this.#stopping) throw new Error('The session was stopped twice');
    this.#stopping = true;
    const { clock } = this.#deps.ports;
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      clock.clearTimer(timer);
      this.#patience.stop();
      this.#link?.close();
      this.#asking.stop();
      this.#machine?.stop();
      this.#deps.reactor.unregister(SESSION);
      done();
    };
    const timer = clock.setTimer(millis(STOP_TIMEOUT_MS), end);
    const online = this.#state.startsWith('online');
    this.#announcer.stopAll();
    if (!online) return void clock.setTimer(0, end);
    this.#membership.exit(() => void clock.setTimer(0, end));
  }

  get state(): Network['state'] {
    return { online: this.#state.startsWith('online'), account: this.#account.current?.account ?? null, words: this.#words() };
  }

  /** The session's part of a node's status. */
  status(): Pick<NodeStatus, 'account' | 'session' | 'proxy' | 'epoch' | 'primary'> {
    return {
      account: this.#account.current?.account ?? null,
      session: this.#words(),
      proxy: this.#linked ? this.#address(this.#proxy) : null,
      epoch: this.#epochSeen,
      primary: this.#routes.current?.primary ?? null,
    };
  }

  request<K extends OperationName>(
    operation: Extract<Operation, { op: K }>,
    tail: Uint8Array,
    done: Done<NetworkAnswer<K>, RequestFailure>,
    require: RequestFrame['require'] = 'any',
  ): void {
    this.#ask(operation, tail, { hold: true, require }, done);
  }

  follow(content: string, follower: SwarmFollower): void {
    this.#announcer.follow(content, follower);
    this.#postSwarms();
  }

  announceNow(content: string, event: 'completed' | 'none'): void {
    this.#announcer.now(content, event);
  }

  unfollow(content: string): void {
    this.#announcer.unfollow(content);
    this.#postSwarms();
  }

  /** The peer port or an advertised address is another: the tracker is told. */
  addressesChanged(): void {
    if (this.#state.startsWith('online')) this.#membership.enterWithin(0);
  }

  /**
   * The passkey of this node, for torrent files that ordinary clients open: made on first use, kept in its data folder.
   * Secret.
   */
  ownPasskey(done: Done<string, RequestFailure>): void {
    this.#ownPasskey.get(done);
  }

  /** A call of the node's own user; fails at once, with the reason, when no proxy answers. */
  call<K extends SessionCall>(name: K, args: ApiCalls[K]['args'], done: Done<ApiCalls[K]['result'], RequestFailure>): void {
    const answer = done as Done<unknown, RequestFailure>;
    const operation = operationOf(name, args);
    const { require = 'any' } = args as Demand;
    this.#ask(operation as never, NO_TAIL, { hold: false, require }, (result) => {
      if (name === 'login' && result.ok) return this.#loggedIn(result.value as Answer<'login'>, answer);
      if (name === 'logout' && (result.ok || result.error.code === 'session-expired')) {
        this.#announcer.stopAll();
        this.#membership.signOff();
        // The session is over at this node, whether the network had to hear of it or not.
        return this.#signOut(() => answer(ok({ durability: result.ok ? (result.value as Answer).durability : 'none' })));
      }
      if (name === 'passkey.new' && result.ok) return this.#madePasskey(result.value as Answer<'passkey.new'>, answer);
      answer(result.ok ? ok(asResult(operation.op, result.value)) : result);
    });
  }

  #ask<K extends OperationName>(
    operation: Extract<Operation, { op: K }>,
    tail: Uint8Array,
    options: AskOptions,
    done: Done<Answer<K>, RequestFailure>,
  ): void {
    if (this.#stopping) return this.#later(() => done(fail('offline', 'The node is stopping.')));
    if (this.#loaded && !isOpen(operation.op) && this.#account.current === null) {
      return this.#later(() => done(fail('not-logged-in', NOT_SIGNED_IN)));
    }
    this.#asking.ask(operation, tail, options, done);
  }

  #later(work: () => void): void {
    this.#deps.ports.clock.setTimer(0, work);
  }

  #post(message: SessionMessage): void {
    this.#deps.reactor.post(SESSION, message);
  }

  #postSwarms(): void {
    this.#later(() => this.#post({ type: 'swarms.changed', any: this.#announcer.size > 0 }));
  }

  // ---- The link ------------------------------------------------------------------------------------------------

  #send(frame: RequestFrame | AnnounceFrame): boolean {
    if (this.#link === null || this.#link.peer === null) return false;
    this.#link.send(frame);
    if (frame.kind === 'request') this.#patience.sent();
    return true;
  }

  get #linked(): boolean {
    return this.#link !== null && this.#link.peer !== null;
  }

  #address(proxy: number): string {
    const entry = this.#deps.network.proxies[proxy];
    return entry === undefined ? 'nowhere' : formatAddress(entry.address);
  }

  #dial(proxy: number): void {
    const entry = this.#deps.network.proxies[proxy];
    if (entry === undefined || this.#stopping) return;
    const { ports, network, security, software } = this.#deps;
    this.#proxy = proxy;
    const identity = { networkId: network.networkId, name: this.node, incarnation: this.#incarnation, software };
    let wasUp = false;
    const link: Link<MemberFrame> = dialLink<MemberFrame>(
      ports,
      { type: 'member', address: entry.address, identity, ...(security === null ? {} : { security }) },
      {
        up: () => {
          wasUp = true;
          this.#routes.linked();
          this.#failures.clear();
          ports.log.info({ proxy: entry.name }, 'connected to a proxy');
          this.#patience.heard();
          this.#post({ type: 'link.up' });
          this.#asking.linkUp();
        },
        frame: (frame) => {
          if (this.#link === link) this.#frame(frame);
        },
        down: (reason) => {
          if (this.#link !== link) return;
          if (!wasUp) this.#failures.set(proxy, reason);
          this.#lost(reason.message, wasUp);
        },
      },
    );
    this.#link = link;
  }

  /** There is no link any more, or none to count on. */
  #lost(reason: string, wasUp: boolean): void {
    this.#link = null;
    if (!wasUp) this.#routes.unreached(this.#proxy);
    const proxy = this.#deps.network.proxies[this.#proxy]?.name ?? '';
    this.#deps.ports.log.info({ proxy, reason }, 'no connection to the proxy');
    this.#asking.linkDown();
    if (!this.#stopping) this.#post({ type: wasUp ? 'link.down' : 'link.failed' });
  }

  /** Its proxy does not answer, or has nobody to ask: another one may. What waits is sent there under its own id. */
  #leave(reason: string): void {
    const link = this.#link;
    if (link === null || this.#stopping || this.#deps.network.proxies.length < 2) return;
    this.#lost(reason, true);
    link.close();
  }

  #frame(frame: Parameters<LinkHandler<MemberFrame>['frame']>[0]): void {
    this.#patience.heard();
    switch (frame.kind) {
      case 'reply':
        if (frame.stale !== true && frame.body.ok) this.#patience.answered();
        return this.#asking.replied(frame);
      case 'announced':
        return this.#announcer.announced(frame);
      case 'route':
        return this.#routed(frame);
      default:
    }
  }

  /** Perhaps another primary, which does not know this node. */
  #routed(route: RouteFrame): void {
    const { epoch, primary, spreadMs } = route;
    this.#routes.said(this.#proxy, route);
    this.#epochSeen = Math.max(this.#epochSeen, epoch);
    if (primary !== null) this.#membership.routed(epoch, spreadMs / 2);
  }

  #entered(state: SessionState): void {
    this.#state = state;
    if (state.startsWith('online')) return;
    this.#announcer.left();
    this.#membership.left();
    if (state === 'backoff') this.#asking.gaveUp();
  }

  // ---- The account -------------------------------------------------------------------------------------------

  #loggedIn({ value, durability }: Answer<'login'>, answer: Done<unknown, RequestFailure>): void {
    const { token, account, admin, expiresMs } = value;
    const signedIn: SignedIn = { token, account, admin, expiresMs };
    this.#account.set(signedIn, () => {
      this.#membership.accountChanged();
      this.#post({ type: 'account.known' });
      answer(ok({ account, admin, durability }));
    });
  }

  #madePasskey({ value, durability }: Answer<'passkey.new'>, answer: Done<unknown, RequestFailure>): void {
    const announce = announceUrls(this.#deps.network.proxies, value.passkey);
    this.#ownPasskey.made(this.#account.current?.account ?? null, value, () => answer(ok({ ...value, announce, durability })));
  }

  #tokenRefused(token: string | null): void {
    if (token === null || token !== this.#account.current?.token) return;
    this.#deps.ports.log.warn({}, 'the session has expired; somebody must sign in again');
    this.#signOut(() => {});
  }

  #signOut(done: () => void): void {
    this.#account.set(null, () => {
      this.#membership.accountChanged();
      this.#post({ type: 'account.lost' });
      done();
    });
  }

  // ---- For people --------------------------------------------------------------------------------------------

  /** Every proxy was tried in vain since the last link. */
  #gaveUp(): boolean {
    return this.#failures.size >= this.#deps.network.proxies.length;
  }

  #words(): string {
    return wordsFor({
      state: this.#state,
      account: this.#account.current?.account ?? null,
      route: this.#routes.current,
      proxy: this.#address(this.#proxy),
      failures: this.#gaveUp() ? [...this.#failures.values()] : [],
    });
  }
}
