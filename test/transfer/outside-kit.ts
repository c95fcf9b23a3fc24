/** A BitTorrent tracker of elsewhere in a simulated world: keeps swarms, answers over HTTP. */
import assert from 'node:assert/strict';
import type { SimulatedProcess, World } from '../../simulations/world/index.ts';
import { toHex } from '../../src/protocol/digest.ts';
import { type AnnounceRequest, readAnnounceQuery } from '../../src/protocol/tracker/announce-query.ts';
import { encodeAnnounceReply, encodeRefusal } from '../../src/protocol/tracker/announce-reply.ts';
import { HttpRequestReader } from '../../src/protocol/tracker/http-request.ts';
import { encodeHttpResponse } from '../../src/protocol/tracker/http-response.ts';
import type { Address, Connection, ConnectionHandler } from '../../src/transports/transport.ts';

const PORT = 6969;

export interface HeardAnnounce {
  readonly from: string;
  readonly hash: string;
  readonly event: AnnounceRequest['event'];
  readonly path: string;
}

export class OutsideTracker {
  readonly heard: HeardAnnounce[] = [];
  /** What it refuses everybody with; null: nobody. */
  refusal: string | null = null;
  readonly process: SimulatedProcess;
  /** By info-hash, then by peer id. */
  readonly #swarms = new Map<string, Map<string, { readonly address: Address; readonly left: number }>>();

  constructor(world: World, name: string) {
    this.process = world.process(name);
    this.process.start(({ ports }) => {
      ports.transport.listen(
        { host: '0.0.0.0', port: PORT },
        {},
        { listening() {}, connection: (connection) => this.#serve(connection), failed: ({ message }) => assert.fail(message) },
      );
    });
  }

  /** With a passkey, as those of private trackers have one. */
  get url(): string {
    return `http://${this.process.host}:${PORT}/0123456789abcdef0123456789abcdef/announce`;
  }

  /** Events of a host, in order, those that only ask for peers left out. */
  events(host: string): string[] {
    return this.heard.filter(({ event, from }) => from === host && event !== 'none').map(({ event }) => event);
  }

  #serve(connection: Connection): ConnectionHandler {
    const reader = new HttpRequestReader();
    return {
      open() {},
      bytes: (chunk) => {
        reader.push(chunk);
        const read = reader.next();
        if (read.kind !== 'request') return;
        const announce = readAnnounceQuery(read.request.query);
        assert.ok(announce.ok);
        const body = this.#answer(connection.remote, read.request.path, announce.value);
        connection.send(encodeHttpResponse({ status: 200, fields: {}, body, keepAlive: false, headOnly: false }));
        connection.close();
      },
      drain() {},
      end: () => connection.close(),
      closed() {},
    };
  }

  #answer(remote: Address, path: string, request: AnnounceRequest): Uint8Array {
    const hash = toHex(request.infoHash);
    this.heard.push({ from: remote.host, hash, event: request.event, path });
    if (this.refusal !== null) return encodeRefusal({ reason: this.refusal, retryInSeconds: null });
    const swarm = this.#swarms.get(hash) ?? new Map<string, { readonly address: Address; readonly left: number }>();
    this.#swarms.set(hash, swarm);
    const id = toHex(request.peerId);
    if (request.event === 'stopped') swarm.delete(id);
    else swarm.set(id, { address: { host: remote.host, port: request.port }, left: Number(request.leftBytes ?? 1) });
    const members = [...swarm];
    const seeders = members.filter(([, { left }]) => left === 0).length;
    return encodeAnnounceReply(
      {
        kind: 'reply',
        intervalSeconds: 60,
        minIntervalSeconds: 5,
        seeders,
        leechers: members.length - seeders,
        peers: members.flatMap(([member, { address }]) => (member === id ? [] : [{ ...address, peerId: null }])),
        warning: null,
        trackerId: null,
        externalIp: null,
      },
      { compact: request.compact, noPeerId: request.noPeerId },
    );
  }
}
