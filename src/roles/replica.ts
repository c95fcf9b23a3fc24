/** What tracker and backup are: the same parts over the same ports. Only the name, and with it the priority, differs. */
import { Desk, DESK_DEFAULTS } from '../actors/desk/desk.ts';
import { GuestDesk } from '../actors/desk/guest-desk.ts';
import { PasskeyBook } from '../actors/desk/passkey-book.ts';
import { REPLICA_LIMITS } from '../actors/replica/api.ts';
import { Replica } from '../actors/replica/replica.ts';
import { TallyKeeper } from '../actors/swarm/tally-keeper.ts';
import { Swarm } from '../actors/swarm/swarm.ts';
import { Voter } from '../actors/voter/voter.ts';
import type { ReplicaConfig } from '../config/types.ts';
import { votersOf } from '../config/voters.ts';
import { PASSWORD_COST } from '../domain/accounts/phc.ts';
import type { LedgerTransactions, StoredReply } from '../domain/ledger/types.ts';
import { timingFrom } from '../domain/replication/timing.ts';
import type { ReplicaStatus } from '../domain/replication/types.ts';
import { outcomeOf, requestIdText } from '../domain/routing/request-log.ts';
import { ReplicaLinks } from '../links/replica-links.ts';
import { SwarmLinks } from '../links/swarm-links.ts';
import type { Database } from '../ports/database.ts';
import type { Order, OrderErrorCode, OrderOutcome, ServerReport, StatusFrame, SwarmDeltaFrame } from '../protocol/control/messages.ts';
import { sha256, toHex } from '../protocol/digest.ts';
import { type Done, fail, type Failure, ok } from '../protocol/result.ts';
import { version } from '../system/version.ts';
import { formatAddress, type TransportFailure } from '../transports/transport.ts';
import { ENVIRONMENT, type Environment, newIncarnation, type Parts, partsOf, token } from './container.ts';
import { Halted, type Role } from './role.ts';

const DATABASE = token<Database<LedgerTransactions>>('database');
const LINKS = token<ReplicaLinks>('links');
const SWARM_LINKS = token<SwarmLinks>('swarm links');
const VOTER = token<Voter>('voter');
const REPLICA = token<Replica>('replica');
const SWARM = token<Swarm>('swarm');
const TALLIES = token<TallyKeeper>('tallies');
const DESK = token<Desk>('desk');
const PASSKEYS = token<PasskeyBook>('passkeys');
const GUESTS = token<GuestDesk>('guests');

const SOFTWARE = `shoal/${version}`;
/** Proxies miss a primary that has said nothing for a second. */
const STATUS_EVERY_MS = 300;

/** Where the ledger is in the data folder. */
const LEDGER_FILE = 'ledger.sqlite';

/** A data replica: links, voter, replica, swarms, and the desk where members are served. */
class ReplicaRole implements Role {
  readonly #environment: Environment;
  readonly #config: ReplicaConfig;
  readonly #ended: (error: Error) => void;
  readonly #parts: Parts;
  readonly #incarnation: string;
  #address: string | null = null;
  /** The primary that is followed, and its epoch. */
  #followed: string | null = null;
  #started = false;
  #haltReason = 'no reason was given';
  #starting: Done<void> | null = null;

  constructor(environment: Environment, config: ReplicaConfig, ended: (error: Error) => void) {
    this.#environment = environment;
    this.#config = config;
    this.#ended = ended;
    this.#incarnation = newIncarnation(environment.ports);
    this.#parts = this.#compose();
  }

  start(done: Done<void>): void {
    const { disk } = this.#environment.ports;
    this.#starting = done;
    disk.makeFolder(this.#config.dataFolder, (made) => {
      if (!made.ok) return this.#answerStart(fail('cannot-create', `The data folder ${this.#config.dataFolder}: ${made.error.message}`));
      const get = this.#parts.get;
      this.#started = true;
      get(SWARM).start();
      get(REPLICA).onStatus((status) => this.#statusChanged(status));
      get(REPLICA).onApplied((_appliedSeq, replies, keysOf) => {
        this.#noteApplied(replies);
        get(PASSKEYS).applied(keysOf);
        get(GUESTS).passkeysChanged(keysOf);
      });
      get(REPLICA).start();
      get(LINKS).start();
      get(SWARM_LINKS).start();
    });
  }

  stop(done: () => void): void {
    if (!this.#started) return done();
    const get = this.#parts.get;
    get(SWARM_LINKS).stop();
    get(LINKS).stop();
    get(DESK).stop();
    get(TALLIES).stop();
    get(REPLICA).stop();
    get(SWARM).stop();
    get(DATABASE).close(done);
  }

  status(): object {
    const { role, name } = this.#config;
    const addresses = this.#address === null ? {} : { control: this.#address };
    if (!this.#started) return { role, name, addresses };
    const { get } = this.#parts;
    const { registry, phase } = get(SWARM);
    return {
      role,
      name,
      addresses,
      replica: get(REPLICA).status(),
      swarm: {
        phase,
        nodes: registry.nodeCount,
        swarms: registry.swarmCount,
        peers: registry.peerCount,
        guests: registry.guests.count,
      },
      requestsUnderWay: get(DESK).underWay,
      proxies: get(LINKS).proxies,
    };
  }

  /** On main and backup alike: the id that the proxy logged is found here too. */
  #noteApplied(replies: readonly StoredReply[]): void {
    const { log } = this.#environment.ports;
    for (const { requestId, seq, epoch, body } of replies)
      log.info({ requestId: requestIdText(requestId), seq, epoch, outcome: outcomeOf(body) }, 'change applied');
  }

  #statusChanged(status: ReplicaStatus): void {
    const { role, epoch, primary } = status;
    const get = this.#parts.get;
    get(SWARM).primaryChanged(role === 'primary', epoch);
    get(TALLIES).leads(role === 'primary');
    get(LINKS).statusChanged();
    this.#noteFollowed(role === 'follower' ? primary : null, status);
    if (role !== 'halted') return;
    const error = new Halted(`its ledger or its voter state cannot be used (${this.#haltReason})`);
    this.#answerStart(fail('halted', `The ${this.#config.role} ${this.#config.name} halted: ${error.message}.`));
    this.#ended(error);
  }

  /** What the proxies are told. */
  #frame(report: boolean): StatusFrame {
    const { name, role, epoch, primary, mode, appliedSeq, waitsFor } = this.#parts.get(REPLICA).status();
    const status: StatusFrame = { kind: 'status', name, role, epoch, primary, mode, appliedSeq, waitsFor };
    return report ? { ...status, report: this.#report() } : status;
  }

  #report(): ServerReport {
    const { get } = this.#parts;
    const { registry, phase } = get(SWARM);
    return {
      ...get(REPLICA).report(),
      software: SOFTWARE,
      swarm: { phase, nodes: registry.nodeCount, guests: registry.guests.count, swarms: registry.swarmCount },
      proxies: get(LINKS).proxies,
      requestsUnderWay: get(DESK).underWay,
    };
  }

  #obey(order: Order, done: (outcome: OrderOutcome) => void): void {
    const { log } = this.#environment.ports;
    if (order.do === 'report') return done({ ok: true, value: this.#report() });
    log.warn({ order: order.do }, 'an operator gives an order');
    const replica = this.#parts.get(REPLICA);
    const answer: Done<object, Failure<OrderErrorCode>> = (result) => {
      const outcome: OrderOutcome = result.ok ? result : { ok: false, code: result.error.code, message: result.error.message };
      log.warn({ order: order.do, outcome }, 'the order is answered');
      done(outcome);
    };
    if (order.do === 'forcePromote') return replica.forcePromote(answer);
    replica.handOver('ordered by the operator', (result) => answer(result.ok ? ok({ from: this.#config.name, ...result.value }) : result));
  }

  /** Once for each primary that this replica begins to follow. */
  #noteFollowed(primary: string | null, { epoch, mode }: ReplicaStatus): void {
    const followed = primary === null ? null : `${primary} ${epoch}`;
    if (followed !== null && followed !== this.#followed)
      this.#environment.ports.log.info({ primary, epoch, mode }, `following ${primary}`);
    this.#followed = followed;
  }

  #listening(result: { readonly ok: true } | { readonly ok: false; readonly error: TransportFailure }, address: string | null): void {
    this.#address = address;
    this.#answerStart(result.ok ? ok(undefined) : result);
  }

  #answerStart(result: Parameters<Done<void>>[0]): void {
    const done = this.#starting;
    this.#starting = null;
    done?.(result);
  }

  #compose(): Parts {
    const { name, network, listen, secrets, limits, dataFolder } = this.#config;
    const voters = votersOf(network);
    const replicas = network.replicas.map((replica) => replica.name);
    const replicationTiming = timingFrom(network.timing);
    return partsOf(this.#environment)
      .provide(DATABASE, (get) => get(ENVIRONMENT).openDatabase(`${dataFolder}/${LEDGER_FILE}`))
      .provide(LINKS, (get) => {
        return new ReplicaLinks(
          get(ENVIRONMENT).ports,
          {
            name,
            incarnation: this.#incarnation,
            software: SOFTWARE,
            network,
            listen,
            security: secrets.clusterKey,
            linksMax: limits.linksMax,
            statusEveryMs: Math.max(STATUS_EVERY_MS, network.timing.heartbeatMs),
          },
          {
            listening: (address) => this.#listening(ok(undefined), formatAddress(address)),
            failed: (error) => this.#listening({ ok: false, error }, null),
            received: (from, frame) => get(REPLICA).receive(from, frame),
            peerUp: (peer) => get(REPLICA).peerUp(peer),
            peerDown: (peer) => get(REPLICA).peerDown(peer),
            request: (frame, proxy, reply) => get(DESK).handle(frame, proxy, reply),
            announce: (frame, proxy, reply) => reply(get(DESK).announce(frame, proxy, '')),
            guestAnnounce: (frame, proxy, reply) => get(GUESTS).announce(frame, proxy, reply),
            guestScrape: (frame, reply) => get(GUESTS).scrape(frame, reply),
            acceptSwarm: (peer, link) => get(SWARM_LINKS).accept(peer, link),
            obey: (order, done) => this.#obey(order, done),
            status: (report) => this.#frame(report),
          },
        );
      })
      .provide(SWARM_LINKS, (get) => {
        const identity = { networkId: network.networkId, name, incarnation: this.#incarnation, software: `shoal/${version}` };
        return new SwarmLinks(
          get(ENVIRONMENT).ports,
          { identity, network, security: secrets.clusterKey },
          {
            up: (replica) => get(SWARM).peerUp(replica),
            down: (replica) => get(SWARM).peerDown(replica),
            received: (_replica, frame) => get(SWARM).received(frame),
          },
        );
      })
      .provide(VOTER, (get) => {
        const { reactor, ports } = get(ENVIRONMENT);
        const { clock, random, log, disk } = ports;
        const peers = get(LINKS);
        return new Voter({
          reactor,
          clock,
          random,
          log,
          disk,
          folder: dataFolder,
          name,
          voters,
          replicas,
          peers,
          timing: replicationTiming,
        });
      })
      .provide(REPLICA, (get) => {
        const { reactor, ports } = get(ENVIRONMENT);
        const { clock, random, log, disk } = ports;
        const database = get(DATABASE);
        return new Replica({
          reactor,
          clock,
          random,
          log,
          database,
          disk,
          folder: dataFolder,
          voter: get(VOTER),
          name,
          voters,
          replicas,
          proxies: network.proxies.map((proxy) => proxy.name),
          peers: get(LINKS),
          timing: replicationTiming,
          limits: { ...REPLICA_LIMITS, logEntriesKept: limits.logEntriesKept },
          halted: (reason) => (this.#haltReason = reason.replace(/\.$/u, '')),
        });
      })
      .provide(SWARM, (get) => {
        const { reactor, ports } = get(ENVIRONMENT);
        const { clock, random, log } = ports;
        const peers = {
          send: (replica: string, frame: SwarmDeltaFrame) => get(SWARM_LINKS).send(replica, frame),
          queuedBytes: (replica: string) => get(SWARM_LINKS).queuedBytes(replica),
        };
        return new Swarm({ reactor, clock, random, log }, network, peers, (facts) => get(TALLIES).count(facts));
      })
      .provide(TALLIES, (get) => {
        const { clock, log } = get(ENVIRONMENT).ports;
        const client = toHex(sha256(`tally ${this.#incarnation}`)).slice(0, 32);
        return new TallyKeeper({
          clock,
          log,
          database: get(DATABASE),
          mayWrite: () => !wouldPartThePair(get(REPLICA), network.replicas),
          propose: (proposal, done) => get(REPLICA).propose(proposal, done),
          client,
        });
      })
      .provide(PASSKEYS, (get) => {
        const { clock, log } = get(ENVIRONMENT).ports;
        return new PasskeyBook({ clock, log, database: get(DATABASE) });
      })
      .provide(GUESTS, (get) => {
        const { clock, random } = get(ENVIRONMENT).ports;
        return new GuestDesk({
          clock,
          random,
          database: get(DATABASE),
          replica: get(REPLICA),
          swarm: get(SWARM),
          passkeys: get(PASSKEYS),
          settings: network,
          count: (facts) => get(TALLIES).count(facts),
          completedOf: (content) => get(TALLIES).completedOf(content),
        });
      })
      .provide(DESK, (get) => {
        const { clock, crypto, log } = get(ENVIRONMENT).ports;
        if (secrets.tokenKey === null) throw new Error('A replica needs a token key; the configuration was checked');
        return new Desk({
          clock,
          crypto,
          log,
          database: get(DATABASE),
          replica: get(REPLICA),
          swarm: get(SWARM),
          settings: {
            ...DESK_DEFAULTS,
            ...network,
            passwordCost: PASSWORD_COST,
            torrentBytesMax: limits.torrentBytesMax,
          },
          secrets: {
            tokenKey: secrets.tokenKey,
            adminCodeHash: secrets.adminCodeHash,
          },
          pingNode: (node, _proxy, done) => get(LINKS).pingNode(node, done),
        });
      });
  }
}

/**
 * Whether a change would make the primary go on alone (R6), after which the other replica could not lead (R2). Nobody waits
 * for what is counted: it is written when the pair is whole again, or parted for somebody's sake.
 */
const wouldPartThePair = (replica: Replica, replicas: ReplicaConfig['network']['replicas']): boolean => {
  const { mode, voters } = replica.report();
  return mode === 'SYNC' && replicas.some(({ name }) => voters.some((voter) => voter.name === name && !voter.reachable));
};

/** `ended`: the replica has halted and must not go on. */
export const createReplica = (environment: Environment, config: ReplicaConfig, ended: (error: Error) => void): Role =>
  new ReplicaRole(environment, config, ended);
