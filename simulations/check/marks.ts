/**
 * What must have happened at least once over a batch of runs, so that the checkers have had something to look at: rare
 * situations, told by what is seen of them. A mark that is never reached says that plans are too tame, or that code is dead.
 */
import type { ControlFrame, LinkType } from '../../src/protocol/control/messages.ts';
import type { ProcessName } from '../plan/types.ts';
import type { LogLine } from '../world/log.ts';
import type { Observer } from '../world/observer.ts';
import type { RunView } from './checker.ts';
import { modelOf } from './cluster-model.ts';

/** By the words of a log line. */
const byLog: ReadonlyMap<string, string> = new Map([
  ['no majority answers: stepping down', 'a primary steps down for lost quorum'],
  ['not eligible: others may hold acknowledged changes that are not here', 'a candidate is refused by R2'],
  ['the voter has its state again', 'a voter that lost its state rejoins (R9)'],
  ['the log is gone: this replica will not stand before it was taken in again', 'a replica finds its log gone (R9)'],
  ['a tail that was never acknowledged is cut off', 'a follower cuts off a tail'],
  ['the other replica does not answer: going on alone', 'a degrade is proposed (R6)'],
  ['the disk is full: stepping down', 'a primary with a full disk steps down'],
  ['the disk is full: entries are not acknowledged', 'a follower with a full disk acknowledges nothing'],
  ['the state of the voter could not be written', 'the disk refuses a voter'],
  ['the replica stops: its log cannot be trusted or written', 'a replica halts'],
  ['handing over', 'a hand-over begins'],
  ['the hand-over failed', 'a hand-over fails'],
  ['this process stood still: it asks the voters whether it still leads', 'a primary that stood still distrusts itself (TILT)'],
  ['a majority confirms that this replica still leads', 'a primary that stood still is confirmed'],
  ['A peer sent wrong data and is banned', 'a piece from a liar is refused'],
  ['silent nodes removed', 'a silent node is removed'],
  ['the session has expired; somebody must sign in again', 'a session ends behind its node'],
]);

/** By machine, state before, event and state after; a star stands for whatever is there. */
const byTransition: readonly (readonly [machine: string, from: string, event: string, to: string, mark: string])[] = [
  ['replica', 'primary.*', 'epoch.higher', '*', 'a primary is fenced by a higher epoch (R11)'],
  ['replica', 'primary.degrading', 'configuration.chosen', 'primary.solo', 'a degrade is chosen'],
  ['replica', 'primary.degrading', 'configuration.chosen', 'primary.sync', 'a degrade is overtaken'],
  ['replica', 'primary.degrading', '*', 'fenced', 'a degrade is proposed and not chosen'],
  ['replica', 'primary.upgrading', 'configuration.chosen', 'primary.sync', 'an upgrade is chosen (R7)'],
  ['replica', 'primary.upgrading', 'degrade.proposed', '*', 'an upgrade is given up'],
  ['replica', 'primary.upgrading', '*', 'fenced', 'a primary falls while it takes the other in'],
  ['replica', 'primary.draining', '*', 'fenced', 'a primary falls while it drains'],
  ['replica', 'follower.installing', 'primary.suspected', '*', 'a snapshot is interrupted'],
  ['replica', 'follower.*', 'isr.left', '*', 'a follower learns that it was left out'],
  ['replica', 'candidate.preVoting', 'primary.heard', '*', 'a candidate hears the primary that it missed'],
  ['replica', 'candidate.activating', 'epoch.higher', '*', 'a candidate is outranked before it leads'],
  ['voter', 'rejoining', '*', 'rejoining', 'a voter without state asks again'],
  ['route', 'holding', 'primary.found', 'routed', 'a proxy holds requests through a failover'],
  ['route', 'suspect', 'primary.heard', 'routed', 'a proxy suspects a primary wrongly'],
  ['route', '*', '*', 'softOnly', 'a proxy has only a follower'],
  ['route', '*', '*', 'unavailable', 'a proxy has nobody'],
  ['session', 'switchingProxy', 'link.up', '*', 'a node changes its proxy'],
  ['session', '*', 'link.failed', 'backoff', 'a node finds no proxy'],
  ['session', 'online.*', 'account.lost', '*', 'a node is signed out'],
  ['replication-link', '*', 'lag.closed', 'streaming', 'a follower catches up'],
  ['replication-link', '*', 'log.compacted', 'snapshot', 'a follower is too far behind for the log'],
  ['transfer', '*', 'disk.full', '*', 'a download finds the disk full'],
  ['transfer', '*', 'transfer.fault', '*', 'a download fails'],
];

/** By what a user is told. */
const byAnswer: ReadonlyMap<string, string> = new Map([
  ['indeterminate', 'a user is told that the outcome is unknown'],
  ['unavailable', 'a user is told that nothing was changed'],
  ['degraded', 'a user who wants two copies is refused'],
  ['disk-full', 'a user is told that the disk is full'],
  ['password-changed', 'a password changes while it is being verified'],
]);

const SEEN = {
  adopted: 'a new primary adopts a tail (R3)',
  answeredLater: 'a retry is answered from the reply table after a failover',
  betweenCopies: 'a crash falls between the two copies of a voter',
  delta: 'a swarm is told to the other replica',
  drainHeld: 'a hand-over holds a request',
  handedOver: 'a hand-over ends in an election',
  lateReply: 'a proxy hears from a deposed primary (R12)',
  local: 'a change is kept by one alone',
  replicated: 'a change is kept on both',
  resumed: 'a download resumes from its journal',
  snapshotAgain: 'a snapshot is begun again',
  stale: 'a user reads from a follower',
  twoCandidates: 'both replicas stand at once',
  twoPrimaries: 'an old primary has not heard of the new one',
  underWay: 'a primary is killed with changes under way',
  voteRefused: 'a voter that hears the primary refuses a candidate (R10)',
  voteTooLow: 'a voter has promised more (R1)',
  warming: 'a swarm is being rebuilt after a failover',
} as const;

/** Every mark there is. */
export const allMarks: readonly string[] = [
  ...new Set([...byLog.values(), ...byTransition.map(([, , , , mark]) => mark), ...byAnswer.values(), ...Object.values(SEEN)]),
].toSorted();

const fits = (pattern: string, text: string): boolean =>
  pattern === '*' || pattern === text || (pattern.endsWith('.*') && text.startsWith(pattern.slice(0, -1)));

const isReplica = (process: ProcessName): boolean => process === 'tracker' || process === 'backup';

export class Marks {
  readonly counts = new Map<string, number>();
  readonly observer: Observer;
  readonly #run: RunView;
  /** Of each replica, its state. */
  readonly #states = new Map<ProcessName, string>();
  readonly #lastWritten = new Map<ProcessName, string>();
  /** Chunks of a snapshot that were sent and not followed by the last. */
  readonly #snapshots = new Map<ProcessName, number>();
  readonly #epochs = new Map<ProcessName, number>();
  #handedTo: string | null = null;
  readonly #transitions = new Map<string, string | null>();

  constructor(run: RunView) {
    this.#run = run;
    modelOf(run).listen({
      activated: ({ process, epoch, tail }) => {
        if (tail.some((place) => place.epoch < epoch)) this.#hit(SEEN.adopted);
        if (this.#handedTo === process) this.#hit(SEEN.handedOver);
        this.#handedTo = null;
        for (const [other, state] of this.#states) if (other !== process && state.startsWith('primary')) this.#hit(SEEN.twoPrimaries);
      },
      acked: ({ place, epoch, durability, reply }) => {
        this.#hit(durability === 'local' ? SEEN.local : SEEN.replicated);
        if (place.epoch < epoch && reply.stale !== true) this.#hit(SEEN.answeredLater);
      },
    });
    this.observer = {
      stopped: (process) => this.#stopped(process),
      written: (process, path) => void this.#lastWritten.set(process, path),
      logged: (line) => this.#logged(line),
      transition: (process, machine, from, event, to) => this.#transition(process, machine, from, event, to),
      sent: (process, to, link, frame) => this.#sent(process, to, link, frame),
      received: (process, _from, link, frame) => this.#received(process, link, frame),
      answered: (_id, _process, result) => {
        const mark = result.ok ? undefined : byAnswer.get(result.error.code);
        if (mark !== undefined) this.#hit(mark);
      },
    };
  }

  #hit(mark: string): void {
    this.counts.set(mark, (this.counts.get(mark) ?? 0) + 1);
  }

  #stopped(process: ProcessName): void {
    if (this.#lastWritten.get(process)?.endsWith('voter.0') === true) this.#hit(SEEN.betweenCopies);
    if (this.#states.get(process)?.startsWith('primary') === true) {
      const log = modelOf(this.#run).log(process);
      if (log.last.seq > log.appliedSeq) this.#hit(SEEN.underWay);
    }
    this.#states.delete(process);
    this.#epochs.delete(process);
  }

  #logged({ message, fields }: LogLine): void {
    const mark = byLog.get(message);
    if (mark !== undefined) this.#hit(mark);
    else if (message === 'A transfer resumes: pieces known by its journal, and to be checked' && Number(fields['known']) > 0)
      this.#hit(SEEN.resumed);
  }

  #transition(process: ProcessName, machine: string, from: string, event: string, to: string): void {
    if (machine === 'replica') {
      this.#states.set(process, to);
      if (to === 'candidate.preVoting' && from !== to)
        for (const [other, state] of this.#states) if (other !== process && state.startsWith('candidate')) this.#hit(SEEN.twoCandidates);
    }
    const key = `${machine} ${from} ${event} ${to}`;
    let mark = this.#transitions.get(key);
    if (mark === undefined) {
      const row = byTransition.find(([m, f, e, t]) => m === machine && fits(f, from) && fits(e, event) && fits(t, to));
      mark = row?.[4] ?? null;
      this.#transitions.set(key, mark);
    }
    if (mark !== null) this.#hit(mark);
  }

  #sent(process: ProcessName, to: ProcessName, link: LinkType, frame: ControlFrame): void {
    switch (frame.kind) {
      case 'timeoutNow':
        this.#handedTo = to;
        return;
      case 'snapshotChunk': {
        if (frame.index === 0 && (this.#snapshots.get(to) ?? 0) > 0) this.#hit(SEEN.snapshotAgain);
        this.#snapshots.set(to, frame.done ? 0 : frame.index + 1);
        return;
      }
      case 'swarmDelta':
        this.#hit(SEEN.delta);
        return;
      case 'announced':
        if (frame.warming && link === 'proxy') this.#hit(SEEN.warming);
        return;
      case 'preVoteReply':
        if (frame.refused === 'primary-alive') this.#hit(SEEN.voteRefused);
        return;
      case 'voteDenied':
        if (frame.reason === 'promised') this.#hit(SEEN.voteTooLow);
        return;
      case 'request':
        if (link === 'proxy' && frame.epoch > 0) this.#epochs.set(process, Math.max(this.#epochs.get(process) ?? 0, frame.epoch));
        return;
      case 'reply':
        if (link === 'member' && frame.stale === true && frame.body.ok) this.#hit(SEEN.stale);
        return;
      default:
    }
  }

  #received(process: ProcessName, link: LinkType, frame: ControlFrame): void {
    if (link !== 'proxy') return;
    if (frame.kind === 'reply' && frame.stale !== true && frame.epoch < (this.#epochs.get(process) ?? 0)) this.#hit(SEEN.lateReply);
    if (frame.kind === 'request' && isReplica(process) && this.#states.get(process) === 'primary.draining') this.#hit(SEEN.drainHeld);
  }
}
