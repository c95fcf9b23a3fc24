import type { GateConfig } from '../../config/types.ts';
import { type Done, ok } from '../../protocol/result.ts';
import { type Address, formatAddress, type TransportFailure } from '../../transports/transport.ts';
import { HttpDoor, type HttpDoorDeps } from './http-door.ts';
import { UdpDoor, type UdpDoorDeps } from './udp-door.ts';

/** The gate's doors, on one port number: HTTP over TCP, and UDP. */
export class Doors {
  readonly #config: Pick<GateConfig, 'listen' | 'http' | 'udp'>;
  readonly #http: HttpDoor;
  readonly #udp: UdpDoor;
  #address: string | null = null;

  constructor(config: Pick<GateConfig, 'listen' | 'http' | 'udp'>, deps: HttpDoorDeps & UdpDoorDeps) {
    this.#config = config;
    this.#http = new HttpDoor(deps);
    this.#udp = new UdpDoor(deps);
  }

  /** Where they are; null while they are not open. */
  get address(): string | null {
    return this.#address;
  }

  status(): object {
    const { http, udp } = this.#config;
    return { address: this.#address, http, udp, connections: this.#http.connections };
  }

  /** Opens those that the configuration names. The port that HTTP gets is that of UDP too. */
  open(done: Done<void, TransportFailure>): void {
    const { listen, http, udp } = this.#config;
    if (listen === null) return done(ok(undefined));
    let answered = false;
    const answer: typeof done = (result) => {
      if (answered) return;
      answered = true;
      done(result);
    };
    const failed = (error: TransportFailure): void => {
      this.close();
      answer({ ok: false, error });
    };
    const opened = (address: Address): void => {
      this.#address = formatAddress({ host: listen.host, port: address.port });
      answer(ok(undefined));
    };
    const openUdp = (address: Address): void => {
      if (udp) this.#udp.open({ host: listen.host, port: address.port }, { open: opened, failed });
      else opened(address);
    };
    if (http) this.#http.open(listen, { open: openUdp, failed });
    else openUdp(listen);
  }

  close(): void {
    this.#http.close();
    this.#udp.close();
    this.#address = null;
  }
}
