/** A mistake in the program ends a daemon at once: it says so, and whoever watches over it can start it again. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { openNetwork } from './network.ts';
import { shoal } from './shoal.ts';

const reactorUrl = new URL('../../src/bus/reactor.ts', import.meta.url).href;

/** Loaded before the program: what comes in over a connection makes it throw. */
const mistake = `
import { Reactor } from ${JSON.stringify(reactorUrl)};
const { step } = Reactor.prototype;
Reactor.prototype.step = function (cause, handle) {
  const planted = () => { throw new Error('a planted mistake'); };
  return step.call(this, cause, cause.port === 'transport' && !['listening', 'bound'].includes(cause.kind) ? planted : handle);
};
`;

const knock = (port: number): void => {
  const socket = connect(port, '127.0.0.1', () => socket.end('no hello'));
  socket.on('error', () => {});
};

for (const role of ['tracker', 'proxy'] as const) {
  test(`a ${role} in which something throws ends with status 70 and its reason`, async () => {
    const real = await openNetwork([]);
    try {
      const preload = join(real.folder, 'mistake.ts');
      writeFileSync(preload, mistake);
      const config = join(real.network.folder, `${role}.json`);
      const { listen } = JSON.parse(readFileSync(config, 'utf8')) as { listen: string };
      const { status, err } = await shoal([role, '--config', config, '--stdin-control'], {
        input: null,
        on: ['env', `NODE_OPTIONS=--import=${preload}`],
        started: (child) => child.stdout?.once('data', () => knock(Number(listen.split(':')[1]))),
      });
      assert.equal(status, 70, err);
      assert.match(err, /^error: The \w+ has ended by itself: a planted mistake\. Its log says more\.$/mu);
    } finally {
      await real.close();
    }
  });
}
