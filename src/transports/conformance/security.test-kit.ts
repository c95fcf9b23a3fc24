/** Who gets in where a pre-shared key is asked for. */
import assert from 'node:assert/strict';
import type { Security } from '../transport.ts';
import { ascii, type Bench, type Cases, type Port } from './bench.test-kit.ts';

/** `own` is the key of all other cases. */
export const security = (own: Security): Cases => {
  const fails = async (b: Bench, port: Port, dialled: Security | null): Promise<void> => {
    await b.world.until(() => port.address !== null, 'the port listens');
    const near = b.dial(port.at, (side) => side.wire.send(ascii('hello, is it me you are looking for?')), dialled);
    await b.world.until(() => near.reason !== null, 'the dial is over');
    assert.equal(near.code, 'security');
    assert.match(near.reason?.kind === 'failed' ? near.reason.error.message : '', /\d+ .*(key|secured)/);
    assert.equal(port.taken.length, 0, 'the listener saw no connection');
  };
  const other: Security = { identity: 'other', key: new Uint8Array(32).fill(9) };
  return {
    'a wrong key does not get in': async (b) => {
      const port = b.listen();
      await fails(b, port, { identity: own.identity, key: other.key });
      await b.world.until(() => port.rejected.length > 0, 'the listener hears of it');
      assert.deepEqual(port.rejected, ['security']);
    },
    'an unknown identity does not get in': async (b) => fails(b, b.listen(), { ...own, identity: 'stranger' }),
    'a plain dialler does not get in': async (b) => fails(b, b.listen(), null),
    'the identity picks the key': async (b) => {
      const port = b.listen(0, [other, own]);
      await b.world.until(() => port.address !== null, 'the port listens');
      const sides = [b.dial(port.at), b.dial(port.at, () => {}, other)];
      await b.world.until(() => sides.every((side) => side.events.includes('open')), 'both stand');
    },
  };
};
