import type { Configuration, Epoch, VoterName } from '../../domain/replication/types.ts';
import { millis } from '../../ports/clock.ts';
import type { FailoverReport } from '../../protocol/control/messages.ts';
import type { ReplicaFrames } from './api.ts';
import type { ReplicaContext } from './context.ts';
import { HandOvers } from './hand-over.ts';
import { PrimaryRole } from './primary-role.ts';
import type { Succession } from './succession.ts';

/** And one whose disk is full is so many times more patient before it stands again: another one shall lead. */
const PATIENCE_AFTER_FULL = 10;

/** The replica as primary: made when its activation is chosen (R3), gone when its epoch is over here (R8, R11). */
export class Leadership {
  readonly #context: ReplicaContext;
  readonly #succession: Pick<Succession, 'bePatient' | 'steppedDown'>;
  readonly handOvers: HandOvers;
  #primary: PrimaryRole | null = null;

  /** @param succession takes over here when this replica leads no more. */
  constructor(context: ReplicaContext, succession: Pick<Succession, 'bePatient' | 'steppedDown'>) {
    this.#context = context;
    this.#succession = succession;
    this.handOvers = new HandOvers(context, () => this.#primary);
  }

  /** Null while this replica does not lead. */
  get primary(): PrimaryRole | null {
    return this.#primary;
  }

  receive(from: VoterName, frame: ReplicaFrames): void {
    this.#primary?.receive(from, frame);
  }

  peerUp(name: VoterName): void {
    this.#primary?.peerUp(name);
  }

  peerDown(name: VoterName): void {
    this.#primary?.peerDown(name);
    this.handOvers.peerDown(name);
  }

  /** R11: any higher epoch ends a primary, in the very step in which it is seen. */
  fence(epoch: Epoch): void {
    if (!this.#primary || this.#primary.epoch >= epoch) return;
    this.#primary.stop();
    this.#context.post({ type: 'epoch.higher' });
  }

  lead(activation: Configuration, failover: FailoverReport | null): void {
    const { deps, view, replicaLog, limits, up, proxyReach, post, publish } = this.#context;
    view.set(activation.e, deps.name);
    deps.log.info({ epoch: activation.e }, 'primary');
    this.#primary = new PrimaryRole(
      {
        ...deps,
        replicaLog,
        limits,
        proxyReach,
        failover,
        events: {
          learnerJoined: () => post({ type: 'learner.joined' }),
          degradeProposed: () => {
            this.handOvers.degrading();
            post({ type: 'degrade.proposed' });
          },
          chosen: (mode) => post({ type: 'configuration.chosen', mode }),
          serving: () => publish(),
          distrusted: () => publish(),
          outreached: () => this.#handOverToReached(),
          quorumLost: () => {
            this.#succession.steppedDown(`${deps.name} had lost its quorum`);
            post({ type: 'quorum.lost' });
          },
          outranked: (epoch) => {
            view.see(epoch);
            post({ type: 'epoch.higher' });
          },
          diskFull: () => {
            this.#succession.bePatient(millis(deps.timing.suspectMaxMs * PATIENCE_AFTER_FULL));
            this.#succession.steppedDown(`the disk of ${deps.name} was full`);
            post({ type: 'disk.full' });
          },
        },
      },
      activation,
      up,
    );
  }

  #handOverToReached(): void {
    const { deps, proxyReach } = this.#context;
    const reached = proxyReach() === 0 ? `no proxy reached ${deps.name}` : `more proxies reached the other replica than ${deps.name}`;
    this.handOvers.begin(`${reached} for ${(deps.timing.proxyLostMs / 1_000).toFixed(1)} s`, (result) => {
      if (!result.ok) deps.log.warn({ reason: result.error.message }, 'more proxies reach the other replica, and it did not take over');
    });
  }

  stepDown(): void {
    const { deps, view } = this.#context;
    if (this.#primary) deps.log.info({ epoch: this.#primary.epoch }, 'no longer primary');
    this.#primary?.stop();
    this.#primary = null;
    this.handOvers.steppedDown();
    deps.voter.forgetPrimary();
    if (view.primary === deps.name) view.primary = null;
  }

  /** Stops at once; waiting proposals are answered. */
  stop(): void {
    this.#primary?.stop();
    this.handOvers.stop();
  }

  /** The replica has halted. */
  forget(): void {
    this.#primary = null;
  }
}
