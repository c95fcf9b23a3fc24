import { Reactor } from '../bus/reactor.ts';
import type { LedgerTransactions } from '../domain/ledger/types.ts';
import { createRandom } from '../ports/counter-random.ts';
import type { Log } from '../ports/log.ts';
import { createClock, monotonicMicros } from '../system/clock.ts';
import { createCrypto } from '../system/crypto.ts';
import { createDatabase } from '../system/database.ts';
import { createDisk } from '../system/disk.ts';
import { createPrograms } from '../system/programs.ts';
import { moduleUrl } from '../system/source-url.ts';
import { systemZone } from '../system/zone.ts';
import { createTcpTransport } from '../transports/tcp/tcp.ts';
import { createUdpDatagrams } from '../transports/udp/udp.ts';
import type { Environment } from './container.ts';

/** An environment over the real machine, and the way to let go of it. `onFault`: a programmer's mistake has ended the process. */
export const systemEnvironment = (
  log: Log,
  limits: { readonly passwordQueueMax?: number },
  onFault: (error: unknown) => void,
): { readonly environment: Environment; close(): void } => {
  const reactor = new Reactor(monotonicMicros, onFault);
  const clock = createClock(reactor);
  const crypto = createCrypto(reactor, limits);
  const transport = createTcpTransport(reactor);
  const datagrams = createUdpDatagrams(reactor);
  const programs = createPrograms(reactor);
  const databases: { close(done: () => void): void }[] = [];
  const [seed] = new Uint32Array(crypto.secretBytes(4).slice().buffer);
  return {
    environment: {
      reactor,
      ports: {
        clock,
        crypto,
        transport,
        datagrams,
        disk: createDisk(reactor),
        random: createRandom(seed ?? 0),
        log,
        programs,
        zone: systemZone,
      },
      openDatabase: (path) => {
        const database = createDatabase<LedgerTransactions>(reactor, {
          path,
          transactionsUrl: moduleUrl('../domain/ledger/transactions', import.meta.url),
          transactionsExport: 'ledgerTransactions',
        });
        databases.push(database);
        return database;
      },
    },
    close() {
      transport.shutdown();
      datagrams.shutdown();
      programs.close();
      clock.close();
      crypto.close();
      // After a fault nobody has closed them, and their threads would keep the process.
      for (const database of databases) database.close(() => {});
    },
  };
};
