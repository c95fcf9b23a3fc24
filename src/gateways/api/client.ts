/** Calls a node that runs on this machine as its user. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiCallName, ApiCalls } from '../../protocol/api.ts';
import { fail, type Failure, type Result } from '../../protocol/result.ts';
import { apiFiles, apiFileSchema, routes } from './routes.ts';

// Not imported: that would load all of what `node:http` offers, a client of the web with it (6 MB).
const { Agent, request } = process.getBuiltinModule('node:http');

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

const noNode = (dataFolder: string): { readonly ok: false; readonly error: Failure } =>
  fail('no-node', `No node is running on ${dataFolder}. Start one with: shoal node`);

/** Changes: one whose answer is lost may have been made, and is never said to have failed. */
const CHANGES: ReadonlySet<ApiCallName> = new Set<ApiCallName>([
  'register',
  'login',
  'logout',
  'passwd',
  'invite',
  'account.disable',
  'account.reset',
  'share',
  'publish',
  'unshare',
  'move',
]);

const unanswered = (call: ApiCallName, why: string): { readonly ok: false; readonly error: Failure } =>
  fail('indeterminate', `The node did not answer ${call} (${why}). The change may or may not have been made; look before you repeat it.`);

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class ApiClient {
  readonly #host: string;
  readonly #port: number;
  readonly #token: string;
  readonly #dataFolder: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });

  private constructor(host: string, port: number, token: string, dataFolder: string) {
    this.#host = host;
    this.#port = port;
    this.#token = token;
    this.#dataFolder = dataFolder;
  }

  /** The client of the node whose data is in `dataFolder`; fails with `no-node` where none says that it runs. */
  static open(dataFolder: string): Result<ApiClient> {
    try {
      const { host, port } = apiFileSchema.parse(JSON.parse(readFileSync(join(dataFolder, apiFiles.address), 'utf8')));
      const token = readFileSync(join(dataFolder, apiFiles.token), 'utf8').trim();
      return { ok: true, value: new ApiClient(host, port, token, dataFolder) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'EACCES' ? fail('denied', `The node on ${dataFolder} belongs to another user.`) : noNode(dataFolder);
    }
  }

  /** `no-node` where the node is gone; otherwise what it answers. Without `timeoutMs`, as long as the node takes. */
  async call<K extends ApiCallName>(call: K, args: ApiCalls[K]['args'], timeoutMs = 0): Promise<Result<ApiCalls[K]['result']>> {
    try {
      const { status, body } = await this.#send(call, args, timeoutMs);
      if (status === 200) {
        const value = routes[call].result.safeParse((body as { value?: unknown }).value);
        return value.success
          ? { ok: true, value: value.data }
          : fail('internal', `The node answered ${call} in a way that this version does not understand.`);
      }
      const { error } = body as { error?: Failure };
      if (error?.code === 'token-wrong') return noNode(this.#dataFolder);
      return error === undefined ? fail('internal', `The node answered ${call} with status ${status}.`) : fail(error.code, error.message);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ECONNREFUSED') return noNode(this.#dataFolder);
      if (CHANGES.has(call)) return unanswered(call, code === 'ECONNRESET' ? 'it ended, or closed the connection' : message);
      if (code === 'ECONNRESET') return noNode(this.#dataFolder);
      return fail(code === 'ETIMEDOUT' ? 'timeout' : 'internal', `The node did not answer ${call}: ${message}`);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(call: ApiCallName, args: object, timeoutMs: number): Promise<Answer> {
    const { method, path } = routes[call];
    const body = method === 'GET' ? null : Buffer.from(JSON.stringify(args));
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${this.#token}`,
        ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
      };
      const outgoing = request(
        { host: this.#host, port: this.#port, method, path, headers, agent: this.#agent, timeout: timeoutMs },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > ANSWER_BYTES_MAX) outgoing.destroy(new Error('the answer is too long'));
            chunks.push(chunk);
          });
          response.on('error', reject);
          response.on('end', () => {
            try {
              resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown });
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          });
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(Object.assign(new Error('it took too long'), { code: 'ETIMEDOUT' })));
      outgoing.on('error', reject);
      outgoing.end(body ?? undefined);
    });
  }
}
