/** A member that lies: a node like any other, signed in, in every swarm that it finds, whose peers hear falsified bytes. */
import type { NodeConfig } from '../src/config/types.ts';
import { seconds, type TimerId } from '../src/ports/clock.ts';
import type { Random } from '../src/ports/random.ts';
import type { Environment } from '../src/roles/container.ts';
import { createNode } from '../src/roles/node.ts';
import type { NodeRole } from '../src/roles/role.ts';
import { lyingPorts } from './world/lies.ts';

const LOOK_EVERY = seconds(4);
const HITS_MAX = 50;

export const createLiar = (environment: Environment, config: NodeConfig, peerPort: number, random: Random): NodeRole => {
  const { clock } = environment.ports;
  const node = createNode({ ...environment, ports: lyingPorts(environment.ports, peerPort, random) }, config);
  const account = { name: `account of ${config.name}`, password: `password of ${config.name}` };
  const taken = new Set<string>();
  let stopped = false;
  let timer: TimerId | null = null;
  const later = (next: () => void): void => {
    if (!stopped) timer = clock.setTimer(LOOK_EVERY, next);
  };

  const takePart = (): void => {
    node.call('search', { words: '', offset: 0, limit: HITS_MAX }, (found) => {
      for (const { id } of found.ok ? found.value.hits : []) {
        if (taken.has(id)) continue;
        taken.add(id);
        node.call('get', { what: id, to: null, files: [], sequential: false }, (result) => {
          if (!result.ok) taken.delete(id);
        });
      }
      later(found.ok ? takePart : signIn);
    });
  };
  const signIn = (): void => {
    node.call('register', { ...account, code: null }, () => node.call('login', account, () => takePart()));
  };

  return {
    start: (done) =>
      node.start((result) => {
        done(result);
        if (result.ok) later(signIn);
      }),
    stop: (done) => {
      stopped = true;
      if (timer !== null) clock.clearTimer(timer);
      node.stop(done);
    },
    status: () => node.status(),
    call: (name, args, done) => node.call(name, args, done),
  };
};
