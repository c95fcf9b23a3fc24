/** The replicas as a proxy has them: a link to each, what each says of itself, and who is primary. */
import { chooseFollower, choosePrimary, chooseWaitedFor, epochOf, type Primary, type ReplicaView } from '../../domain/routing/route.ts';
import type { SeenReplica } from '../../domain/routing/cluster.ts';
import type { NetworkConfig } from '../../config/types.ts';
import { LinkDialler } from '../../links/dialler.ts';
import type { LinkHandler } from '../../links/link.ts';
import { CLUSTER_LINK_LIMITS, type LinkIdentity } from '../../links/session.ts';
import type { Micros, TimerId } from '../../ports/clock.ts';
import { millis } from '../../ports/clock.ts';
import type { Ports } from '../../ports/ports.ts';
import type {
  AnnounceFrame,
  GuestAnnounceFrame,
  GuestScrapeFrame,
  PongFrame,
  ProxyFrame,
  RequestFrame,
  ServerReport,
  StatusFrame,
  VotingFrame,
} from '../../protocol/control/messages.ts';
import type { Security } from '../../transports/transport.ts';

type Incoming = Parameters<LinkHandler<ProxyFrame>['frame']>[0];

export interface ReplicasHandler {
  /** Another primary than before, or none. */
  primaryChanged(primary: Primary | null): void;
  /** The primary's status stopped coming, or comes again. */
  primaryQuiet(quiet: boolean): void;
  followersChanged(any: boolean): void;
  /** Another follower is the one to ask, or another replica is waited for. */
  standInChanged(): void;
  up(name: string): void;
  down(name: string): void;
  frame(from: string, frame: Exclude<Incoming, StatusFrame>): void;
}

interface Replica {
  readonly dialler: LinkDialler<ProxyFrame>;
  view: ReplicaView;
  /** What it said last for people on this link. */
  report: ServerReport | null;
  /** Why there is no link. */
  reason: string;
}

/** A primary that was not heard for this long is suspected: it says its status every 300 ms or so. */
const QUIET_AFTER: Micros = millis(1_000);
const LOOK_EVERY: Micros = millis(250);
const LOOK_LEAST: Micros = millis(20);
/** What a replica said of itself is not told to people when it is older. */
const REPORT_OLD_AFTER: Micros = millis(2_000);

export class Replicas {
  primary: Primary | null = null;
  /** The highest epoch that a primary is known of (R12). */
  epochSeen = 0;
  readonly #ports: Ports;
  readonly #handler: ReplicasHandler;
  readonly #replicas = new Map<string, Replica>();
  #anyFollower = false;
  #standIn = '';
  #quiet = false;
  #timer: TimerId | null = null;

  constructor(ports: Ports, network: NetworkConfig, identity: LinkIdentity, security: Security | null, handler: ReplicasHandler) {
    this.#ports = ports;
    this.#handler = handler;
    for (const { name, address } of network.replicas) {
      const options = {
        type: 'proxy' as const,
        address,
        identity,
        limits: CLUSTER_LINK_LIMITS,
        ...(security === null ? {} : { security }),
      };
      const dialler = new LinkDialler<ProxyFrame>(ports, options, {
        up: (peer) => this.#up(name, peer.name),
        frame: (frame) => (frame.kind === 'status' ? this.#heard(name, frame) : handler.frame(name, frame)),
        down: (reason) => this.#down(name, reason.message),
        failed: (reason) => this.#failed(name, reason.message),
      });
      this.#replicas.set(name, {
        dialler,
        view: { name, up: false, status: null, heardAt: 0 },
        report: null,
        reason: 'it is being dialled',
      });
    }
  }

  start(): void {
    for (const { dialler } of this.#replicas.values()) dialler.start();
    this.#look();
  }

  stop(): void {
    if (this.#timer !== null) this.#ports.clock.clearTimer(this.#timer);
    this.#timer = null;
    for (const { dialler } of this.#replicas.values()) dialler.stop();
  }

  /** False when there is no link: the frame is dropped. A link that is only slow takes it. */
  send(to: string, frame: RequestFrame | AnnounceFrame | GuestAnnounceFrame | GuestScrapeFrame | VotingFrame | PongFrame): boolean {
    const replica = this.#replicas.get(to);
    if (replica === undefined || !replica.dialler.isUp) return false;
    replica.dialler.send(frame);
    return replica.dialler.isUp;
  }

  /** Whom to ask while there is no primary. */
  follower(): string | null {
    return chooseFollower(this.#views(), this.#quiet ? (this.primary?.name ?? null) : null);
  }

  /** See `chooseWaitedFor`. */
  waitedFor(): string | null {
    return chooseWaitedFor(this.#views());
  }

  status(): readonly {
    readonly name: string;
    readonly up: boolean;
    readonly role: string | null;
    readonly epoch: number;
    readonly mode: string | null;
  }[] {
    return this.#views().map(({ name, up, status }) => ({
      name,
      up,
      role: status?.role ?? null,
      epoch: status?.epoch ?? 0,
      mode: status?.mode ?? null,
    }));
  }

  /** What each replica says of itself, for people. One whose link stands has said it within two seconds or so. */
  reports(): SeenReplica[] {
    const now = this.#ports.clock.now();
    return [...this.#replicas.values()].map(({ view: { name, up, status, heardAt }, report, reason }) => {
      if (!up) return { name, report: null, reason };
      if (now - heardAt > REPORT_OLD_AFTER)
        return { name, report: null, reason: `nothing heard for ${Math.floor((now - heardAt) / 1_000_000)} s` };
      if (report === null || status === null) return { name, report: null, reason: 'it has said nothing yet' };
      const { role, epoch, primary, mode, waitsFor, appliedSeq } = status;
      return { name, report: { ...report, role, epoch, primary, mode, waitsFor, appliedSeq }, reason: null };
    });
  }

  /** An epoch in a reply: one that is higher than all before means another primary. */
  sawEpoch(epoch: number): void {
    if (epoch <= this.epochSeen) return;
    this.epochSeen = epoch;
    this.#judge();
  }

  #views(): ReplicaView[] {
    return [...this.#replicas.values()].map((replica) => replica.view);
  }

  #up(name: string, said: string): void {
    const replica = this.#replicas.get(name) as Replica;
    if (said !== name) {
      this.#ports.log.error({ expected: name, found: said }, 'the address of a replica belongs to another');
      return replica.dialler.drop();
    }
    replica.view = { name, up: true, status: null, heardAt: this.#ports.clock.now() };
    replica.report = null;
    this.#ports.log.info({ replica: name }, 'link to a replica is up');
    this.#handler.up(name);
  }

  #down(name: string, reason: string): void {
    const replica = this.#replicas.get(name) as Replica;
    replica.reason = reason;
    if (!replica.view.up) return;
    replica.view = { ...replica.view, up: false, status: null };
    this.#ports.log.warn({ replica: name, reason }, 'link to a replica is down');
    this.#handler.down(name);
    this.#judge();
  }

  #failed(name: string, reason: string): void {
    (this.#replicas.get(name) as Replica).reason = reason;
    this.#ports.log.debug({ replica: name, reason }, 'no link to the replica');
  }

  #heard(name: string, status: StatusFrame): void {
    const replica = this.#replicas.get(name) as Replica;
    if (status.report !== undefined) replica.report = status.report;
    replica.view = { ...replica.view, status, heardAt: this.#ports.clock.now() };
    this.epochSeen = Math.max(this.epochSeen, epochOf(status));
    this.#judge();
    if (this.#quiet && this.primary?.name === name) this.#setQuiet(false);
  }

  #judge(): void {
    const views = this.#views();
    const any = chooseFollower(views) !== null;
    if (any !== this.#anyFollower) {
      this.#anyFollower = any;
      this.#handler.followersChanged(any);
    }
    this.#judgePrimary(choosePrimary(views, this.epochSeen));
    this.#judgeStandIn();
  }

  #judgePrimary(primary: Primary | null): void {
    if (primary?.name === this.primary?.name && primary?.epoch === this.primary?.epoch) return;
    this.primary = primary;
    this.#quiet = false;
    this.#handler.primaryChanged(primary);
  }

  #judgeStandIn(): void {
    const standIn = `${this.follower()} ${this.waitedFor()}`;
    if (standIn === this.#standIn) return;
    this.#standIn = standIn;
    this.#handler.standInChanged();
  }

  #look(): void {
    const { clock } = this.#ports;
    const view = this.primary === null ? undefined : this.#replicas.get(this.primary.name)?.view;
    const silent = view === undefined ? 0 : clock.now() - view.heardAt;
    if (silent >= QUIET_AFTER) this.#setQuiet(true);
    // Of a primary that was heard, silence shows when enough of it is over.
    const heard = view !== undefined && silent < QUIET_AFTER;
    this.#timer = clock.setTimer(heard ? Math.max(LOOK_LEAST, QUIET_AFTER - silent) : LOOK_EVERY, () => this.#look());
  }

  #setQuiet(quiet: boolean): void {
    if (quiet === this.#quiet) return;
    this.#quiet = quiet;
    this.#judgeStandIn();
    this.#handler.primaryQuiet(quiet);
  }
}
