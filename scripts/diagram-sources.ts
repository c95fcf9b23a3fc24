/** What `npm run diagrams` draws: every machine, and the transition table of a connection to a peer. */
import type { AnyStateMachine } from 'xstate';
import { magnetMachine } from '../src/actors/magnet/machine.ts';
import { routeMachine } from '../src/actors/proxy/machine.ts';
import { replicaMachine } from '../src/actors/replica/machine.ts';
import { replicationLinkMachine } from '../src/actors/replication-link/machine.ts';
import { sessionMachine } from '../src/actors/session/machine.ts';
import { swarmMachine } from '../src/actors/swarm/machine.ts';
import { transferMachine } from '../src/actors/transfer/machine.ts';
import { voterMachine } from '../src/actors/voter/machine.ts';
import { peerTransitions } from '../src/data/peer-states.ts';

/** For every state its events, and the state that each leads to. The first state is the initial one. */
type TransitionTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface DiagramSource {
  /** Of the file in docs/diagrams, without `.md`. */
  readonly file: string;
  readonly title: string;
  readonly about: string;
  readonly source: { readonly machine: AnyStateMachine } | { readonly table: TransitionTable };
}

export const diagrams: readonly DiagramSource[] = [
  {
    file: 'session',
    title: 'Session of a node',
    about:
      'How a node stands to the network: which proxy it has a link to, whether somebody is signed in, whether the tracker has let it in. ' +
      'Announces and requests go beside it (`src/actors/session`).',
    source: { machine: sessionMachine },
  },
  {
    file: 'transfer',
    title: 'Transfer',
    about:
      'The life of one transfer of a node, from the check of what is on disk to giving to others. ' +
      'Pieces, peers and bytes live beside it in `src/data` (`src/actors/transfer`).',
    source: { machine: transferMachine },
  },
  {
    file: 'magnet',
    title: 'Magnet link',
    about:
      'A magnet link until its torrent is here: the catalog is asked first, and only for what it does not have are peers met. ' +
      'The fetch itself is `src/data/metadata-fetch.ts` (`src/actors/magnet`).',
    source: { machine: magnetMachine },
  },
  {
    file: 'peer',
    title: 'Connection to a peer',
    about:
      'No machine but a table: a connection carries thousands of blocks a second, so it is a plain object that follows these transitions ' +
      '(`src/data/peer-states.ts`).',
    source: { table: peerTransitions },
  },
  {
    file: 'proxy-route',
    title: 'Route of a proxy',
    about:
      'Whether a proxy knows a primary to ask, and what it does with requests while it knows none: hold them, read from a follower, or ' +
      'refuse them (`src/actors/proxy`).',
    source: { machine: routeMachine },
  },
  {
    file: 'voter',
    title: 'Voter',
    about:
      'What a voter (main, backup or first proxy) may do. One that has lost its file asks the others before it votes again, rule R9 ' +
      '(`src/actors/voter`).',
    source: { machine: voterMachine },
  },
  {
    file: 'replica',
    title: 'Replica',
    about:
      'The life of a data replica, that is of a tracker and of its backup, as follower, candidate, primary or fenced. Both roles compose ' +
      'the same machine (`src/actors/replica`).',
    source: { machine: replicaMachine },
  },
  {
    file: 'replication-link',
    title: 'Replication link',
    about:
      'The way of a primary to one follower: find where its log ends, send what it lacks as entries or as a snapshot, then stream. ' +
      'Entries and acknowledgements go beside it (`src/actors/replication-link`).',
    source: { machine: replicationLinkMachine },
  },
  {
    file: 'swarm',
    title: 'Knowledge of the swarms',
    about:
      'How well a replica knows who is in the swarms. The swarms are soft state: a new primary hears the nodes announce again before it ' +
      'trusts the silence of a node (`src/actors/swarm`).',
    source: { machine: swarmMachine },
  },
];
