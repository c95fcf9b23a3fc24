/** `npm run fuzz`: random clusters, faults and operations on all cores, until something breaks or time is up. */
import { randomInt } from 'node:crypto';
import { failureLines, Fuzzer } from './fuzzer.ts';
import { parseOptions, USAGE } from './options.ts';

const LINE_EVERY_MS = 1_000;
/** Where nobody watches, a line now and then. */
const LINE_EVERY_UNWATCHED_MS = 15_000;
const RANDOM_SEED_END = 1_000_000_000;
const USAGE_STATUS = 64;

const options = parseOptions(process.argv.slice(2));
if (!options.ok) {
  console.error(options.error.message);
  console.error(USAGE);
  process.exit(USAGE_STATUS);
}
if (options.value === 'help') {
  console.log(USAGE);
  process.exit(0);
}

const watched = process.stdout.isTTY;
const clearLine = watched ? '\r\u001B[2K' : '';
const say = (line: string): void => void process.stdout.write(`${clearLine}${line}\n`);

const fuzzer = new Fuzzer(options.value, options.value.seed ?? randomInt(RANDOM_SEED_END), {
  failed: (seed, failure, file, first) => {
    for (const line of failureLines(seed, failure, first ? file : null)) say(line);
  },
  shrunk: (_seed, file, items) => say(`  made small: ${items} faults and operations in ${file}`),
});
const { cores, out } = options.value;
say(`Fuzzing from seed ${fuzzer.firstSeed} on ${cores} ${cores === 1 ? 'core' : 'cores'}; Ctrl+C ends it with a report.`);

const ticker = setInterval(
  () => void process.stdout.write(watched ? `${clearLine}${fuzzer.batch.line}` : `${fuzzer.batch.line}\n`),
  watched ? LINE_EVERY_MS : LINE_EVERY_UNWATCHED_MS,
);
let interrupts = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    interrupts++;
    if (interrupts === 1) fuzzer.stop();
    else fuzzer.abandon();
  });

await fuzzer.run();
clearInterval(ticker);
const { batch } = fuzzer;
say(batch.line);
for (const [kind, count] of batch.kinds) say(`${count} x ${kind}`);
say(`Report: ${out}/report.html`);
if (fuzzer.unable !== null) say(fuzzer.unable);
process.exitCode = batch.failures > 0 || fuzzer.unable !== null ? 1 : 0;
