import type { Reactor } from '../../bus/reactor.ts';
import type { ReplicationTiming } from '../../domain/replication/timing.ts';
import type { VoterName, VoterState } from '../../domain/replication/types.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import type { ReplicationFrame, VotingFrame } from '../../protocol/control/messages.ts';

/** The way to the other voters, given by the role from its links. */
export interface VoterPeers {
  /** False when there is no link to `to` now: the frame is dropped, and whoever needs it sends it again. */
  send(to: VoterName, frame: VotingFrame | ReplicationFrame): boolean;
}

export interface VoterDeps {
  readonly reactor: Reactor;
  readonly clock: Clock;
  readonly log: Log;
  readonly disk: Disk;
  /** Absolute path of the folder of its two files (`voter.0`, `voter.1`); must exist. */
  readonly folder: string;
  readonly name: VoterName;
  readonly voters: readonly VoterName[];
  readonly replicas: readonly VoterName[];
  readonly peers: VoterPeers;
  readonly timing: ReplicationTiming;
}

export interface VoterStatus {
  readonly phase: 'opening' | 'rejoining' | 'idle' | 'promised' | 'failed';
  readonly promised: number;
  readonly accepted: VoterState['accepted'];
}

/** A voter: alone in a witness proxy (call start, receive, peerUp, stop), or inside a replica (which does so). */
export declare class Voter {
  constructor(deps: VoterDeps);
  start(): void;
  stop(): void;
  /** A frame of another voter. Frames that are not a voter's are ignored. */
  receive(from: VoterName, frame: VotingFrame): void;
  peerUp(name: VoterName): void;
  peerDown(name: VoterName): void;
  status(): VoterStatus;
}
