import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import { type MagnetInput, type MagnetMessage, magnetMachine } from './machine.ts';

const start = (begin: MagnetInput['begin'] = 'ask') => {
  const log: string[] = [];
  const actor = createActor(magnetMachine, {
    input: {
      begin,
      effects: {
        ask: () => void log.push('ask'),
        fetch: () => void log.push('fetch'),
        setUp: () => void log.push('set up'),
        halt: () => void log.push('halt'),
        over: () => void log.push('over'),
        entered: () => {},
      },
    },
  }).start();
  return {
    log,
    send: (...messages: MagnetMessage[]): void => {
      for (const message of messages) actor.send(message);
    },
    get state() {
      return actor.getSnapshot().value;
    },
    get reason() {
      return actor.getSnapshot().context.reason;
    },
  };
};

test('a link that the catalog does not know is fetched from peers, who are let go before the download begins', () => {
  const magnet = start();
  magnet.send({ type: 'magnet.unknown' }, { type: 'magnet.fetched' }, { type: 'magnet.done' });
  assert.deepEqual(magnet.log, ['ask', 'fetch', 'halt', 'set up', 'over']);
  assert.equal(magnet.state, 'over');
});

test('a link that the catalog knows meets no peers', () => {
  const magnet = start();
  magnet.send({ type: 'magnet.known' }, { type: 'magnet.done' });
  assert.deepEqual(magnet.log, ['ask', 'set up', 'over']);
});

test('a link of which the catalog was asked before is fetched at once, and asked about when the network is reached', () => {
  const magnet = start('fetch');
  assert.equal(magnet.state, 'fetching');
  magnet.send({ type: 'magnet.reached' }, { type: 'magnet.known' });
  assert.deepEqual(magnet.log, ['fetch', 'halt', 'ask', 'set up']);
});

test('pause lets the peers go, resume asks anew; what is being set up is not torn apart', () => {
  const magnet = start('paused');
  assert.deepEqual(magnet.log, []);
  magnet.send({ type: 'magnet.resume' }, { type: 'magnet.unknown' }, { type: 'magnet.pause' });
  assert.deepEqual([magnet.state, magnet.log], ['paused', ['ask', 'fetch', 'halt']]);
  magnet.send({ type: 'magnet.resume' }, { type: 'magnet.known' }, { type: 'magnet.pause' });
  assert.equal(magnet.state, 'settingUp');
});

test('what is in the way is kept as the reason until it is tried again', () => {
  const magnet = start('fetch');
  magnet.send({ type: 'magnet.fetched' }, { type: 'magnet.fault', reason: 'a file is in the way' });
  assert.deepEqual([magnet.state, magnet.reason], ['failed', 'a file is in the way']);
  magnet.send({ type: 'magnet.resume' });
  assert.equal(magnet.state, 'asking');
});
