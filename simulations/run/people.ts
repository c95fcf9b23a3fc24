/** How the users of a run reach its processes: what the cluster gives them. */
import type { NodeRole, Role } from '../../src/roles/role.ts';
import type { Incarnation } from '../world/index.ts';

export interface RunningRole {
  readonly incarnation: Incarnation;
  readonly role: Role | NodeRole;
}

/** The process as it runs now; null where it does not, or has not begun to serve. */
export type Reach = (process: string) => RunningRole | null;

export interface RunningNode {
  readonly incarnation: Incarnation;
  readonly role: NodeRole;
}

/** The node as it runs now; null where it does not. */
export const nodeAt = (reach: Reach, name: string): RunningNode | null => {
  const running = reach(name);
  return running !== null && 'call' in running.role ? { incarnation: running.incarnation, role: running.role } : null;
};

/** Does something in a step of a process; when it is stopped, as soon as it goes on; when it ends first, never. */
export const act = (incarnation: Incarnation, body: () => void): void =>
  incarnation.gate.pass(() => {
    if (incarnation.alive) incarnation.step(body);
  });
