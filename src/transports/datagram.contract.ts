/** What every implementation of datagrams must do: one process that sends to itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, type Harness } from '../ports/harness.contract.ts';
import type { Result } from '../protocol/result.ts';
import type { Datagrams, DatagramSocket } from './datagram.ts';
import type { Address, TransportFailure } from './transport.ts';

/** A socket that keeps what it is told. */
class Ear {
  readonly got: { readonly from: Address; readonly text: string }[] = [];
  readonly outside: string[] = [];
  address: Address | null = null;
  failure: TransportFailure | null = null;
  socket: DatagramSocket | null = null;

  get at(): Address {
    assert.ok(this.address !== null);
    return this.address;
  }

  get texts(): readonly string[] {
    return this.got.map(({ text }) => text);
  }
}

export const datagramsContract = (name: string, create: () => Harness & { readonly datagrams: Datagrams }): void => {
  const contract = (title: string, run: (harness: Harness & { readonly datagrams: Datagrams }) => Promise<void>): void => {
    test(`datagrams, ${name}: ${title}`, { timeout: 20_000 }, async () => {
      const harness = create();
      try {
        await run(harness);
      } finally {
        await harness.close();
      }
    });
  };

  const bind = ({ datagrams, inStep, reactor }: Harness & { readonly datagrams: Datagrams }, address: Address): Ear => {
    const ear = new Ear();
    const told = (what: string): void => {
      if (!reactor.stepping) ear.outside.push(what);
    };
    inStep(() => {
      ear.socket = datagrams.bind(address, {
        bound: (at) => {
          told('bound');
          ear.address = at;
        },
        message: (from, bytes) => {
          told('message');
          ear.got.push({ from, text: Buffer.from(bytes).toString('latin1') });
        },
        failed: (error) => {
          told('failed');
          ear.failure = error;
        },
      });
      assert.ok(ear.address === null && ear.failure === null, 'nothing is told from inside bind');
    });
    return ear;
  };
  const bound = async (harness: Harness & { readonly datagrams: Datagrams }, address: Address): Promise<Ear> => {
    const ear = bind(harness, address);
    await harness.until(() => ear.address !== null);
    return ear;
  };
  const send = ({ inStep }: Harness, from: Ear, to: Address, text: string): boolean => {
    let taken = false;
    inStep(() => (taken = from.socket?.send(to, new Uint8Array(Buffer.from(text, 'latin1'))) ?? false));
    return taken;
  };

  for (const host of ['127.0.0.1', '::1']) {
    contract(`packets go to and fro on ${host}, each whole, with the sender's address`, async (harness) => {
      const [a, b] = [await bound(harness, { host, port: 0 }), await bound(harness, { host, port: 0 })];
      assert.notEqual(a.at.port, b.at.port);
      assert.ok(send(harness, a, b.at, 'one') && send(harness, a, b.at, 'two') && send(harness, a, b.at, ''));
      await harness.until(() => b.got.length === 3);
      assert.deepEqual(b.texts.toSorted(), ['', 'one', 'two']);
      assert.deepEqual(b.got[0]?.from, { host, port: a.at.port });
      assert.ok(send(harness, b, b.got[0]?.from as Address, 'back'));
      await harness.until(() => a.got.length === 1);
      assert.deepEqual([...a.outside, ...b.outside], [], 'everything is told inside a step');
    });
  }

  contract('a socket for all addresses gets what is sent to any, and both families have a port number of their own', async (harness) => {
    const four = await bound(harness, { host: '0.0.0.0', port: 0 });
    const six = await bound(harness, { host: '::', port: four.at.port });
    assert.equal(six.at.port, four.at.port);
    assert.ok(send(harness, four, { host: '127.0.0.1', port: four.at.port }, 'four'));
    assert.ok(send(harness, six, { host: '::1', port: four.at.port }, 'six'));
    await harness.until(() => four.got.length === 1 && six.got.length === 1);
    assert.deepEqual([four.texts, six.texts], [['four'], ['six']]);
  });

  contract('a large packet comes whole', async (harness) => {
    const [a, b] = [await bound(harness, { host: '127.0.0.1', port: 0 }), await bound(harness, { host: '127.0.0.1', port: 0 })];
    assert.ok(send(harness, a, b.at, 'x'.repeat(9_000)));
    await harness.until(() => b.got.length === 1);
    assert.equal(b.texts[0], 'x'.repeat(9_000));
  });

  contract('what cannot be sent is dropped at once', async (harness) => {
    const a = bind(harness, { host: '127.0.0.1', port: 0 });
    assert.equal(send(harness, a, { host: '127.0.0.1', port: 9 }, 'before it is bound'), false);
    await harness.until(() => a.address !== null);
    assert.equal(send(harness, a, { host: '127.0.0.1', port: 0 }, 'to no port'), false);
    assert.equal(send(harness, a, { host: 'localhost', port: 9 }, 'to a name'), false);
    assert.equal(send(harness, a, { host: '::1', port: 9 }, 'to the other family'), false);
    assert.equal(send(harness, a, { host: '127.0.0.1', port: 9 }, 'x'.repeat(70_000)), false, 'too long');
    harness.inStep(() => {
      a.socket?.close();
      a.socket?.close();
    });
    assert.equal(send(harness, a, { host: '127.0.0.1', port: 9 }, 'after it was closed'), false);
  });

  contract('nobody hears what is sent to nobody, and a closed socket hears nothing', async (harness) => {
    const [a, b, c] = [
      await bound(harness, { host: '127.0.0.1', port: 0 }),
      await bound(harness, { host: '127.0.0.1', port: 0 }),
      await bound(harness, { host: '127.0.0.1', port: 0 }),
    ];
    harness.inStep(() => b.socket?.close());
    assert.ok(send(harness, a, b.at, 'to a closed one'));
    assert.ok(send(harness, a, c.at, 'last'));
    await harness.until(() => c.got.length === 1);
    const again = await bound(harness, b.at);
    assert.ok(send(harness, a, again.at, 'to the next'));
    await harness.until(() => again.got.length === 1);
    assert.deepEqual([a.got.length, b.got.length, a.failure], [0, 0, null]);
  });

  contract('a port that is taken, or an address of another machine, is a failure', async (harness) => {
    const a = await bound(harness, { host: '127.0.0.1', port: 0 });
    const second = bind(harness, a.at);
    await harness.until(() => second.failure !== null);
    assert.equal(second.failure?.code, 'in-use');
    const foreign = bind(harness, { host: '203.0.113.7', port: 0 });
    await harness.until(() => foreign.failure !== null);
    assert.equal(foreign.failure?.code, 'unreachable');
    const named = bind(harness, { host: 'localhost', port: 0 });
    await harness.until(() => named.failure !== null);
    assert.equal(named.failure?.code, 'unreachable');
  });

  contract('names are resolved; an IP address is its own', async (harness) => {
    const resolve = (host: string): Promise<Result<readonly string[], TransportFailure>> =>
      ask(harness, (done) => harness.datagrams.resolve(host, done));
    const local = await resolve('localhost');
    assert.ok(local.ok && local.value.length > 0 && local.value.every((host) => host === '::1' || host.startsWith('127.')));
    assert.deepEqual(await resolve('192.0.2.1'), { ok: true, value: ['192.0.2.1'] });
    assert.deepEqual(await resolve('2001:db8::1'), { ok: true, value: ['2001:db8::1'] });
    const nowhere = await resolve('nobody.invalid');
    assert.equal(nowhere.ok ? 'resolved' : nowhere.error.code, 'unreachable');
    const empty = await resolve('');
    assert.equal(empty.ok ? 'resolved' : empty.error.code, 'unreachable');
  });
};
