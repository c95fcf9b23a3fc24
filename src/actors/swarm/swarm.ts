import { startMachine } from '../../bus/machine.ts';
import type { Address, Reactor } from '../../bus/reactor.ts';
import { announceInterval, isLonely, peerTtlSeconds, warmingSeconds } from '../../domain/swarm/interval.ts';
import { type Origin, SwarmRegistry, type SwarmSettings } from '../../domain/swarm/registry.ts';
import { type TallyFacts, tallySource } from '../../domain/swarm/tally.ts';
import { type Clock, type Micros, seconds, type TimerId } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { AnnouncedFrame, AnnounceFrame, SwarmDeltaFrame } from '../../protocol/control/messages.ts';
import { Feeder, type SwarmPeers } from './feeder.ts';
import { type SwarmEvent, swarmMachine, type SwarmPhase } from './machine.ts';

export const SWARM_ADDRESS: Address<SwarmEvent> = 'swarm';

/** The silent are looked for so often, at most. */
const SWEEP_SECONDS_MAX = 5;

/** Who is alone tells nobody. */
const NOBODY: SwarmPeers = { send: () => {}, queuedBytes: () => 0 };

/**
 * The swarm side of a replica: the registry, its housekeeping, what the primary tells the other replica of it, and the
 * machine that knows how complete it is.
 */
export class Swarm {
  readonly registry: SwarmRegistry;
  readonly #deps: { readonly reactor: Reactor; readonly clock: Clock; readonly random: Random; readonly log: Log };
  readonly #settings: SwarmSettings;
  #phase: SwarmPhase = 'cold';
  readonly #feeder: Feeder;
  readonly #count: (facts: TallyFacts) => void;
  #primary = false;
  #leadsSince: Micros = 0;
  #stopMachine: () => void = () => {};
  #sweepTimer: TimerId | null = null;

  constructor(
    deps: { readonly reactor: Reactor; readonly clock: Clock; readonly random: Random; readonly log: Log },
    settings: SwarmSettings,
    peers: SwarmPeers = NOBODY,
    count: (facts: TallyFacts) => void = () => {},
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#count = count;
    this.registry = new SwarmRegistry(settings);
    this.#feeder = new Feeder(deps.clock, this.registry, peers, settings.announceIntervalSeconds);
  }

  start(): void {
    const { reactor, clock, log } = this.#deps;
    const changed = (phase: SwarmPhase): void => {
      this.#phase = phase;
      log.debug({ phase, nodes: this.registry.nodeCount, swarms: this.registry.swarmCount }, 'swarms');
    };
    const input = { warmingMs: warmingSeconds(this.#settings.announceIntervalSeconds) * 1_000, changed };
    const actor = startMachine(reactor, clock, swarmMachine, { address: SWARM_ADDRESS, input });
    this.#stopMachine = () => {
      actor.stop();
      reactor.unregister(SWARM_ADDRESS);
    };
    this.#sweepLater();
  }

  stop(): void {
    this.#stopMachine();
    this.#stopMachine = () => {};
    this.#feeder.stop();
    if (this.#sweepTimer !== null) this.#deps.clock.clearTimer(this.#sweepTimer);
    this.#sweepTimer = null;
  }

  get phase(): SwarmPhase {
    return this.#phase;
  }

  /**
   * To be called, inside a step, whenever the replica becomes primary or is not any more, and when its epoch is another;
   * repeating it is harmless.
   */
  primaryChanged(primary: boolean, epoch: number): void {
    this.#feeder.leads(primary, epoch);
    if (primary === this.#primary) return;
    this.#primary = primary;
    this.#leadsSince = this.#deps.clock.now();
    this.#deps.reactor.post(SWARM_ADDRESS, { type: primary ? 'primary.gained' : 'primary.lost' });
  }

  /** The link to another replica on which swarms are told of. */
  peerUp(replica: string): void {
    this.#feeder.up(replica);
  }

  peerDown(replica: string): void {
    this.#feeder.down(replica);
  }

  /** What another replica tells of the swarms. */
  received(frame: SwarmDeltaFrame): void {
    this.#feeder.received(frame);
  }

  announce(frame: AnnounceFrame, origin: Origin): AnnouncedFrame {
    const { clock, random } = this.#deps;
    const warming = this.#phase !== 'warm';
    const answer = this.registry.announce(frame, origin, clock.now());
    if (!answer.unknownNode) this.#countItems(frame);
    const lonely = isLonely(frame.items, answer.items);
    return {
      kind: 'announced',
      node: frame.node,
      sequence: frame.sequence,
      intervalSeconds: announceInterval(this.#settings.announceIntervalSeconds, { warming, lonely }, random),
      warming,
      ...answer,
    };
  }

  /** What a node has transferred; its announces are numbered, and each run of it counts anew. */
  #countItems({ node, incarnation, sequence, items }: AnnounceFrame): void {
    const account = this.registry.node(node)?.account;
    const moved = items.filter((item) => item.uploadedBytes > 0 || item.downloadedBytes > 0);
    if (account === undefined || moved.length === 0) return;
    const source = tallySource('node', node, incarnation);
    for (const item of moved) this.#count({ account, source, path: '', sequence, replay: false, ...item });
  }

  #sweepLater(): void {
    const { clock, log } = this.#deps;
    this.#sweepTimer = clock.setTimer(seconds(Math.min(SWEEP_SECONDS_MAX, this.#settings.removeSeconds / 4)), () => {
      const removed = this.registry.sweep(clock.now(), this.#removeBefore(clock.now()));
      if (removed.length > 0) log.info({ nodes: removed.slice(0, 10), count: removed.length }, 'silent nodes removed');
      this.#sweepLater();
    });
  }

  /**
   * Nodes last heard before this are removed. Who hears of them from the primary hears of each one now and then only, and
   * who has just become primary has not heard them itself yet: there, silence is long when a peer's would be.
   */
  #removeBefore(now: Micros): Micros {
    const { removeSeconds, announceIntervalSeconds } = this.#settings;
    const remove = seconds(removeSeconds);
    const second = this.#feeder.fed && (!this.#primary || now - this.#leadsSince < remove);
    return now - (second ? Math.max(remove, seconds(peerTtlSeconds(announceIntervalSeconds))) : remove);
  }
}
