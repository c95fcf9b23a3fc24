/** Libraries in a simulated world, with a tracker that is a plain object: for tests of the library and its transfers. */
import type { Incarnation, SimulatedProcess, World } from '../../simulations/world/index.ts';
import { Library } from '../../src/actors/library/library.ts';
import type { LibraryCallName, LibraryConfig } from '../../src/actors/library/parts.ts';
import type { NetworkConfig, NodeConfig } from '../../src/config/types.ts';
import type { Network, RequestFailure, SwarmFollower } from '../../src/data/network.ts';
import { FOREVER } from '../../src/domain/transfer/goals.ts';
import { isWrite } from '../../src/domain/routing/operations.ts';
import { type Clock, millis, seconds } from '../../src/ports/clock.ts';
import type { ApiCalls, TransferSummary } from '../../src/protocol/api.ts';
import type { AnnouncedPeer, ContentSummary, Operation, SearchHit } from '../../src/protocol/control/messages.ts';
import { type Done, fail, ok, type Result } from '../../src/protocol/result.ts';

interface Member {
  readonly peer: AnnouncedPeer;
  left: number;
}

/** Accounts, catalog and swarms of one network, without wires and failures unless a test asks for them. */
export class FakeTracker {
  readonly catalog = new Map<string, { readonly content: ContentSummary; readonly torrent: Uint8Array; readonly owners: Set<string> }>();
  readonly swarms = new Map<string, Map<string, Member>>();
  online = true;
  signedIn = true;
  /** One tracker of the pair is down: changes are kept on the other one alone. */
  solo = false;
  /** Who is signed in. */
  account = 'anna';
  /** What a request answers instead; null lets it be. */
  refuse: (operation: Operation) => RequestFailure | null = () => null;
  readonly events: string[] = [];
  /** Those with `announce` take announces of programs that are no nodes. */
  proxies: NetworkConfig['proxies'] = [];
  /** What each node has been given. */
  passkey: Result<string> = ok('0123456789abcdef0123456789abcdef');

  network(place: { readonly clock: Clock; readonly node: string; readonly host: string }, peerPort: () => number): Network {
    const { clock, node } = place;
    const followers = new Map<string, SwarmFollower>();
    const announce = (content: string, event: string): void => {
      const follower = followers.get(content);
      if (follower === undefined || !this.online) return;
      if (event !== 'none') this.events.push(`${node} ${event}`);
      const facts = follower.facts();
      const swarm = this.swarms.get(content) ?? new Map<string, Member>();
      this.swarms.set(content, swarm);
      const seeder = facts.leftBytes === 0;
      swarm.set(node, { peer: { node, host: place.host, port: peerPort(), seeder }, left: facts.leftBytes });
      const others = [...swarm.values()].filter((member) => member.peer.node !== node);
      const seeders = others.filter((member) => member.left === 0).length;
      clock.setTimer(millis(2), () =>
        followers.get(content)?.peers(
          others.map((member) => member.peer),
          { seeders, leechers: others.length - seeders, warming: false },
        ),
      );
      clock.setTimer(seconds(5), () => announce(content, 'none'));
    };
    const state = (): Network['state'] => ({
      online: this.online,
      account: this.signedIn ? this.account : null,
      words: this.online ? 'connected' : 'no proxy answers',
    });
    return {
      node,
      get state() {
        return state();
      },
      request: ((operation: Operation, tail: Uint8Array, done: Done<unknown, RequestFailure>, require = 'any') => {
        const result = this.#answer(operation, tail, node, require);
        clock.setTimer(millis(3), () => done(result));
      }) as Network['request'],
      follow: (content, follower) => {
        followers.set(content, follower);
        announce(content, 'started');
      },
      announceNow: (content, event) => announce(content, event),
      unfollow: (content) => {
        if (!followers.delete(content)) return;
        this.events.push(`${node} stopped`);
        this.swarms.get(content)?.delete(node);
      },
    };
  }

  #answer(operation: Operation, tail: Uint8Array, node: string, require: string): Result<unknown, RequestFailure> {
    const refused = this.refuse(operation);
    if (refused !== null) return { ok: false, error: refused };
    if (!this.online) return fail('indeterminate', 'The network did not answer in time.');
    if (!this.signedIn) return fail('not-logged-in', 'Nobody is signed in.');
    if (this.solo && require === 'replicated' && isWrite(operation.op)) return fail('degraded', 'Only one replica is there.');
    const none = new Uint8Array(0);
    const durability = this.solo ? 'local' : 'replicated';
    const hit = (content: ContentSummary): SearchHit => ({ ...content, owners: [], ownerCount: 0, onlineCount: 0, seeders: 0 });
    switch (operation.op) {
      case 'own': {
        const { content } = operation;
        const known = this.catalog.get(content.id);
        if (known === undefined && tail.length === 0) return fail('torrent-wanted', 'The catalog wants the torrent.');
        const entry = known ?? { content, torrent: tail.slice(), owners: new Set<string>() };
        entry.owners.add(node);
        this.catalog.set(content.id, entry);
        return ok({ value: { id: content.id, first: known === undefined }, tail: none, durability });
      }
      case 'disown':
        if (this.catalog.get(operation.content)?.owners.delete(node) !== true) return fail('not-found', 'It is no owner.');
        return ok({ value: { id: operation.content }, tail: none, durability });
      case 'need': {
        const all = [...this.catalog.values()].map(({ content }) => hit(content));
        const hits = all.filter((one) => one.name.toLowerCase().includes(operation.words.toLowerCase()));
        return ok({
          value: { hits: hits.slice(operation.offset, operation.offset + operation.limit), total: hits.length },
          tail: none,
          durability: 'none',
        });
      }
      case 'content': {
        const [known, another] = [...this.catalog.values()].filter(
          ({ content: { id, v1 } }) => id.startsWith(operation.id) || v1 === operation.id,
        );
        if (another !== undefined) return fail('ambiguous', `${operation.id} begins the ids of several contents.`);
        return known === undefined ? fail('not-found', 'unknown') : ok({ value: hit(known.content), tail: none, durability: 'none' });
      }
      case 'torrent': {
        const known = this.catalog.get(operation.id);
        return known === undefined
          ? fail('not-found', 'unknown')
          : ok({ value: { id: operation.id }, tail: known.torrent, durability: 'none' });
      }
      case 'nodes':
        return ok({ value: { nodes: [], total: 0 }, tail: none, durability: 'none' });
      default:
        return fail('bad-request', `The tracker of the test does not know ${operation.op}`);
    }
  }
}

export interface LibraryNode {
  readonly process: SimulatedProcess;
  readonly incarnation: Incarnation;
  readonly library: Library;
  /** Runs the world until the call is answered. */
  call<K extends LibraryCallName>(name: K, args: ApiCalls[K]['args']): Result<ApiCalls[K]['result']>;
  transfer(id: string): TransferSummary | undefined;
  /** Runs the world until the transfer is in that state. */
  until(id: string, state: TransferSummary['state'], timeoutSeconds?: number): boolean;
  stop(): void;
}

export const LIMITS: NodeConfig['limits'] = {
  uploadRate: 0,
  downloadRate: 0,
  peersMax: 50,
  peersPerTransferMax: 30,
  uploadSlots: 8,
  activeTransfersMax: 4,
  activeSeedsMax: 0,
  pieceBufferBytesMax: 8 * 1024 * 1024,
};

/** Nothing of it is asked for. */
export const EVERYDAY = {
  completedFolder: null,
  seeding: FOREVER,
  schedule: [],
  onComplete: [],
  watch: null,
} satisfies Partial<NodeConfig>;

export const startLibrary = (
  world: World,
  name: string,
  tracker: FakeTracker,
  limits: Partial<NodeConfig['limits']> = {},
  everyday: Partial<LibraryConfig> = {},
): LibraryNode => {
  const process = world.process(name);
  let library: Library | undefined;
  let started: Result<void> | undefined;
  const incarnation = process.start((own) => {
    process.disk.makeFolder('/home');
    library = new Library({
      reactor: own.reactor,
      ports: own.ports,
      network: tracker.network({ clock: own.ports.clock, node: name, host: process.host }, () => library?.peerAddress?.port ?? 0),
      config: {
        network: { name: 'test', proxies: tracker.proxies },
        downloadFolder: '/home/downloads',
        ...EVERYDAY,
        limits: { ...LIMITS, ...limits },
        peer: { listen: { host: '0.0.0.0', port: 6881 }, advertise: [], bind: [], encryption: 'allowed' },
        ...everyday,
      },
      dataFolder: '/home/shoal',
      passkey: (done) => own.ports.clock.setTimer(millis(1), () => done(tracker.passkey)),
      client: 'Shoal test',
    });
    library.start((result) => (started = result));
  });
  world.runUntil(() => started !== undefined, seconds(10));
  if (started?.ok !== true) throw new Error(`The library did not start: ${JSON.stringify(started)}`);
  const own = library as Library;
  const node: LibraryNode = {
    process,
    incarnation,
    library: own,
    call: (call, args) => {
      let answer: Result<never> | undefined;
      incarnation.step(() => own.call(call, args, (result) => (answer = result as Result<never>)));
      world.runUntil(() => answer !== undefined, seconds(120));
      if (answer === undefined) throw new Error(`${call} was not answered`);
      return answer;
    },
    transfer: (id) => {
      let found: TransferSummary | undefined;
      incarnation.step(() =>
        own.call(
          'transfers',
          { id: null },
          (result) => (found = result.ok ? result.value.transfers.find((one) => one.id === id) : undefined),
        ),
      );
      return found;
    },
    until: (id, state, timeoutSeconds = 120) => {
      for (const end = world.now() + seconds(timeoutSeconds); world.now() < end; world.runFor(millis(20)))
        if (node.transfer(id)?.state === state) return true;
      return false;
    },
    stop: () => {
      let over = false;
      incarnation.step(() => own.stop(() => (over = true)));
      world.runUntil(() => over, seconds(60));
      process.kill();
    },
  };
  return node;
};

/** Shares what is at the paths, and answers its id once the catalog knows it. */
export const share = (
  world: World,
  node: LibraryNode,
  paths: readonly string[],
  options: Partial<ApiCalls['share']['args']> = {},
): string => {
  const state = finished(world, node, node.call('share', { paths, name: null, tags: [], v1: false, pieceLength: 32_768, ...options }));
  if (state.state !== 'done') throw new Error(JSON.stringify(state));
  return state.id as string;
};

type JobState = ApiCalls['shareJob']['result'];

/** How a job of `share` or `publish` ends. */
const finished = (world: World, node: LibraryNode, begun: Result<{ readonly job: number }>): JobState => {
  if (!begun.ok) throw new Error(begun.error.message);
  const look = (): JobState => {
    const state = node.call('shareJob', { job: begun.value.job });
    if (!state.ok) throw new Error(state.error.message);
    return state.value;
  };
  let state = look();
  for (; state.state === 'hashing' || state.state === 'registering'; state = look()) world.runFor(millis(20));
  return state;
};

/** Publishes what is there already; answers how that ends. */
export const publish = (world: World, node: LibraryNode, options: Partial<ApiCalls['publish']['args']>): JobState =>
  finished(world, node, node.call('publish', { torrent: null, id: null, data: null, beside: null, tags: [], ...options }));

export const put = (node: LibraryNode, path: string, bytes: Uint8Array): void => {
  node.process.disk.makeFolder(path.slice(0, path.lastIndexOf('/')));
  const written = node.process.disk.writeFile(path, bytes);
  if (!written.ok) throw new Error(written.error.message);
};

export const read = (node: LibraryNode, path: string): Uint8Array | null => {
  const bytes = node.process.disk.readFile(path, 2 ** 30);
  return bytes.ok ? bytes.value : null;
};

export const get = (node: LibraryNode, what: string, options: Partial<ApiCalls['get']['args']> = {}): Result<ApiCalls['get']['result']> =>
  node.call('get', { what, to: null, files: [], sequential: false, ...options });
