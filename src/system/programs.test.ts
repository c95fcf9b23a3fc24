import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reactor } from '../bus/reactor.ts';
import type { ProgramEnd, ProgramRequest } from '../ports/programs.ts';
import type { Result } from '../protocol/result.ts';
import { monotonicMicros } from './clock.ts';
import { createPrograms } from './programs.ts';

const usual = { variables: {}, timeoutMs: 60_000, outputBytesMax: 1_000 };

const run = (
  request: Pick<ProgramRequest, 'command'> & Partial<ProgramRequest>,
): Promise<{ result: Result<ProgramEnd>; stepped: boolean }> => {
  const reactor = new Reactor(monotonicMicros);
  return new Promise((resolve) => {
    createPrograms(reactor).run({ ...usual, ...request }, (result) => resolve({ result, stepped: reactor.stepping }));
  });
};
const node = (script: string, ...rest: string[]): readonly string[] => [process.execPath, '-e', script, ...rest];
const ended = async (request: Parameters<typeof run>[0]): Promise<ProgramEnd> => {
  const { result, stepped } = await run(request);
  assert.ok(result.ok, JSON.stringify(result));
  assert.ok(stepped, 'it answers inside a step');
  return result.value;
};

test('a program gets its arguments as they are, and the variables', async () => {
  const script = 'console.log(process.argv[1], process.env.SHOAL_NAME); process.exit(3)';
  const end = await ended({ command: node(script, '$(id); "a b" *'), variables: { SHOAL_NAME: "it's `here`" } });
  assert.deepEqual(end, { status: 3, timedOut: false, output: '$(id); "a b" * it\'s `here`\n' });
});

test('of what it writes the beginning is kept, of both streams', async () => {
  const end = await ended({ command: node('process.stderr.write("x".repeat(100_000))'), outputBytesMax: 10 });
  assert.equal(end.output, 'xxxxxxxxxx');
});

test('one that takes too long is ended', async () => {
  const end = await ended({ command: node('console.log("up"); setInterval(() => {}, 1000)'), timeoutMs: 300 });
  assert.equal(end.timedOut, true);
  assert.equal(end.status, null);
});

test('one that is not there is a failure that names it', async () => {
  const { result } = await run({ command: ['/no/such/program'] });
  assert.ok(!result.ok);
  assert.match(result.error.message, /\/no\/such\/program could not be started/u);
});
