/** Faults that last: how each is done to a world, and undone. */
import type { Random } from '../../src/ports/random.ts';
import type { LinkQuality } from '../../src/transports/memory/link.ts';
import type { Cluster } from '../cluster.ts';
import type { Fault, ProcessName } from '../plan/types.ts';
import type { DatabaseFault } from './database.ts';
import type { DiskFault } from './disk.ts';
import type { Effect } from './faults.ts';
import { Overrides } from './overrides.ts';
import type { SimulatedProcess } from './process.ts';

type Condition = Exclude<Fault, { readonly kind: 'kill' | 'power' | 'forget' | 'breakLinks' | 'wallJump' | 'bitRot' }>;
type Of<K extends Fault['kind']> = Extract<Fault, { readonly kind: K }>;

/** What a full ledger still does: whatever does not write. */
const READS: ReadonlySet<string> = new Set([
  'position',
  'read',
  'snapshotRead',
  'reply',
  'account',
  'accounts',
  'session',
  'invite',
  'search',
  'content',
  'contentsFrom',
  'torrent',
  'ownedBy',
  'passkey',
  'passkeys',
  'tallySessions',
  'completions',
  'tallies',
]);

export class Conditions {
  readonly #cluster: Cluster;
  readonly #qualities: Overrides<{ readonly quality: LinkQuality; readonly random: Random }>;
  readonly #slicing: Overrides<{ readonly bytesMax: number; readonly random: Random }>;
  readonly #steps: Overrides<number>;
  readonly #rates: Overrides<number>;
  readonly #disks: Overrides<number>;
  readonly #ledgers: Overrides<number>;
  readonly #capacities: Overrides<number>;
  readonly #diskErrors: Overrides<DiskFault>;
  readonly #ledgerErrors: Overrides<DatabaseFault>;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    const { network } = cluster.world;
    const process = (name: string): SimulatedProcess => cluster.world.process(name);
    this.#qualities = new Overrides((key, wanted) => {
      const [from, to] = hostsOf(key);
      const link = network.link(network.host(from), network.host(to));
      link.setQuality(wanted?.quality ?? network.settings.link, wanted?.random);
    });
    this.#slicing = new Overrides((key, wanted) => {
      const [from, to] = hostsOf(key);
      network.link(network.host(from), network.host(to)).slicing = wanted;
    });
    this.#steps = new Overrides((name, micros) => (process(name).stepMicros = micros ?? 0));
    this.#rates = new Overrides((name, rate) => process(name).setClockRate(rate ?? 1));
    this.#disks = new Overrides((name, factor) => (process(name).diskPace.factor = factor ?? 1));
    this.#ledgers = new Overrides((name, factor) => (process(name).ledgerPace.factor = factor ?? 1));
    this.#capacities = new Overrides((name, bytes) => (process(name).disk.capacityBytes = bytes ?? Number.MAX_SAFE_INTEGER));
    this.#diskErrors = new Overrides((name, fault) => (process(name).diskFault = fault ?? (() => null)));
    this.#ledgerErrors = new Overrides((name, fault) => (process(name).databaseFault = fault ?? (() => null)));
  }

  begin(fault: Condition, random: Random): readonly Effect[] {
    switch (fault.kind) {
      case 'slowLink':
        return this.#slowLink(fault, random);
      case 'cut':
        return this.#cut(fault);
      case 'slice':
        return this.#between(fault, (key) => this.#slicing.set(key, { bytesMax: Math.max(1, fault.bytesMax), random }));
      case 'pause':
        return this.#cluster.running(fault.process) ? at(fault, this.#process(fault).stop()) : [];
      case 'slow':
        return at(fault, this.#steps.set(fault.process, fault.stepMicros));
      case 'clockRate':
        return at(fault, this.#rates.set(fault.process, fault.rate));
      case 'diskFull':
        return at(fault, this.#capacities.set(fault.process, this.#process(fault).disk.usedBytes()));
      case 'diskError':
        return at(fault, this.#diskErrors.set(fault.process, everyNth(fault.nth)));
      case 'diskSlow':
        return at(fault, this.#disks.set(fault.process, fault.factor));
      case 'ledgerFull':
        return at(fault, this.#ledgerErrors.set(fault.process, full));
      case 'ledgerError':
        return at(fault, this.#ledgerErrors.set(fault.process, everyNth(fault.nth)));
      case 'ledgerSlow':
        return at(fault, this.#ledgers.set(fault.process, fault.factor));
    }
  }

  /** Answers how many connections were broken. */
  breakLinks({ process, other, silently }: Of<'breakLinks'>): number {
    const { network } = this.#cluster.world;
    const far = other === null ? undefined : this.#host(other);
    return network.breakConnections(silently ? 'silence' : 'reset', this.#host(process), far);
  }

  jumpWall({ process, byMs }: Of<'wallJump'>): void {
    this.#cluster.world.process(process).clock.wallSkewMs += byMs;
  }

  #slowLink(fault: Of<'slowLink'>, random: Random): readonly Effect[] {
    const { latencyMs, jitterMs } = fault;
    const quality = { latencyMs, jitterMs, lossShare: jitterMs > 0 ? JITTERY_LOSS_SHARE : 0 };
    return this.#between(fault, (key) => this.#qualities.set(key, { quality, random }));
  }

  #between({ from, to }: { readonly from: ProcessName; readonly to: ProcessName }, begin: (key: string) => () => void): readonly Effect[] {
    return from === to ? [] : [{ on: [from, to], undo: begin(keyOf(this.#host(from), this.#host(to))) }];
  }

  /** Each pair is an effect of its own: a part of them may be healed. */
  #cut({ from, to, bothWays }: Of<'cut'>): readonly Effect[] {
    const { network } = this.#cluster.world;
    const pairs = from.flatMap((a) => to.filter((b) => b !== a).map((b) => [a, b] as const));
    const directed = bothWays ? [...pairs, ...pairs.map(([a, b]) => [b, a] as const)] : pairs;
    return directed.map(([a, b]) => ({ on: [a, b], undo: network.block([this.#host(a)], [this.#host(b)]) }));
  }

  #host(name: ProcessName): string {
    return this.#cluster.world.process(name).host;
  }

  #process({ process }: { readonly process: ProcessName }): SimulatedProcess {
    return this.#cluster.world.process(process);
  }
}

/** A link whose latency changes has full queues on its way, and loses datagrams. */
const JITTERY_LOSS_SHARE = 0.1;

const keyOf = (from: string, to: string): string => `${from}>${to}`;
const hostsOf = (key: string): [string, string] => key.split('>') as [string, string];

const at = ({ process }: { readonly process: ProcessName }, undo: () => void): readonly Effect[] => [{ on: [process], undo }];

const full: DatabaseFault = (transaction) => (READS.has(transaction) ? null : 'full');

const everyNth = (nth: number): (() => 'io' | null) => {
  let count = 0;
  return () => (++count % Math.max(1, nth) === 0 ? 'io' : null);
};
