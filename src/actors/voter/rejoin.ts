import type { VoterName, VoterState } from '../../domain/replication/types.ts';
import { readersNeeded, rejoinVoter, relayTo, type VoterRecord } from '../../domain/replication/voter.ts';
import type { Random } from '../../ports/random.ts';
import type { VotingFrame } from '../../protocol/control/messages.ts';
import type { VoterPeers } from './voter.ts';

export type VoterRead = Extract<VotingFrame, { kind: 'voterRead' }>;
export type VoterStateFrame = Extract<VotingFrame, { kind: 'voterState' }>;

interface RejoinDeps {
  readonly name: VoterName;
  readonly voters: readonly VoterName[];
  readonly replicas: readonly VoterName[];
  readonly peers: VoterPeers;
  readonly random: Random;
}

/** R9: asks the other voters for their state, collects what they say, and passes on what witnesses say to each other. */
export class Rejoin {
  readonly #deps: RejoinDeps;
  readonly #answers = new Map<VoterName, VoterState>();
  /** Of what is asked in this incarnation: an answer to an earlier one may be on its way through a replica. 0: nothing is. */
  #id = 0;

  constructor(deps: RejoinDeps) {
    this.#deps = deps;
  }

  /** Asks everybody; witnesses that cannot be reached directly are asked by the replicas. */
  ask(): void {
    const { random, voters, name } = this.#deps;
    if (this.#id === 0) this.#id = 1 + random.u32('voter.rejoin') * 0x10_0000 + (random.u32('voter.rejoin') >>> 12);
    for (const voter of voters) if (voter !== name) this.askOne(voter);
  }

  /** Asks again whoever has come back, if it was asked at all. */
  askOne(voter: VoterName): void {
    if (this.#id !== 0) this.#deps.peers.send(voter, { kind: 'voterRead', id: this.#id, reader: this.#deps.name });
  }

  /** An answer for this voter. The state to take, once enough others have told theirs. */
  hear(from: VoterName, { id, reader, voter, promised, accepted }: VoterStateFrame): VoterRecord | null {
    const { name, voters, replicas } = this.#deps;
    const trusted = from === voter || replicas.includes(from);
    if (id !== this.#id || id === 0 || reader !== name || voter === name || !voters.includes(voter) || !trusted) return null;
    this.#answers.set(voter, { promised, accepted });
    return rejoinVoter(this.#answers, {
      needed: readersNeeded(voters.length),
      replica: replicas.includes(name),
      replicas,
      proposers: replicas.filter((replica) => replica !== name),
    });
  }

  /** What is asked here by, or by way of, `from`. */
  answer(from: VoterName, { id, reader }: VoterRead, { promised, accepted }: VoterRecord): void {
    const { name, replicas, peers } = this.#deps;
    if (reader === name || (from !== reader && !replicas.includes(from))) return;
    peers.send(from, { kind: 'voterState', id, reader, voter: name, promised, accepted });
  }

  relay(from: VoterName, frame: VoterRead | VoterStateFrame): void {
    const { name, voters, replicas, peers } = this.#deps;
    for (const to of relayTo(frame, from, { self: name, voters, replicas })) peers.send(to, frame);
  }
}
