import type { ReplicaStatus } from '../../domain/replication/types.ts';

/** Tells listeners when something has changed but the numbers. The numbers have a rate: whoever wants them asks. */
export class StatusBoard {
  readonly #listeners = new Set<(status: ReplicaStatus) => void>();
  #published = '';

  /** Returns the way to stop listening. */
  listen(listener: (status: ReplicaStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(status: ReplicaStatus): void {
    const { role, epoch, primary, mode, waitsFor } = status;
    const key = JSON.stringify([role, epoch, primary, mode, waitsFor]);
    if (key === this.#published) return;
    this.#published = key;
    for (const listener of this.#listeners) listener(status);
  }
}

/**
 * The role for the rest of the process. A primary is one only once reads there see everything that was ever acknowledged:
 * until the entry that adopts its log is applied, it is a candidate to everybody else.
 */
export const roleIn = (state: string | object, serving: boolean): ReplicaStatus['role'] => {
  const role = (typeof state === 'string' ? state : Object.keys(state)[0]) as ReplicaStatus['role'];
  return role === 'primary' && !serving ? 'candidate' : role;
};
