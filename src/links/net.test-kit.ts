/** For tests of what talks over links: processes with ports of their own on one virtual clock and a small network. */
import { type Cause, Reactor } from '../bus/reactor.ts';
import type { Clock, Micros } from '../ports/clock.ts';
import { seconds } from '../ports/clock.ts';
import { createRandom } from '../ports/counter-random.ts';
import type { Crypto } from '../ports/crypto.ts';
import type { Disk } from '../ports/disk.ts';
import { type Due, DueHeap } from '../ports/due-heap.ts';
import { silentLog } from '../ports/log.ts';
import { utc } from '../ports/zone.ts';
import type { Ports } from '../ports/ports.ts';
import { fail, ok } from '../protocol/result.ts';
import type {
  Address,
  CloseReason,
  Connection,
  ConnectionHandler,
  Listener,
  ListenHandler,
  Transport,
  TransportFailure,
} from '../transports/transport.ts';

const LATENCY: Micros = 200;
/** Chunks are cut here, so that frames arrive in pieces. */
const CHUNK_BYTES_MAX = 61;

/** All processes of a test, and the time they share. */
export class TestNet {
  now: Micros = 1_000_000;
  readonly heap = new DueHeap();
  readonly listeners = new Map<string, { readonly process: TestProcess; readonly handler: ListenHandler }>();
  #processes = 0;
  #connections = 0;

  process(files = new Map<string, Uint8Array>()): TestProcess {
    return new TestProcess(this, `10.0.0.${++this.#processes}`, files);
  }

  nextConnection(): number {
    return ++this.#connections;
  }

  later(delay: Micros, fire: () => void): Due {
    return this.heap.add(this.now + delay, fire);
  }

  /** Runs until `condition` holds. Fails when it does not within `limitSeconds` of virtual time. */
  until(condition: () => boolean, limitSeconds = 60): void {
    const end = this.now + seconds(limitSeconds);
    while (!condition()) {
      const due = this.heap.first();
      if (due === undefined || due.at > end) throw new Error('What the test waits for did not come');
      this.#take();
    }
  }

  /** Lets so much virtual time pass. */
  run(passSeconds: number): void {
    const end = this.now + seconds(passSeconds);
    for (let due = this.heap.first(); due !== undefined && due.at <= end; due = this.heap.first()) this.#take();
    this.now = end;
  }

  #take(): void {
    const due = this.heap.take() as Due;
    this.now = Math.max(this.now, due.at);
    due.fire();
  }
}

/** One process: a reactor, ports, and what a test may do to it. */
export class TestProcess {
  readonly reactor: Reactor;
  readonly ports: Ports;
  readonly net: TestNet;
  readonly host: string;
  readonly files: Map<string, Uint8Array>;
  alive = true;
  /** Its packets go nowhere any more, and nobody is told. */
  vanished = false;
  /** Takes no bytes any more: they wait with their senders. */
  stalled = false;
  readonly connections = new Set<TestConnection>();

  constructor(net: TestNet, host: string, files: Map<string, Uint8Array>) {
    this.net = net;
    this.host = host;
    this.files = files;
    this.reactor = new Reactor(() => net.now);
    const clock: Clock = {
      now: () => this.reactor.now(),
      wallNow: () => 1_700_000_000_000 + Math.floor(net.now / 1_000),
      setTimer: (delay, fire) => net.later(delay, () => this.step('clock', fire)) as unknown as number,
      clearTimer: (id) => net.heap.remove(id as unknown as Due),
    };
    this.ports = {
      clock,
      random: createRandom(`test ${host}`),
      log: silentLog,
      transport: this.#transport(),
      datagrams: { bind: () => ({ send: () => false, close() {} }), resolve() {} },
      disk: this.#disk(),
      programs: { run() {} },
      zone: utc,
      crypto: { secretBytes: (count: number) => new Uint8Array(count).fill(Number(host.split('.')[3]) + files.size * 16) } as Crypto,
    };
  }

  step(port: Cause['port'], work: () => void): void {
    if (this.alive) this.reactor.step({ port, id: 0, kind: 'test' }, work);
  }

  do(work: () => void): void {
    this.step('process', work);
  }

  /** As SIGKILL does: its connections are reset, its ports refuse. */
  kill(): void {
    this.alive = false;
    for (const [key, { process }] of this.net.listeners) if (process === this) this.net.listeners.delete(key);
    for (const connection of this.connections) connection.other?.fails({ code: 'reset', message: 'connection reset' });
  }

  #transport(): Transport {
    return {
      listen: (address, _options, handler) => this.#listen(address, handler),
      dial: (address, options, handler) => this.#dial(address, options.timeoutMs, handler),
    };
  }

  #listen(address: Address, handler: ListenHandler): Listener {
    const key = `${this.host}:${address.port}`;
    this.net.listeners.set(key, { process: this, handler });
    this.net.later(0, () => this.step('transport', () => handler.listening({ host: this.host, port: address.port })));
    return { close: () => void this.net.listeners.delete(key) };
  }

  #dial(address: Address, timeoutMs: number, handler: ConnectionHandler): Connection {
    const near = new TestConnection(this, handler, address);
    this.net.later(LATENCY, () => {
      const target = this.net.listeners.get(`${address.host}:${address.port}`);
      if (target === undefined) return near.fails({ code: 'refused', message: 'connection refused' });
      if (target.process.vanished)
        return void this.net.later(timeoutMs * 1_000, () => near.fails({ code: 'timeout', message: 'timed out' }));
      target.process.step('transport', () => {
        const far = new TestConnection(target.process, null, { host: this.host, port: 40_000 + near.id });
        const owner = target.handler.connection(far);
        if (owner === null) return near.fails({ code: 'reset', message: 'connection reset' });
        far.handler = owner;
        far.other = near;
        near.other = far;
        owner.open();
      });
      if (near.other !== null) this.step('transport', () => handler.open());
    });
    return near;
  }

  #disk(): Disk {
    const answer = (work: () => void): void => void this.net.later(10, () => this.step('disk', work));
    const disk: Partial<Disk> = {
      readFile: (path, _max, done) =>
        answer(() => {
          const bytes = this.files.get(path);
          done(bytes === undefined ? fail('missing', `${path} is not there`) : ok(bytes));
        }),
      writeFile: (path, bytes, _options, done) => answer(() => done(ok(void this.files.set(path, bytes)))),
      remove: (path, done) => answer(() => done(ok(void this.files.delete(path)))),
    };
    return disk as Disk;
  }
}

class TestConnection implements Connection {
  readonly id: number;
  readonly remote: Address;
  readonly local: Address;
  other: TestConnection | null = null;
  handler: ConnectionHandler | null;
  readonly #process: TestProcess;
  #halves = 0;
  #stalledBytes = 0;
  #done = false;

  constructor(process: TestProcess, handler: ConnectionHandler | null, remote: Address) {
    this.#process = process;
    this.handler = handler;
    this.id = process.net.nextConnection();
    this.remote = remote;
    this.local = { host: process.host, port: 50_000 };
    process.connections.add(this);
  }

  send(bytes: Uint8Array): boolean {
    const { other } = this;
    if (other?.stalledBytes(bytes.length) === true) return false;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) {
      const chunk = bytes.slice(at, at + CHUNK_BYTES_MAX);
      this.#toOther(() => {
        other?.handler?.bytes(chunk);
        chunk.fill(0xa5);
      });
    }
    return true;
  }

  queuedBytes(): number {
    return this.other === null ? 0 : this.other.#stalledBytes;
  }

  /** Whether the owner is stalled; then so many more wait for it. */
  stalledBytes(count: number): boolean {
    if (this.#process.stalled) this.#stalledBytes += count;
    return this.#process.stalled;
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    const { other } = this;
    this.#halves |= 1;
    this.#toOther(() => {
      if (other === null) return;
      other.#halves |= 2;
      other.handler?.end();
      other.#maybeEnded();
    });
    this.#process.net.later(0, () => this.#process.step('transport', () => this.#maybeEnded()));
  }

  abort(): void {
    this.other?.fails({ code: 'reset', message: 'connection reset' });
    this.fails({ code: 'aborted', message: 'aborted' });
  }

  fails(error: TransportFailure): void {
    this.#process.net.later(LATENCY, () => {
      if (this.#process.vanished) return;
      this.#process.step('transport', () => this.#ended({ kind: 'failed', error }));
    });
  }

  #maybeEnded(): void {
    if (this.#halves === 3) this.#ended({ kind: 'ended' });
  }

  #ended(reason: CloseReason): void {
    if (this.#done) return;
    this.#done = true;
    this.#process.connections.delete(this);
    this.handler?.closed(reason);
  }

  #toOther(work: () => void): void {
    const { other } = this;
    if (other === null || this.#done) return;
    this.#process.net.later(LATENCY, () => {
      if (this.#process.vanished || other.#process.vanished || other.#done) return;
      other.#process.step('transport', work);
    });
  }
}
