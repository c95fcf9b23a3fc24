import { millis, seconds } from '../../src/ports/clock.ts';
import type { Ports } from '../../src/ports/ports.ts';
import { below } from '../../src/ports/random.ts';
import type { ConnectionHandler } from '../../src/transports/transport.ts';
import { World } from './index.ts';

export const quiet: ConnectionHandler = { open() {}, bytes() {}, drain() {}, end() {}, closed() {} };

const cost = { memoryKib: 8, passes: 1, lanes: 1 };

const work = ({ clock, disk, crypto, random, transport }: Ports, bytes: Uint8Array): void => {
  transport.listen({ host: '0.0.0.0', port: 4_000 }, {}, { listening() {}, connection: () => quiet, failed() {} });
  const again = (): void => {
    disk.writeFile('/state', bytes, {}, () => {
      crypto.hashPassword('secret', crypto.secretBytes(16), cost, () => clock.setTimer(millis(1 + below(random, 'pause', 100)), again));
    });
    const host = `10.0.0.${2 + below(random, 'peer', 4)}`;
    const connection = transport.dial({ host, port: 4_000 }, { timeoutMs: 1_000 }, quiet);
    connection.send(bytes.slice());
    connection.close();
  };
  again();
};

/** A world of processes that do a bit of everything, after five virtual seconds. */
export const busyWorld = (seed: number, text = 'hello'): World => {
  const world = new World({ seed });
  for (const name of ['an', 'bình', 'chi', 'dũng']) world.process(name).start(({ ports }) => work(ports, new TextEncoder().encode(text)));
  world.run({ until: seconds(5) });
  return world;
};
