/** A small web server in a simulated world, as web seeds are: obedient, or not in many ways. */
import assert from 'node:assert/strict';
import type { SimulatedProcess, World } from '../../simulations/world/index.ts';
import { type HttpRequest, HttpRequestReader } from '../../src/protocol/tracker/http-request.ts';
import { encodeHttpResponse, type HttpAnswer } from '../../src/protocol/tracker/http-response.ts';
import type { Connection, ConnectionHandler } from '../../src/transports/transport.ts';

const PORT = 80;

export interface AskedRange {
  readonly path: string;
  readonly from: number;
  readonly to: number;
  /** Which request of its connection it is, from 1. */
  readonly nth: number;
}

/** What a server does with a request: an answer, bytes as they are, nothing for ever, or the end of the connection. */
export type Reaction = Partial<HttpAnswer> | Uint8Array | 'silence' | 'hang up';

export class WebServer {
  readonly process: SimulatedProcess;
  /** By path, percent-encoded. */
  readonly files = new Map<string, Uint8Array>();
  readonly asked: AskedRange[] = [];
  readonly requests: HttpRequest[] = [];
  connections = 0;
  connectionsNow = 0;
  connectionsMost = 0;
  /** What it does instead of obeying; null: it obeys. */
  quirk: (request: HttpRequest, range: AskedRange, obey: () => Reaction) => Reaction = (_request, _range, obey) => obey();

  /** `bytesPerSecond`: what its line takes. */
  constructor(world: World, name: string, bytesPerSecond?: number) {
    const host = `10.9.0.${name.length}${name.at(-1)}`;
    world.addHost(host, bytesPerSecond === undefined ? {} : { uplinkBytesPerSecond: bytesPerSecond });
    this.process = world.process(name, { host });
    this.process.start(({ ports }) => {
      ports.transport.listen(
        { host: '0.0.0.0', port: PORT },
        {},
        { listening() {}, connection: (connection) => this.#serve(connection), failed: ({ message }) => assert.fail(message) },
      );
    });
  }

  get url(): string {
    return `http://${this.process.host}/`;
  }

  get askedBytes(): number {
    return this.asked.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  #serve(connection: Connection): ConnectionHandler {
    const reader = new HttpRequestReader();
    let nth = 0;
    this.connections++;
    this.connectionsMost = Math.max(this.connectionsMost, ++this.connectionsNow);
    return {
      open() {},
      bytes: (chunk) => {
        reader.push(chunk);
        for (let read = reader.next(); read.kind === 'request'; read = reader.next()) this.#react(connection, read.request, ++nth);
      },
      drain() {},
      end: () => connection.close(),
      closed: () => void this.connectionsNow--,
    };
  }

  #react(connection: Connection, request: HttpRequest, nth: number): void {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/u.exec(request.fields.get('range') ?? '') ?? [];
    assert.ok(first !== undefined && last !== undefined, 'web seeds are asked for ranges');
    const range = { path: request.path, from: Number(first), to: Number(last) + 1, nth };
    this.asked.push(range);
    this.requests.push(request);
    const reaction = this.quirk(request, range, () => this.#obey(range));
    if (reaction === 'silence') return;
    if (reaction === 'hang up') connection.abort();
    else if (reaction instanceof Uint8Array) connection.send(reaction);
    else connection.send(encodeHttpResponse({ ...empty, ...reaction }));
  }

  #obey({ path, from, to }: AskedRange): Reaction {
    const file = this.files.get(path);
    if (file === undefined) return { status: 404 };
    return { status: 206, fields: { 'Content-Range': `bytes ${from}-${to - 1}/${file.length}` }, body: file.slice(from, to) };
  }
}

const empty: HttpAnswer = { status: 200, fields: {}, body: new Uint8Array(0), keepAlive: true, headOnly: false };
