import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OperatorFrame, Order, OrderErrorCode, OrderOutcome } from '../protocol/control/messages.ts';
import type { Failure, Result } from '../protocol/result.ts';
import { acceptLinks } from './accept.ts';
import { dialLink } from './dial.ts';
import type { Link } from './link.ts';
import { TestNet, type TestProcess } from './net.test-kit.ts';
import { acceptOperators, giveOrder } from './operator.ts';

type Told = Result<object, Failure<OrderErrorCode>>;

const identity = (name: string) => ({ networkId: 'net', name, incarnation: `${name}-1`, software: 'test' });

/** A replica that keeps its orders until the test answers them. */
const replica = (net: TestNet) => {
  const process = net.process();
  const orders: { readonly order: Order; readonly done: (outcome: OrderOutcome) => void }[] = [];
  const obey = (order: Order, done: (outcome: OrderOutcome) => void): void => void orders.push({ order, done });
  process.do(() =>
    acceptLinks(
      process.ports,
      { address: { host: process.host, port: 1 }, identity: identity('main'), linksMax: 100 },
      { listening() {}, failed() {}, epoch: () => 1, accept: { operator: acceptOperators(obey) } },
    ),
  );
  return { process, orders, address: { host: process.host, port: 1 } };
};

const order = (client: TestProcess, address: { host: string; port: number }, what: Order, name = 'main'): { told: Told[] } => {
  const told: Told[] = [];
  client.do(() =>
    giveOrder(client.ports, { replica: name, address, identity: identity('operator'), answerMaxMs: 5_000 }, what, (result) =>
      told.push(result),
    ),
  );
  return { told };
};

test('an order is carried out once and answered once', () => {
  const net = new TestNet();
  const { orders, process, address } = replica(net);
  const { told } = order(net.process(), address, { do: 'handover' });
  net.until(() => orders.length === 1);
  assert.deepEqual(orders[0]?.order, { do: 'handover' });
  process.do(() => orders[0]?.done({ ok: true, value: { to: 'backup' } }));
  net.run(10);
  assert.deepEqual(told, [{ ok: true, value: { to: 'backup' } }]);
  assert.equal(orders.length, 1);
});

test('a refusal comes back with its code and its words', () => {
  const net = new TestNet();
  const { orders, process, address } = replica(net);
  const { told } = order(net.process(), address, { do: 'handover' });
  net.until(() => orders.length === 1);
  process.do(() => orders[0]?.done({ ok: false, code: 'not-primary', message: 'the primary is backup' }));
  net.until(() => told.length === 1);
  assert.deepEqual(told, [{ ok: false, error: { code: 'not-primary', message: 'the primary is backup' } }]);
});

test('a replica that is not there, or another one, is unavailable; nothing was ordered', () => {
  const net = new TestNet();
  const { orders, address } = replica(net);
  const client = net.process();
  const nobody = order(client, { host: '10.9.9.9', port: 1 }, { do: 'forcePromote' });
  const another = order(client, address, { do: 'forcePromote' }, 'backup');
  net.run(10);
  for (const { told } of [nobody, another]) {
    assert.equal(told.length, 1);
    assert.ok(told[0]?.ok === false && told[0].error.code === 'unavailable');
  }
  assert.ok(another.told[0]?.ok === false && another.told[0].error.message.includes('is main'));
  assert.equal(orders.length, 0);
});

test('an order whose answer does not come is indeterminate, a report that does not come is not', () => {
  const net = new TestNet();
  const { orders, process, address } = replica(net);
  const client = net.process();
  const slow = order(client, address, { do: 'handover' });
  const report = order(client, address, { do: 'report' });
  net.until(() => orders.length === 2);
  net.run(6);
  assert.ok(slow.told[0]?.ok === false && slow.told[0].error.code === 'indeterminate');
  assert.ok(report.told[0]?.ok === false && report.told[0].error.code === 'unavailable');
  process.do(() => orders[0]?.done({ ok: true, value: {} }));
  net.run(2);
  assert.equal(slow.told.length, 1, 'the late answer is dropped');
  const killed = order(client, address, { do: 'forcePromote' });
  net.until(() => orders.length === 3);
  process.kill();
  net.run(2);
  assert.ok(killed.told[0]?.ok === false && killed.told[0].error.code === 'indeterminate');
});

test('a link has one order under way; the next is told so, and may come again after the answer', () => {
  const net = new TestNet();
  const { orders, process, address } = replica(net);
  const client = net.process();
  const frames: OperatorFrame[] = [];
  let link: Link<OperatorFrame> | null = null;
  let up = false;
  client.do(() => {
    link = dialLink<OperatorFrame>(
      client.ports,
      { type: 'operator', address, identity: identity('operator') },
      { up: () => (up = true), frame: (frame) => frames.push(frame), down() {} },
    );
  });
  const send = (id: number): void => client.do(() => link?.send({ kind: 'order', id, order: { do: 'report' } }));
  net.until(() => up);
  send(1);
  send(2);
  net.until(() => frames.length === 1);
  const [busy] = frames;
  assert.ok(busy?.kind === 'ordered' && busy.id === 2 && !busy.outcome.ok && busy.outcome.code === 'busy');
  process.do(() => orders[0]?.done({ ok: true, value: {} }));
  send(3);
  net.until(() => orders.length === 2);
  assert.equal(orders.length, 2);
});

test('operator links have a limit, and those that have gone make room', () => {
  const net = new TestNet();
  const { orders, process, address } = replica(net);
  const client = net.process();
  const waiting = Array.from({ length: 16 }, () => order(client, address, { do: 'report' }));
  net.until(() => orders.length === 16);
  const { told } = order(client, address, { do: 'report' });
  net.until(() => told.length === 1);
  assert.ok(told[0]?.ok === false && told[0].error.message.includes('16'));
  process.do(() => orders.forEach(({ done }) => done({ ok: true, value: {} })));
  net.until(() => waiting.every((each) => each.told.length === 1));
  net.run(3);
  order(client, address, { do: 'report' });
  net.until(() => orders.length === 17);
});
