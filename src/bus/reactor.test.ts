import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Address, type Cause, type Message, Reactor } from './reactor.ts';

interface Note extends Message {
  readonly type: 'note';
  readonly text: string;
}

const note = (text: string): Note => ({ type: 'note', text });
const cause: Cause = { port: 'process', id: 1, kind: 'test' };
const alpha: Address<Note> = 'alpha';
const beta: Address<Note> = 'beta';

const setup = () => {
  const time = { micros: 100 };
  const reactor = new Reactor(() => time.micros++);
  return { reactor, time };
};

describe('reactor', () => {
  it('delivers envelopes in the order of posting, breadth first, within the step', () => {
    const { reactor } = setup();
    const seen: string[] = [];
    reactor.register(alpha, ({ text }) => {
      seen.push(`alpha ${text}`);
      if (text === '1') {
        reactor.post(beta, note('from alpha'));
        seen.push('alpha goes on');
      }
    });
    reactor.register(beta, ({ text }) => seen.push(`beta ${text}`));
    reactor.step(cause, () => {
      reactor.post(alpha, note('1'));
      reactor.post(alpha, note('2'));
      seen.push('handler');
    });
    assert.deepEqual(seen, ['handler', 'alpha 1', 'alpha goes on', 'alpha 2', 'beta from alpha']);
  });

  it('tells a receiver who sent the message', () => {
    const { reactor } = setup();
    let sender = '';
    reactor.register(alpha, (_message, from) => {
      sender = from;
    });
    reactor.step(cause, () => reactor.post(alpha, note('hello'), beta));
    assert.equal(sender, beta);
  });

  it('refuses a step within a step: a port that calls back at once is a mistake', () => {
    const { reactor } = setup();
    assert.throws(
      () => reactor.step(cause, () => reactor.step({ port: 'disk', id: 2, kind: 'read' }, () => {})),
      /disk read inside a step/u,
    );
  });

  it('refuses a message posted outside a step, and two actors of one name', () => {
    const { reactor } = setup();
    reactor.register(alpha, () => {});
    assert.throws(() => reactor.post(alpha, note('x')), /note was posted outside a step/u);
    assert.throws(() => reactor.register(alpha, () => {}), /Two actors are named alpha/u);
  });

  it('drops messages to an actor that is gone, and lets another take its name', () => {
    const { reactor } = setup();
    const seen: string[] = [];
    reactor.register(alpha, ({ text }) => {
      seen.push(text);
      reactor.unregister(alpha);
    });
    reactor.step(cause, () => {
      reactor.post(alpha, note('1'));
      reactor.post(alpha, note('2'));
    });
    reactor.register(alpha, ({ text }) => seen.push(`new ${text}`));
    reactor.step(cause, () => reactor.post(alpha, note('3')));
    assert.deepEqual(seen, ['1', 'new 3']);
  });

  it('keeps its time within a step, and never goes back', () => {
    const { reactor, time } = setup();
    let first = 0;
    reactor.register(alpha, () => assert.equal(reactor.now(), first));
    reactor.step(cause, () => {
      first = reactor.now();
      time.micros += 1_000;
      reactor.post(alpha, note('x'));
      assert.equal(reactor.now(), first);
    });
    time.micros = 5;
    reactor.step(cause, () => assert.equal(reactor.now(), first));
  });

  it('ends with what a handler throws: nothing is delivered any more, in that step or later', () => {
    const { reactor } = setup();
    const seen: string[] = [];
    reactor.taps.on('stepped', () => seen.push('stepped'));
    reactor.register(alpha, ({ text }) => seen.push(text));
    assert.throws(() => {
      reactor.step(cause, () => {
        reactor.post(alpha, note('posted before'));
        throw new Error('a mistake');
      });
    }, /a mistake/u);
    reactor.step(cause, () => seen.push('a later step'));
    assert.deepEqual(seen, []);
    assert.equal(reactor.stepping, false);
  });

  it('ends with the first fault that a machine reports, even an undefined one, and delivers nothing after it', () => {
    for (const error of [new Error('a machine failed'), undefined]) {
      const { reactor } = setup();
      const seen: string[] = [];
      reactor.register(alpha, () => {
        reactor.fault(error);
        reactor.fault(new Error('another'));
      });
      reactor.register(beta, ({ text }) => seen.push(text));
      assert.throws(
        () => {
          reactor.step(cause, () => {
            reactor.post(alpha, note('x'));
            reactor.post(beta, note('y'));
          });
        },
        (thrown) => thrown === error,
      );
      assert.deepEqual(seen, []);
      assert.deepEqual(reactor.failed, { error });
    }
  });

  it('tells the one who asked of a fault, once, instead of throwing it', () => {
    const told: unknown[] = [];
    const reactor = new Reactor(
      () => 0,
      (error) => told.push(error),
    );
    const error = new Error('a mistake');
    for (let i = 0; i < 2; i++) {
      reactor.step(cause, () => {
        throw error;
      });
    }
    assert.deepEqual(told, [error]);
  });

  it('finds a loop of messages instead of hanging', () => {
    const { reactor } = setup();
    reactor.register(alpha, (message) => reactor.post(alpha, message));
    assert.throws(() => reactor.step(cause, () => reactor.post(alpha, note('again'))), /does not come to rest/u);
  });

  it('shows causes, envelopes and the end of each step to taps, in order', () => {
    const { reactor } = setup();
    const seen: string[] = [];
    reactor.register(alpha, () => seen.push('delivered'));
    reactor.taps.on('cause', ({ port, id, kind, bytes }) => seen.push(`cause ${port} ${id} ${kind} ${bytes?.length}`));
    reactor.taps.on('envelope', ({ to, message }) => seen.push(`envelope ${to} ${message.type}`));
    reactor.taps.on('stepped', () => seen.push('stepped'));
    reactor.step({ port: 'transport', id: 7, kind: 'bytes', bytes: new Uint8Array(3) }, () => reactor.post(alpha, note('x')));
    assert.deepEqual(seen, ['cause transport 7 bytes 3', 'envelope alpha note', 'delivered', 'stepped']);
  });
});
