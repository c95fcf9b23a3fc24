/** Peers bound to addresses of this machine: real sockets on loopback, of both families. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { after, describe, it } from 'node:test';
import { Reactor } from '../bus/reactor.ts';
import { monotonicMicros } from '../system/clock.ts';
import { createTcpTransport } from '../transports/tcp/tcp.ts';
import type { Address, CloseReason, ConnectionHandler } from '../transports/transport.ts';
import { boundTo } from './bound-transport.ts';

const reactor = new Reactor(monotonicMicros);
const tcp = createTcpTransport(reactor);
const step = <T>(body: (done: (value: T) => void) => void): Promise<T> =>
  new Promise((resolve) => reactor.step({ port: 'process', id: 0, kind: 'test' }, () => body(resolve)));
const quiet: ConnectionHandler = { open() {}, bytes() {}, drain() {}, end() {}, closed() {} };
const hasV6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));

/** Listens at `host` and answers where, with the hosts that connections came from. */
const listen = async (host: string, bind: readonly string[]): Promise<{ address: Address; from: string[] }> => {
  const from: string[] = [];
  const address = await step<Address>((done) => {
    boundTo(tcp, bind).listen(
      { host, port: 0 },
      {},
      {
        listening: done,
        connection: ({ remote }) => {
          from.push(remote.host);
          return quiet;
        },
        failed: (error) => assert.fail(error.message),
      },
    );
  });
  return { address, from };
};
const dial = (to: Address, bind: readonly string[]): Promise<'open' | CloseReason> =>
  step((done) => {
    boundTo(tcp, bind).dial(to, { timeoutMs: 5_000 }, { ...quiet, open: () => done('open'), closed: done });
  });

describe('peers bound to addresses', () => {
  after(() => tcp.shutdown());

  it('dials come from the address, and only that is listened at', async () => {
    const { address, from } = await listen('0.0.0.0', ['127.0.0.1']);
    assert.equal(address.host, '127.0.0.1');
    assert.equal(await dial(address, ['127.0.0.3']), 'open');
    assert.deepEqual(from, ['127.0.0.3']);
    const elsewhere = await dial({ host: '127.0.0.2', port: address.port }, []);
    assert.ok(elsewhere !== 'open' && elsewhere.kind === 'failed' && elsewhere.error.code === 'refused');
  });

  it('with an address of each family both are used, at one port', { skip: !hasV6 }, async () => {
    const { address, from } = await listen('::', ['127.0.0.1', '::1']);
    assert.equal(await dial(address, ['127.0.0.4', '::1']), 'open');
    assert.equal(await dial({ host: '::1', port: address.port }, ['127.0.0.4', '::1']), 'open');
    assert.deepEqual(from, ['127.0.0.4', '::1']);
  });

  it('a family without an address is not used', { skip: !hasV6 }, async () => {
    const { address } = await listen('::1', []);
    const refused = await dial(address, ['127.0.0.1']);
    assert.ok(refused !== 'open' && refused.kind === 'failed');
  });

  it('a socket for both families shows peers of IPv4 by their own addresses', { skip: !hasV6 }, async () => {
    const { address, from } = await listen('::', []);
    assert.equal(await dial({ host: '127.0.0.1', port: address.port }, ['127.0.0.5']), 'open');
    assert.equal(await dial({ host: '::1', port: address.port }, []), 'open');
    assert.deepEqual(from, ['127.0.0.5', '::1']);
  });
});
