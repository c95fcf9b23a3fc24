import { Proxy } from '../actors/proxy/proxy.ts';
import { Voter, type VoterPeers } from '../actors/voter/voter.ts';
import type { ProxyConfig } from '../config/types.ts';
import { votersOf } from '../config/voters.ts';
import { timingFrom } from '../domain/replication/timing.ts';
import type { VotingFrame } from '../protocol/control/messages.ts';
import { type Done, fail, ok } from '../protocol/result.ts';
import { version } from '../system/version.ts';
import { formatAddress } from '../transports/transport.ts';
import { ENVIRONMENT, type Environment, newIncarnation, type Parts, partsOf, token } from './container.ts';
import type { Role } from './role.ts';

const PROXY = token<Proxy>('proxy');
const VOTER = token<Voter>('voter');

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
      get(PROXY).start();
    });
  }

  stop(done: () => void): void {
    if (!this.#started) return done();
    const { get } = this.#parts;
    if (this.#witness) get(VOTER).stop();
    get(PROXY).stop(done);
  }

  status(): object {
    const { role, name } = this.#config;
    const addresses = this.#address === null ? {} : { members: this.#address };
    if (!this.#started) return { role, name, addresses };
    const { get } = this.#parts;
    return { role, name, addresses, proxy: get(PROXY).status(), voter: this.#witness ? get(VOTER).status() : null };
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
              this.#answerStart(ok(undefined));
            },
            failed: (error) => this.#answerStart({ ok: false, error }),
          },
        );
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
