/** The gate's door for UDP (BEP 15): a connection id proves the address, the passkey comes with the path of the URL (BEP 41). */
import { connectionIdFor, isConnectionId } from '../../domain/routing/connection-id.ts';
import type { Clock } from '../../ports/clock.ts';
import { bytesOfIp, ipOfBytes } from '../../protocol/bittorrent/compact-peers.ts';
import { toHex } from '../../protocol/digest.ts';
import {
  decodeUdpRequest,
  encodeUdpReply,
  type IpFamily,
  type UdpReply,
  type UdpRequest,
  udpPeersMax,
} from '../../protocol/tracker/udp.ts';
import type { Datagrams, DatagramSocket } from '../../transports/datagram.ts';
import type { Address } from '../../transports/transport.ts';
import type { Caller, Gate } from './gate.ts';
import type { DoorHandler } from './http-door.ts';

export interface UdpDoorDeps {
  readonly clock: Clock;
  readonly datagrams: Datagrams;
  readonly gate: Pick<Gate, 'announce' | 'scrape'>;
  readonly open: boolean;
  /** See `connectionSecret`. */
  readonly secret: Uint8Array;
}

type Announce = Extract<UdpRequest, { kind: 'announce' }>;
type Scrape = Extract<UdpRequest, { kind: 'scrape' }>;

/** Clients that have announced with a passkey: a scrape has no room for one (BEP 15). */
const KNOWN_MAX = 20_000;
const PATH = /^\/(?:(?<passkey>[^/?]{1,256})\/)?announce(?:\?|$)/u;
const NO_KEY =
  'This tracker is for members, and your client sent no passkey: over UDP it must send the path of the announce URL (BEP 41). Use the http:// announce URL instead';

export class UdpDoor {
  readonly #deps: UdpDoorDeps;
  readonly #known = new Map<string, string>();
  readonly #sockets: DatagramSocket[] = [];

  constructor(deps: UdpDoorDeps) {
    this.#deps = deps;
  }

  /** The address of all of IPv6 (`::`) stands for all of IPv4 too, as it does for HTTP. */
  open(address: Address, handler: DoorHandler): void {
    const hosts = address.host === '::' ? ['::', '0.0.0.0'] : [address.host === 'localhost' ? '127.0.0.1' : address.host];
    let left = hosts.length;
    for (const host of hosts) {
      const socket: DatagramSocket = this.#deps.datagrams.bind(
        { host, port: address.port },
        {
          bound: () => {
            left -= 1;
            if (left === 0) handler.open(address);
          },
          message: (from, bytes) => this.#message(socket, from, bytes),
          failed: (error) => handler.failed(error),
        },
      );
      this.#sockets.push(socket);
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
    this.#sockets.length = 0;
  }

  #message(socket: DatagramSocket, from: Address, bytes: Uint8Array): void {
    const decoded = decodeUdpRequest(bytes);
    // Not even an error is sent where nobody has shown that he is there.
    if (!decoded.ok) return;
    const request = decoded.value;
    const host = ipOfBytes(bytesOfIp(from.host) ?? new Uint8Array(0)) ?? from.host;
    const family: IpFamily = host.includes(':') ? 'v6' : 'v4';
    const { transactionId } = request;
    const reply = (answer: UdpReply): void => void socket.send({ host: from.host, port: from.port }, encodeUdpReply(answer, family));
    const wallMs = this.#deps.clock.wallNow();
    if (request.kind === 'connect')
      return reply({ kind: 'connect', transactionId, connectionId: connectionIdFor(this.#deps.secret, host, wallMs) });
    if (!isConnectionId(this.#deps.secret, host, wallMs, request.connectionId))
      return reply({ kind: 'error', transactionId, message: 'Connect again' });
    const client = `${host} ${from.port}`;
    if (request.kind === 'announce') this.#announce(request, { host, family, passkey: null }, client, reply);
    else this.#scrape(request, { host, family, passkey: this.#known.get(client) ?? null }, reply);
  }

  #announce(request: Announce, caller: Caller, client: string, reply: (answer: UdpReply) => void): void {
    const { transactionId, announce, urlData } = request;
    const path = PATH.exec(urlData)?.groups;
    const passkey = path?.['passkey'] ?? null;
    if (passkey === null && !this.#deps.open) return reply({ kind: 'error', transactionId, message: NO_KEY });
    const numwant = announce.numwant === null ? null : Math.min(announce.numwant, udpPeersMax(caller.family === 'v6' ? 'v6' : 'v4'));
    this.#deps.gate.announce({ ...announce, numwant }, { ...caller, passkey }, (answer) => {
      if (answer.kind === 'refusal') return reply({ kind: 'error', transactionId, message: answer.reason });
      if (passkey !== null) this.#remember(client, passkey);
      const { intervalSeconds, seeders, leechers, peers } = answer;
      reply({
        kind: 'announce',
        transactionId,
        intervalSeconds: intervalSeconds ?? 0,
        seeders: seeders ?? 0,
        leechers: leechers ?? 0,
        peers,
      });
    });
  }

  #scrape({ transactionId, infoHashes }: Scrape, caller: Caller, reply: (answer: UdpReply) => void): void {
    if (caller.passkey === null && !this.#deps.open) return reply({ kind: 'error', transactionId, message: NO_KEY });
    this.#deps.gate.scrape(infoHashes, caller, (answer) => {
      if (answer.kind === 'refusal') return reply({ kind: 'error', transactionId, message: answer.reason });
      const byHash = new Map(answer.swarms.map((swarm) => [toHex(swarm.infoHash), swarm]));
      // In the order of the question; what the catalog does not have is empty.
      const swarms = infoHashes.map((hash) => byHash.get(toHex(hash)) ?? { seeders: 0, leechers: 0, completed: 0 });
      reply({ kind: 'scrape', transactionId, swarms });
    });
  }

  #remember(client: string, passkey: string): void {
    this.#known.delete(client);
    this.#known.set(client, passkey);
    const oldest = this.#known.keys().next();
    if (this.#known.size > KNOWN_MAX && oldest.done !== true) this.#known.delete(oldest.value);
  }
}
