/** The load of `npm run bench:failover`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Member } from '../test/real/member.ts';

/** Between an acknowledgement and the next change of a writer. */
const PAUSE_MS = 5;
export const RECOVERY_MAX_MS = 60_000;

/** Changes without a pause, and when those of each epoch were first acknowledged. */
export class Writers {
  readonly firstAckAt = new Map<number, number>();
  acknowledged = 0;
  indeterminate = 0;
  readonly unresolved: string[] = [];
  #stopping = false;
  #loops: Promise<void>[] = [];
  #waiting: (() => void)[] = [];

  start(members: readonly Member[], accounts: readonly string[]): void {
    this.#loops = members.map((member, n) => this.#write(member, accounts[n] as string));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
  }

  /** When a change was first acknowledged in an epoch above `epoch`, by `performance.now()`. */
  async acknowledgedAbove(epoch: number): Promise<{ readonly epoch: number; readonly at: number }> {
    const until = performance.now() + RECOVERY_MAX_MS;
    for (;;) {
      for (const [found, at] of this.firstAckAt) if (found > epoch) return { epoch: found, at };
      if (performance.now() > until)
        throw new Error(`No change was acknowledged within ${RECOVERY_MAX_MS / 1000} s after epoch ${epoch} ended`);
      await Promise.race([sleep(1_000), new Promise<void>((resolve) => this.#waiting.push(resolve))]);
    }
  }

  async #write(member: Member, name: string): Promise<void> {
    for (let disabled = true; !this.#stopping; disabled = !disabled) {
      const change = await member.change({ op: 'account.disable', name, disabled });
      if (change === null || !change.reply.body.ok) {
        this.unresolved.push(`${name}: ${JSON.stringify(change?.reply.body ?? 'no answer')}`);
        continue;
      }
      const { reply, indeterminate } = change;
      this.acknowledged += 1;
      this.indeterminate += indeterminate;
      if (!this.firstAckAt.has(reply.epoch)) {
        this.firstAckAt.set(reply.epoch, performance.now());
        for (const resolve of this.#waiting.splice(0)) resolve();
      }
      await sleep(PAUSE_MS);
    }
  }
}
