import { Library } from '../actors/library/library.ts';
import { isLibraryCall } from '../actors/library/parts.ts';
import { isSessionCall } from '../actors/session/calls.ts';
import { NetworkSession } from '../actors/session/session.ts';
import type { NodeConfig } from '../config/types.ts';
import type { ApiCallName, ApiCalls, NodeStatus } from '../protocol/api.ts';
import { type Done, fail, ok } from '../protocol/result.ts';
import { version } from '../system/version.ts';
import { formatAddress } from '../transports/transport.ts';
import { ENVIRONMENT, type Environment, type Parts, partsOf, token } from './container.ts';
import { nodeIdentity } from './node-identity.ts';
import type { NodeRole } from './role.ts';

const SESSION = token<NetworkSession>('session');
const LIBRARY = token<Library>('library');

/** A node: its session with the network, and the library of what it shares and downloads. */
class Node implements NodeRole {
  readonly #environment: Environment;
  readonly #config: NodeConfig;
  /** Null until the node knows its id. */
  #parts: Parts | null = null;
  /** What it had before has been taken up. */
  #served = false;

  constructor(environment: Environment, config: NodeConfig) {
    this.#environment = environment;
    this.#config = config;
  }

  start(done: Done<void>): void {
    const { ports } = this.#environment;
    const { dataFolder } = this.#config;
    ports.disk.makeFolder(dataFolder, (made) => {
      if (!made.ok) return done(fail('cannot-create', `The data folder ${dataFolder}: ${made.error.message}`));
      nodeIdentity(ports, dataFolder, (identity) => {
        if (!identity.ok) return done(identity);
        const { get } = (this.#parts = this.#compose(identity.value));
        get(SESSION).start();
        get(LIBRARY).start((started) => {
          this.#served = started.ok;
          done(started);
        });
      });
    });
  }

  /** The library first: what it says goodbye to goes through the session. */
  stop(done: () => void): void {
    if (this.#parts === null) return done();
    const { get } = this.#parts;
    get(LIBRARY).stop(() => get(SESSION).stop(done));
  }

  status(): object {
    const { role, name } = this.#config;
    const peer = this.#parts?.get(LIBRARY).peerAddress ?? null;
    const addresses = peer === null ? {} : { peers: formatAddress(peer) };
    return { role, name, addresses, ...(this.#parts === null ? {} : { node: this.#nodeStatus(this.#parts) }) };
  }

  call<K extends ApiCallName>(name: K, args: ApiCalls[K]['args'], done: Done<ApiCalls[K]['result']>): void {
    if (this.#parts === null) return done(fail('unavailable', 'The node is starting.'));
    const { get } = this.#parts;
    if (isSessionCall(name)) return get(SESSION).call(name, args as never, done as never);
    // A share of what is just being taken up again would be there twice.
    if (isLibraryCall(name) && !this.#served) return done(fail('unavailable', 'The node is starting.'));
    if (isLibraryCall(name)) return get(LIBRARY).call(name, args as never, done as never);
    if (name === 'status') return done(ok(this.#nodeStatus(this.#parts) as ApiCalls[K]['result']));
    return done(fail('bad-request', `A node does not answer ${name}.`));
  }

  #nodeStatus({ get }: Parts): NodeStatus {
    const { name, network, downloadFolder } = this.#config;
    const library = get(LIBRARY);
    const { transfers, downRate, upRate } = library.totals();
    const { node } = get(SESSION);
    return {
      node,
      name,
      network: network.name,
      version,
      ...get(SESSION).status(),
      peerPort: library.peerAddress?.port ?? null,
      gates: network.proxies.flatMap(({ announce }) => (announce === undefined ? [] : [formatAddress(announce)])),
      folder: downloadFolder,
      downRate,
      upRate,
      transfers,
    };
  }

  #compose(node: string): Parts {
    const { name, network, secrets, dataFolder, peer } = this.#config;
    const software = `shoal/${version}`;
    return partsOf(this.#environment)
      .provide(
        SESSION,
        (get) =>
          new NetworkSession({
            ...get(ENVIRONMENT),
            network,
            node,
            name,
            software,
            dataFolder,
            security: secrets.networkKey,
            advertise: peer.advertise.length > 0 ? peer.advertise : peer.bind.map((host) => ({ host, port: 0 })),
            peerPort: () => get(LIBRARY).peerAddress?.port ?? null,
            uploadedBytes: () => get(LIBRARY).totals().uploadedBytes,
            entered: (generation) => get(LIBRARY).entered(generation),
          }),
      )
      .provide(
        LIBRARY,
        (get) =>
          new Library({
            ...get(ENVIRONMENT),
            network: get(SESSION),
            config: this.#config,
            dataFolder,
            passkey: (done) => get(SESSION).ownPasskey(done),
            client: software,
          }),
      );
  }
}

export const createNode = (environment: Environment, config: NodeConfig): NodeRole => new Node(environment, config);
