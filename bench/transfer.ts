/** How fast a file goes to one node from one other, and from four: real processes on loopback, no limits of rate. */
import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalNetwork, until } from '../src/cli/up/network.ts';
import { startNetwork } from './network.ts';
import { cpuSecondsOf, peakMemoryOf, summary, table } from './processes.ts';

const MIB = 1024 * 1024;
const SEEDERS = ['seeder1', 'seeder2', 'seeder3', 'seeder4'] as const;
const LEECHER = 'leecher';
type NodeName = (typeof SEEDERS)[number] | typeof LEECHER;
const POLL_MS = 25;
const PATIENCE_MS = 300_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface TransferPlan {
  /** For everything; emptied afterwards by the caller. */
  readonly folder: string;
  readonly mib: number;
  readonly runs: number;
  /** Numbers of seeders to measure, in turn. */
  readonly seeders: readonly number[];
  readonly say: (line: string) => void;
}

interface Measured {
  readonly seconds: number;
  readonly seederCpu: number;
  readonly leecherCpu: number;
  readonly leecherPeakMib: number;
}

const writeFile = (path: string, mib: number, fill: (chunk: Buffer) => void): void => {
  const file = openSync(path, 'w');
  const chunk = Buffer.alloc(MIB);
  for (let written = 0; written < mib; written++) {
    fill(chunk);
    writeSync(file, chunk);
  }
  closeSync(file);
};

/** Takes as much memory as the copy will need and lets go of it: a virtual machine pays dearly for memory that is cold. */
const warmMemory = (folder: string, mib: number): void => {
  const path = join(folder, 'warm');
  writeFile(path, mib, () => {});
  rmSync(path);
};

class TransferBench {
  readonly #plan: TransferPlan;
  readonly #network: LocalNetwork<NodeName>;

  constructor(plan: TransferPlan, network: LocalNetwork<NodeName>) {
    this.#plan = plan;
    this.#network = network;
  }

  /** Shares a new file at so many nodes; its id. */
  async share(count: number): Promise<string> {
    const path = join(this.#plan.folder, `random-${count}.bin`);
    writeFile(path, this.#plan.mib, (chunk) => randomFillSync(chunk));
    let id = '';
    for (const node of SEEDERS.slice(0, count)) id = await this.#shareAt(node, path);
    return id;
  }

  async run(id: string, count: number): Promise<Measured> {
    const { folder, mib } = this.#plan;
    const network = this.#network;
    warmMemory(folder, mib);
    const seederPids = SEEDERS.slice(0, count).map((node) => network.child(node).pid);
    const leecher = network.child(LEECHER).pid;
    const cpu = (): { seeders: number; leecher: number } => ({
      seeders: seederPids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
      leecher: cpuSecondsOf(leecher),
    });
    const before = cpu();
    const beganAt = performance.now();
    await network.ask(LEECHER, 'get', { what: id, to: null, files: [], sequential: false });
    await this.#complete(id);
    const seconds = (performance.now() - beganAt) / 1000;
    const after = cpu();
    const leecherPeakMib = peakMemoryOf(leecher);
    await network.ask(LEECHER, 'remove', { id, data: true });
    return { seconds, seederCpu: after.seeders - before.seeders, leecherCpu: after.leecher - before.leecher, leecherPeakMib };
  }

  async #shareAt(node: NodeName, path: string): Promise<string> {
    const { job } = await this.#network.ask(node, 'share', { paths: [path], name: null, tags: [], v1: false, pieceLength: null });
    return until(
      `Sharing at ${node}`,
      async () => {
        const { state, id, message } = await this.#network.ask(node, 'shareJob', { job });
        if (state === 'failed') throw new Error(`${node} cannot share: ${message}`);
        return state === 'done' ? id : null;
      },
      PATIENCE_MS,
    );
  }

  async #complete(id: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const transfer = await this.#network.transfer(LEECHER, id);
      if (transfer?.state === 'seeding') return;
      if (transfer?.state === 'failed' || transfer?.state === 'paused') throw new Error(`The download stopped: ${transfer.reason}`);
      if (performance.now() > deadline) throw new Error(`The download took longer than ${PATIENCE_MS / 1000} s`);
      await pause(POLL_MS);
    }
  }
}

const report = (mib: number, rows: ReadonlyMap<number, readonly Measured[]>): string => {
  const megabytes = (mib * MIB) / 1e6;
  const perGib = (cpu: number): number => (cpu * 1024) / mib;
  const lines = [...rows].map(([count, runs]) => [
    `from ${count} ${count === 1 ? 'node' : 'nodes'}`,
    summary(
      runs.map(({ seconds }) => megabytes / seconds),
      0,
    ),
    summary(
      runs.map(({ seederCpu, leecherCpu }) => perGib(seederCpu + leecherCpu)),
      2,
    ),
    summary(
      runs.map(({ seederCpu }) => perGib(seederCpu)),
      2,
    ),
    summary(
      runs.map(({ leecherCpu }) => perGib(leecherCpu)),
      2,
    ),
    Math.max(...runs.map(({ leecherPeakMib }) => leecherPeakMib)).toFixed(0),
  ]);
  return table([[`${mib} MiB to one node`, 'MB/s', 'CPU s/GiB', 'seeders', 'leecher', 'leecher peak MiB'], ...lines]);
};

/** Measures, run after run in turn, after one of each that does not count. Returns a table. */
export const benchTransfer = async (plan: TransferPlan, main: string): Promise<string> => {
  const network = await startNetwork<NodeName>(join(plan.folder, 'network'), main, [LEECHER, ...SEEDERS]);
  try {
    const bench = new TransferBench(plan, network);
    const ids = new Map<number, string>();
    for (const count of plan.seeders) ids.set(count, await bench.share(count));
    const rows = new Map(plan.seeders.map((count): [number, Measured[]] => [count, []]));
    for (let run = 0; run <= plan.runs; run++) {
      for (const [count, id] of ids) {
        const measured = await bench.run(id, count);
        plan.say(`  run ${run}${run === 0 ? ' (warm-up)' : ''}, from ${count}: ${measured.seconds.toFixed(2)} s`);
        if (run > 0) rows.get(count)?.push(measured);
      }
    }
    return report(plan.mib, rows);
  } finally {
    await network.stop();
  }
};
