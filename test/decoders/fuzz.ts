/** `npm run fuzz:decoders`: inputs without end on every decoder of bytes from outside. */
import { parseArgs } from 'node:util';
import { bytesInUse, decoders, type Failed, fuzzDecoder, type Tally, tryInput, weigh } from './campaign.ts';
import { drawFrom } from './mutate.ts';

const HELP = `npm run fuzz:decoders -- [options]
  --cases N     inputs in all, shared among the decoders; default 1,000,000
  --seed S      the same seed, the same inputs; default random
  --only NAME   one decoder
  --replay HEX  one input, on the decoder that --only names`;
const USAGE_STATUS = 64;
const ROUNDS = 20;
const WEIGHED_PER_DECODER = 400;
/** What may stay in use after the second round, whose code and caches are there: nothing that grows with the cases. */
const GROWTH_BYTES_MAX = 6 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    only: { type: 'string' },
    replay: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const cases = Number(values.cases);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const chosen = decoders.filter(({ name }) => values.only === undefined || name === values.only);
if (values.help || !Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed) || chosen.length === 0) {
  console.log(chosen.length === 0 ? `There are: ${decoders.map(({ name }) => name).join(', ')}` : HELP);
  process.exit(values.help ? 0 : USAGE_STATUS);
}

const report = ({ decoder, input, message }: Failed): never => {
  console.error(`${decoder} broke a promise: ${message}\n\nnpm run fuzz:decoders -- --only '${decoder}' --replay ${input}`);
  process.exit(1);
};

const replay = (digits: string): void => {
  for (const decoder of chosen) {
    const wrong = tryInput(decoder, Buffer.from(digits, 'hex'), drawFrom(seed));
    if (wrong !== null) report(wrong);
    console.log(`${decoder.name}: nothing is wrong.`);
  }
};

const weights = chosen.reduce((sum, { weight = 1 }) => sum + weight, 0);

const run = (): void => {
  console.log(`${cases.toLocaleString('en')} inputs on ${chosen.length} decoders, seed ${seed}`);
  const sums = new Map<string, Tally>();
  let base = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [place, decoder] of chosen.entries()) {
      const share = Math.ceil((cases * (decoder.weight ?? 1)) / weights / ROUNDS);
      const told = fuzzDecoder(decoder, share, seed + round * 7_919 + place * 104_729);
      if ('message' in told) report(told);
      else {
        const sum = sums.get(decoder.name);
        const { cases: n, taken, bytes } = told;
        sums.set(decoder.name, {
          ...told,
          cases: n + (sum?.cases ?? 0),
          taken: taken + (sum?.taken ?? 0),
          bytes: bytes + (sum?.bytes ?? 0),
        });
      }
    }
    if (round === 1) base = bytesInUse();
  }
  const grown = bytesInUse() - base;
  for (const { decoder, cases: n, taken, bytes } of sums.values())
    console.log(
      `  ${decoder.padEnd(26)} ${n.toLocaleString('en').padStart(9)} inputs  ${(bytes / 1e6).toFixed(1).padStart(7)} MB  ${taken.toLocaleString('en').padStart(8)} taken`,
    );

  const costly = chosen.flatMap((decoder, place) => weigh(decoder, WEIGHED_PER_DECODER, seed + place));
  for (const { decoder, bytes, work, input } of costly)
    console.error(`${decoder}: ${work} blocks of code for ${bytes} bytes: ${input.slice(0, 400)}`);
  const all = [...sums.values()].reduce((sum, tally) => sum + tally.cases, 0);
  console.log(
    `${all.toLocaleString('en')} inputs: none threw or broke a promise; ${(chosen.length * WEIGHED_PER_DECODER).toLocaleString('en')} more were weighed, ${costly.length} cost too much; memory grew by ${(grown / 1024).toFixed(0)} KiB.`,
  );
  if (costly.length > 0 || grown > GROWTH_BYTES_MAX) process.exitCode = 1;
};

if (values.replay === undefined) run();
else replay(values.replay);
