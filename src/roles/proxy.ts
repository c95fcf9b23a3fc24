import { Doors } from '../actors/gate/doors.ts';
import { Gate } from '../actors/gate/gate.ts';
import { Proxy } from '../actors/proxy/proxy.ts';
import { Voter, type VoterPeers } from '../actors/voter/voter.ts';
import type { ProxyConfig } from '../config/types.ts';
import { votersOf } from '../config/voters.ts';
import { timingFrom } from '../domain/replication/timing.ts';
import { connectionSecret } from '../domain/routing/connection-id.ts';
import type { VotingFrame } from '../protocol/control/messages.ts';
import { type Done, fail, ok } from '../protocol/result.ts';
import { version } from '../system/version.ts';
import { formatAddress } from '../transports/transport.ts';
import { ENVIRONMENT, type Environment, newIncarnation, type Parts, partsOf, token } from './container.ts';
import type { Role } from './role.ts';

const PROXY = token<Proxy>('proxy');
const VOTER = token<Voter>('voter');
const GATE = token<Gate>('gate');
const DOORS = token<Doors>('doors');

/** A proxy: the members' way to the tracker pair. The first ones of a network are also witnesses: voters without data (`votersOf`). */
class ProxyRole implements Role {
  readonly #environment: Environment;
  readonly #config: ProxyConfig;
  readonly #parts: Parts;
  readonly #witness: boolean;
  #address: string | null = null;
  #started = false;
  #starting: Done<void> | null = null;

  constructor(environment: Environment, config: ProxyConfig) {
    this.#environment = environment;
    this.#config = config;
    this.#witness = votersOf(config.network).includes(config.name);
    this.#parts = this.#compose();
  }

  start(done: Done<void>): void {
    this.#starting = done;
    this.#environment.ports.disk.makeFolder(this.#config.dataFolder, (made) => {
      if (!made.ok) return this.#answerStart(fail('cannot-create', `The data folder ${this.#config.dataFolder}: ${made.error.message}`));
      const { get } = this.#parts;
      this.#started = true;
      if (this.#witness) {
        get(PROXY).attachVoter(get(VOTER));
        get(VOTER).start();
      }
      if (this.#config.announce.listen !== null) get(PROXY).attachGate(get(GATE));
      get(PROXY).start();
    });
  }

  stop(done: () => void): void {
    if (!this.#started) return done();
    const { get } = this.#parts;
    if (this.#witness) get(VOTER).stop();
    if (this.#config.announce.listen !== null) {
      get(GATE).stop();
      get(DOORS).close();
    }
    get(PROXY).stop(done);
  }

  status(): object {
    const { role, name } = this.#config;
    const members = this.#address === null ? {} : { members: this.#address };
    if (!this.#started) return { role, name, addresses: members };
    const { get } = this.#parts;
    const hasGate = this.#config.announce.listen !== null;
    const announce = hasGate ? get(DOORS).address : null;
    const addresses = announce === null ? members : { ...members, announce };
    const gate = hasGate ? { ...get(DOORS).status(), ...get(GATE).status() } : null;
    return { role, name, addresses, proxy: get(PROXY).status(), gate, voter: this.#witness ? get(VOTER).status() : null };
  }

  #openGate(): void {
    if (this.#config.announce.listen === null) return this.#answerStart(ok(undefined));
    this.#parts.get(DOORS).open((result) => this.#answerStart(result));
  }

  #answerStart(result: Parameters<Done<void>>[0]): void {
    const done = this.#starting;
    this.#starting = null;
    done?.(result);
  }

  #compose(): Parts {
    const config = this.#config;
    const { name, network, secrets, dataFolder } = config;
    const replicas = network.replicas.map((replica) => replica.name);
    return partsOf(this.#environment)
      .provide(PROXY, (get) => {
        const { reactor, ports } = get(ENVIRONMENT);
        return new Proxy(
          {
            reactor,
            ports,
            config,
            network,
            incarnation: newIncarnation(ports),
            software: `shoal/${version}`,
            security: {
              cluster: secrets.clusterKey,
              members: secrets.networkKey,
            },
          },
          {
            listening: (address) => {
              this.#address = formatAddress(address);
              this.#openGate();
            },
            failed: (error) => this.#answerStart({ ok: false, error }),
          },
        );
      })
      .provide(GATE, (get) => {
        const { clock, random, log } = get(ENVIRONMENT).ports;
        const ways = {
          serving: () => get(PROXY).serving(),
          send: (frame: Parameters<Proxy['toServing']>[0]) => get(PROXY).toServing(frame),
        };
        return new Gate({ clock, random, log, settings: network.announce, limits: config.announce.limits, ways });
      })
      .provide(DOORS, (get) => {
        const { clock, transport, datagrams, crypto } = get(ENVIRONMENT).ports;
        const { limits, trustedForwarders } = config.announce;
        const secret = secrets.clusterKey === null ? crypto.secretBytes(32) : connectionSecret(secrets.clusterKey.key);
        const open = network.announce.passkeys === 'open';
        const http = { clock, transport, gate: get(GATE), limits, trustedForwarders, network: network.name };
        return new Doors(config.announce, { ...http, datagrams, secret, open });
      })
      .provide(VOTER, (get) => {
        const { reactor, ports } = get(ENVIRONMENT);
        const { clock, random, log, disk } = ports;
        // A witness has no log: what its voter sends are voting frames.
        const peers: VoterPeers = { send: (to, frame) => get(PROXY).send(to, frame as VotingFrame) };
        return new Voter({
          reactor,
          clock,
          random,
          log,
          disk,
          folder: dataFolder,
          name,
          voters: votersOf(network),
          replicas,
          peers,
          timing: timingFrom(network.timing),
        });
      });
  }
}

export const createProxy = (environment: Environment, config: ProxyConfig): Role => new ProxyRole(environment, config);
