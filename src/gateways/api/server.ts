/** The HTTP API of a node, for its own user: on loopback, behind a token that only that user can read. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Reactor } from '../../bus/reactor.ts';
import type { ApiCallName, ApiCalls } from '../../protocol/api.ts';
import { type Done, fail, type Failure, type Result } from '../../protocol/result.ts';
import { describeIssue } from '../../protocol/issue.ts';
import { apiFiles, routeOf, routes } from './routes.ts';

export interface ApiOptions {
  /** Loopback; port 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Where `api.json` and `api-token` are written. */
  readonly dataFolder: string;
  readonly version: string;
  readonly reactor: Pick<Reactor, 'step'>;
  /** Called inside a step; answers once, inside a step. */
  handle<K extends ApiCallName>(call: K, args: ApiCalls[K]['args'], done: Done<ApiCalls[K]['result']>): void;
}

export interface ApiServer {
  readonly address: { readonly host: string; readonly port: number };
  /** Ends what is under way and removes `api.json`. */
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;
const CONNECTIONS_MAX = 64;
const RECEIVE_TIMEOUT_MS = 30_000;

/** What a failure is in HTTP; 400 for all others. */
const statusOf: Readonly<Record<string, number>> = {
  'not-logged-in': 401,
  'session-expired': 401,
  'wrong-password': 403,
  'password-changed': 409,
  forbidden: 403,
  disabled: 403,
  'not-found': 404,
  'name-taken': 409,
  ambiguous: 409,
  'too-large': 413,
  busy: 503,
  offline: 503,
  unavailable: 503,
  degraded: 503,
  'not-primary': 503,
  indeterminate: 504,
  'disk-full': 507,
  internal: 500,
};

const digest = (value: string): Buffer => createHash('sha256').update(value).digest();

/** Equal in constant time: the digests are compared, which have one length. */
const sameSecret = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

/** A page of the web that resolves its own name to 127.0.0.1 still says that name here. */
const isLocalHost = (host: string | undefined): boolean => /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/u.test(host ?? '');

const reply = (response: ServerResponse, status: number, body: object): void => {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.length,
    'cache-control': 'no-store',
  });
  response.end(bytes);
};

const refuse = (response: ServerResponse, status: number, error: Failure): void => reply(response, status, { error });

const readBody = async (request: IncomingMessage, bytesMax: number): Promise<Result<unknown>> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bytesMax) return fail('too-large', `The body is longer than ${bytesMax} bytes.`);
    chunks.push(chunk);
  }
  if (size === 0) return { ok: true, value: {} };
  try {
    return { ok: true, value: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown };
  } catch {
    return fail('bad-request', 'The body is not valid JSON.');
  }
};

const admits = (request: IncomingMessage, response: ServerResponse, token: string): boolean => {
  if (!isLocalHost(request.headers.host)) {
    refuse(response, 403, { code: 'forbidden', message: 'This API answers to 127.0.0.1 and localhost only.' });
    return false;
  }
  const given = /^Bearer (.+)$/u.exec(request.headers.authorization ?? '')?.[1];
  if (given !== undefined && sameSecret(given, token)) return true;
  refuse(response, 401, { code: 'token-wrong', message: `Send the token of the file ${apiFiles.token} as "Authorization: Bearer".` });
  return false;
};

const dispatch = async (
  options: ApiOptions,
  token: string,
  serial: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  if (!admits(request, response, token)) return;
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const call = routeOf(request.method ?? '', path);
  if (call === null) return refuse(response, 404, { code: 'no-route', message: `There is no ${request.method} ${path}.` });
  const body = await readBody(request, routes[call].bodyBytesMax ?? BODY_BYTES_MAX);
  if (!body.ok) return refuse(response, statusOf[body.error.code] ?? 400, body.error);
  const args = routes[call].args.safeParse(body.value);
  if (!args.success) {
    const [issue] = args.error.issues;
    const what = issue === undefined ? 'is not as it should be' : describeIssue(issue);
    return refuse(response, 400, { code: 'bad-request', message: `${issue?.path.join('.') || 'The body'} ${what}.` });
  }
  const done: Done<object> = (result) => {
    if (result.ok) reply(response, 200, { value: result.value });
    else refuse(response, statusOf[result.error.code] ?? 400, { code: result.error.code, message: result.error.message });
  };
  options.reactor.step({ port: 'gateway', id: serial, kind: call }, () => options.handle(call, args.data as never, done as never));
};

const writeSecret = (path: string, content: string): void => {
  writeFileSync(path, content, { mode: 0o600 });
  // The mode above holds for a new file only.
  chmodSync(path, 0o600);
};

const announce = (options: ApiOptions, server: Server, token: string): ApiServer => {
  const { port } = server.address() as AddressInfo;
  const address = { host: options.listen.host, port };
  const addressFile = join(options.dataFolder, apiFiles.address);
  writeSecret(join(options.dataFolder, apiFiles.token), `${token}\n`);
  writeSecret(addressFile, `${JSON.stringify({ ...address, pid: process.pid, version: options.version })}\n`);
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        rmSync(addressFile, { force: true });
        server.close(() => resolve());
        server.closeIdleConnections();
        // What is under way has answered by now or never will: its actors are gone.
        setTimeout(() => server.closeAllConnections(), 200).unref();
      }),
  };
};

/** Opens the API. A fault in a step (a programmer's mistake) surfaces as an uncaught exception: it ends the process. */
export const openApi = (options: ApiOptions): Promise<Result<ApiServer, Failure<'in-use' | 'denied' | 'io'>>> => {
  const token = randomBytes(32).toString('base64url');
  let serial = 0;
  // Not imported: that would load all of what `node:http` offers, a client of the web with it (6 MB).
  const server = process
    .getBuiltinModule('node:http')
    .createServer(
      { requestTimeout: RECEIVE_TIMEOUT_MS, headersTimeout: RECEIVE_TIMEOUT_MS, keepAliveTimeout: 60_000 },
      (request, response) => {
        dispatch(options, token, ++serial, request, response).catch((error: unknown) => {
          refuse(response, 500, { code: 'internal', message: 'The node has failed; its log says why.' });
          // A request cut off by its client is nobody's fault.
          if (!request.destroyed || request.complete) queueMicrotask(() => fault(error));
        });
      },
    );
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'in-use' : error.code === 'EACCES' ? 'denied' : 'io';
      const where = `${options.listen.host}:${options.listen.port}`;
      resolve(
        fail(
          code,
          code === 'in-use'
            ? `The API cannot listen on ${where}: the port is in use.`
            : `The API cannot listen on ${where}: ${error.message}`,
        ),
      );
    });
    server.listen({ ...options.listen, exclusive: true }, () => {
      try {
        resolve({ ok: true, value: announce(options, server, token) });
      } catch (error) {
        server.close();
        resolve(fail('io', `The API cannot be announced in ${options.dataFolder}: ${(error as Error).message}`));
      }
    });
  });
};

const fault = (error: unknown): never => {
  throw error;
};
