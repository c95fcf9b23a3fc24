/** `npm run bench:swarm`: how fast, in how much memory and how close to the physics a modelled flash crowd runs. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseArgs } from 'node:util';
import { fluidSeconds, storeAndForwardSeconds, type SwarmFacts } from '../simulations/swarm/bounds.ts';
import { Swarm } from '../simulations/swarm/swarm.ts';

const HELP = `npm run bench:swarm -- [options]
  --nodes N     nodes that want the file, besides the one that has it; default 1000
  --pieces M    of 1 MiB each; default 256
  --seeds N     runs; default 3`;

const PIECE_BYTES = 1_048_576;
/** 10 Mbit/s. */
const UPLINK_BYTES_PER_SECOND = 1_250_000;
/** What the model promises (docs/verification.md). */
const RATIO_MAX = 1.15;
const SPEED_MIN = 20;
const KIB_PER_NODE_MAX = 20;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    pieces: { type: 'string', default: '256' },
    seeds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});

const whole = (name: 'nodes' | 'pieces' | 'seeds', most: number): number => {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} must be a whole number from 1 to ${most}, not "${values[name]}"`);
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const held = (): number => {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** One seed; whether it keeps the promises. */
const measure = (facts: SwarmFacts, seed: number): boolean => {
  const before = held();
  const begun = cpuSeconds();
  const swarm = new Swarm({ ...facts, seed });
  const { lastSeconds, meanSeconds, events, traceHash, takenBytes, sentBytes } = swarm.run();
  const cpu = cpuSeconds() - begun;
  const kib = (held() - before) / 1_024 / (facts.leechers + 1);
  const ratio = lastSeconds / storeAndForwardSeconds(facts);
  const possible = ratio >= 1 && lastSeconds >= fluidSeconds(facts) && swarm.sentBytes(0) <= facts.uplinkBytesPerSecond * lastSeconds + 1;
  const speed = lastSeconds / cpu;
  console.log(
    `seed ${seed}: last ${lastSeconds.toFixed(1)} s, mean ${meanSeconds.toFixed(1)} s, ${ratio.toFixed(3)} of the bound` +
      `${possible ? '' : ' (IMPOSSIBLE)'}; ${cpu.toFixed(1)} s of CPU, ${speed.toFixed(0)} times real time, ` +
      `${Math.round(events / cpu).toLocaleString('en')} events/s, ${kib.toFixed(1)} KiB a node, ` +
      `${((sentBytes / takenBytes - 1) * 100).toFixed(2)} % wasted; trace ${traceHash}`,
  );
  return possible && ratio <= RATIO_MAX && speed >= SPEED_MIN && kib <= KIB_PER_NODE_MAX;
};

if (values.help) console.log(HELP);
else {
  const pieces = whole('pieces', 4_096);
  const facts: SwarmFacts = {
    bytes: pieces * PIECE_BYTES,
    pieces,
    leechers: whole('nodes', 20_000),
    uplinkBytesPerSecond: UPLINK_BYTES_PER_SECOND,
  };
  const kept = Array.from({ length: whole('seeds', 1_000) }, (_, n) => measure(facts, n + 1));
  const promises = `at most ${RATIO_MAX} of the bound and never below it, ${SPEED_MIN} times real time, ${KIB_PER_NODE_MAX} KiB a node`;
  console.log(kept.every(Boolean) ? `Every run: ${promises}.` : `NOT every run kept this: ${promises}.`);
  if (!kept.every(Boolean)) process.exitCode = 1;
}
