/** Runs on the hub and makes requests from there for the test, whose own network knows nothing of these machines. */
import { request } from 'node:http';
import { createInterface } from 'node:readline';

interface Order {
  readonly id: number;
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

const REQUEST_MAX_MS = 15_000;

const answer = (id: number, result: object): void => {
  process.stdout.write(`${JSON.stringify({ id, ...result })}\n`);
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, url, method, headers, body } = JSON.parse(line) as Order;
  const asked = request(url, { method, headers, timeout: REQUEST_MAX_MS, agent: false }, (reply) => {
    const parts: Buffer[] = [];
    reply.on('data', (part: Buffer) => parts.push(part));
    reply.on('end', () =>
      answer(id, { ok: { status: reply.statusCode, headers: reply.headers, body: Buffer.concat(parts).toString('base64') } }),
    );
  });
  asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
  asked.on('error', (error) => answer(id, { error: error.message === '' ? String(error) : error.message }));
  asked.end(body === null ? undefined : Buffer.from(body, 'base64'));
});
