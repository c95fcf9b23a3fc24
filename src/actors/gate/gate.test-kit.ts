/** For tests: a gate with its doors in a memory network, a replica that answers as told, and clients without a program. */
import { Reactor } from '../../bus/reactor.ts';
import { proxySchema } from '../../config/schema.ts';
import type { GateConfig } from '../../config/types.ts';
import { passkeyHash } from '../../domain/accounts/passkeys.ts';
import type { Clock } from '../../ports/clock.ts';
import { createRandom } from '../../ports/counter-random.ts';
import type { Due } from '../../ports/due-heap.ts';
import type { Log } from '../../ports/log.ts';
import type {
  GuestAnnouncedFrame,
  GuestAnnounceFrame,
  GuestAnswer,
  GuestScrapedFrame,
  GuestScrapeFrame,
} from '../../protocol/control/messages.ts';
import type { Connection, Transport } from '../../transports/transport.ts';
import type { DatagramSocket } from '../../transports/datagram.ts';
import { MemoryNetwork } from '../../transports/memory/network.ts';
import { VirtualScheduler } from '../../transports/memory/virtual-scheduler.test-kit.ts';
import { Doors } from './doors.ts';
import { Gate } from './gate.ts';

export const PORT = 6_969;
export const GATE_HOST = '10.0.0.1';
export const GATE_HOST_V6 = '2001:db8::1';
export const PASSKEY = '0123456789abcdef0123456789abcdef';
export const HASH = passkeyHash(PASSKEY);

/** `left`: how it is written. */
export const queryOf = (fields: Readonly<Record<string, string | number>> = {}): string => {
  const all = {
    info_hash: '%12%34%56%78%9a%bc%de%f1%23%45%67%89%ab%cd%ef%12%34%56%78%9a',
    peer_id: '-TR3000-abcdefghijkl',
    port: 6_881,
    uploaded: 0,
    downloaded: 0,
    left: 100,
    compact: 1,
    ...fields,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
};
export const INFO_HASH = '123456789abcdef123456789abcdef123456789a';

export const answerOf = (answer: Partial<GuestAnswer> = {}): GuestAnswer => ({
  kind: 'peers',
  intervalSeconds: 300,
  minIntervalSeconds: 30,
  seeders: 2,
  leechers: 1,
  completed: 7,
  peers: [
    { peerId: '2d'.repeat(20), host: '10.0.0.7', port: 7_000, seeder: true },
    { peerId: null, host: '2001:db8::7', port: 7_001, seeder: false },
  ],
  ...answer,
});

type Question = GuestAnnounceFrame | GuestScrapeFrame;
type Outcome = GuestAnnouncedFrame['outcome'] | GuestScrapedFrame['outcome'];

/** One client's connection, and what it was sent. */
export class Visitor {
  text = '';
  ended = false;
  closed = false;
  connection: Connection | null = null;

  say(text: string): void {
    this.connection?.send(new Uint8Array(Buffer.from(text, 'latin1')));
  }

  /** Bodies of the whole responses so far, by `Content-Length`. */
  get bodies(): string[] {
    const bodies: string[] = [];
    let rest = this.text;
    for (;;) {
      const head = /^HTTP\/1\.1 \d+ [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/u.exec(rest)?.[0];
      if (head === undefined) return bodies;
      const length = Number(/content-length: (\d+)/iu.exec(head)?.[1] ?? 0);
      bodies.push(rest.slice(head.length, head.length + length));
      rest = rest.slice(head.length + length);
    }
  }
}

export class GateLab {
  readonly scheduler = new VirtualScheduler();
  readonly network = new MemoryNetwork({ scheduler: this.scheduler, random: createRandom('gate') });
  readonly lines: string[] = [];
  readonly questions: Question[] = [];
  readonly gate: Gate;
  readonly doors: Doors;
  /** Who serves; null: nobody. */
  serving: string | null = 'main 1';
  /** Null: no answer yet. */
  answer: (question: Question) => Outcome | null = (question) =>
    question.kind === 'guestAnnounce' ? answerOf() : { kind: 'counts', swarms: question.infoHashes.map(() => null) };
  failure: string | null = null;
  readonly #reactor = new Reactor(() => this.scheduler.now());
  readonly #visitors = new Map<string, { readonly reactor: Reactor; readonly transport: Transport }>();

  constructor(options: { readonly passkeys?: 'required' | 'open'; readonly config?: object } = {}) {
    const { passkeys = 'required', config = {} } = options;
    this.network.addHost(GATE_HOST, { names: [GATE_HOST_V6] });
    const parsed = proxySchema.parse({
      role: 'proxy',
      name: 'proxy',
      secrets: 'x',
      listen: '0.0.0.0:1',
      announce: { listen: `[::]:${PORT}`, ...config },
    }).announce;
    const announce: GateConfig = { ...parsed, listen: { host: '::', port: PORT } };
    const clock = this.#clock();
    const log = this.#log();
    this.gate = new Gate({
      clock,
      random: createRandom('decisions'),
      log,
      settings: { passkeys, intervalSeconds: 300 },
      limits: announce.limits,
      ways: { serving: () => this.serving, send: (frame) => this.#take(frame) },
    });
    this.doors = new Doors(announce, {
      clock,
      transport: this.network.transport(GATE_HOST, this.#reactor),
      datagrams: this.network.datagrams(GATE_HOST, this.#reactor),
      gate: this.gate,
      limits: announce.limits,
      trustedForwarders: announce.trustedForwarders,
      network: 'lab',
      open: passkeys === 'open',
      secret: new Uint8Array(32).fill(5),
    });
    this.do(() => this.doors.open((opened) => (this.failure = opened.ok ? null : opened.error.message)));
    this.route();
    this.run(0.1);
  }

  do(work: () => void): void {
    this.#reactor.step({ port: 'process', id: 0, kind: 'test' }, work);
  }

  run(passSeconds: number): void {
    this.scheduler.runUntil(this.scheduler.now() + passSeconds * 1_000_000);
  }

  route(serving: string | null = this.serving): void {
    this.serving = serving;
    this.do(() => this.gate.routeChanged());
  }

  /** The announces among what was asked. */
  get announces(): GuestAnnounceFrame[] {
    return this.questions.filter((question) => question.kind === 'guestAnnounce');
  }

  reply(nonce: number, outcome: Outcome): void {
    const kind = outcome.kind === 'counts' ? 'guestScraped' : 'guestAnnounced';
    this.do(() => this.gate.frame({ kind, nonce, outcome } as GuestAnnouncedFrame));
  }

  visit(host = '10.0.0.9', to = GATE_HOST): Visitor {
    const visitor = new Visitor();
    const { reactor, transport } = this.#visitor(host);
    reactor.step({ port: 'process', id: 0, kind: 'test' }, () => {
      visitor.connection = transport.dial(
        { host: to, port: PORT },
        { timeoutMs: 5_000, localHost: host },
        {
          open() {},
          bytes: (chunk) => (visitor.text += Buffer.from(chunk).toString('latin1')),
          drain() {},
          end: () => (visitor.ended = true),
          closed: () => (visitor.closed = true),
        },
      );
    });
    return visitor;
  }

  /** The answer to one request on a connection of its own. */
  get(target: string, host?: string, fields = ''): string {
    const visitor = this.visit(host);
    visitor.say(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields}\r\n`);
    this.run(6);
    return visitor.bodies[0] ?? '';
  }

  /** A UDP socket at a host; `got` has what it was sent. */
  socket(host = '10.0.0.9', to = GATE_HOST): { readonly got: Uint8Array[]; send(bytes: Uint8Array): void } {
    const { reactor } = this.#visitor(host);
    const datagrams = this.network.datagrams(host, reactor);
    const got: Uint8Array[] = [];
    let socket: DatagramSocket | null = null;
    reactor.step({ port: 'process', id: 0, kind: 'test' }, () => {
      socket = datagrams.bind(
        { host, port: 0 },
        {
          bound() {},
          message: (_from, bytes) => void got.push(new Uint8Array(bytes)),
          failed() {},
        },
      );
    });
    this.run(0.1);
    return {
      got,
      send: (bytes) => {
        reactor.step({ port: 'process', id: 0, kind: 'test' }, () => void socket?.send({ host: to, port: PORT }, bytes));
        this.run(0.1);
      },
    };
  }

  #take(frame: Question): boolean {
    if (this.serving === null) return false;
    this.questions.push(frame);
    const outcome = frame.kind === 'guestAnnounce' && frame.replay ? null : this.answer(frame);
    if (outcome !== null) this.scheduler.at(this.scheduler.now() + 1_000, () => this.reply(frame.nonce, outcome));
    return true;
  }

  #visitor(host: string): { readonly reactor: Reactor; readonly transport: Transport } {
    let visitor = this.#visitors.get(host);
    if (visitor === undefined) {
      this.network.addHost(host);
      const reactor = new Reactor(() => this.scheduler.now());
      visitor = { reactor, transport: this.network.transport(host, reactor) };
      this.#visitors.set(host, visitor);
    }
    return visitor;
  }

  #clock(): Clock {
    return {
      now: () => this.scheduler.now(),
      wallNow: () => 1_700_000_000_000 + Math.floor(this.scheduler.now() / 1_000),
      setTimer: (delay, fire) =>
        this.scheduler.at(this.scheduler.now() + delay, () =>
          this.#reactor.step({ port: 'clock', id: 0, kind: 'timer' }, fire),
        ) as unknown as number,
      clearTimer: (id) => this.scheduler.cancel(id as unknown as Due),
    };
  }

  #log(): Log {
    const line = (fields: object, text: string): void => void this.lines.push(`${text} ${JSON.stringify(fields)}`);
    const log: Log = { debug: line, info: line, warn: line, error: line, child: () => log };
    return log;
  }
}
