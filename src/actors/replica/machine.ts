import { setup } from 'xstate';
import type { Message } from '../../bus/reactor.ts';

/** Facts about a replica, told to its machine as they change. Entries, acknowledgements and heartbeats go beside it. */
export type ReplicaEvent =
  /** Log and voter are open. */
  | { readonly type: 'replica.opened' }
  /** A primary of an epoch that this replica has promised (or promises now) is there. */
  | { readonly type: 'primary.heard' }
  | { readonly type: 'primary.suspected' }
  | { readonly type: 'log.matched' }
  | { readonly type: 'log.truncating' }
  | { readonly type: 'snapshot.installing' }
  /** Entries or a snapshot are in. */
  | { readonly type: 'log.appended' }
  /** The accepted configuration of the primary's epoch counts this replica in, or not any more. */
  | { readonly type: 'isr.joined' }
  | { readonly type: 'isr.left' }
  /** The primary hands over: it asks this replica to stand. */
  | { readonly type: 'primary.handsOver' }
  /** The operator makes it stand, past R2. */
  | { readonly type: 'promotion.forced' }
  /** Pre-vote: a majority would promise. */
  | { readonly type: 'majority.granted' }
  | { readonly type: 'majority.promised' }
  /** No majority in time, denied, or not eligible (R2). */
  | { readonly type: 'candidacy.failed' }
  | { readonly type: 'activation.chosen' }
  /** A learner has joined the ack set (R7). */
  | { readonly type: 'learner.joined' }
  | { readonly type: 'degrade.proposed' }
  /** A hand-over: changes are held until the other replica leads, or has failed to. */
  | { readonly type: 'drain.started' }
  | { readonly type: 'drain.ended' }
  | { readonly type: 'configuration.chosen'; readonly mode: 'SYNC' | 'SOLO' }
  | { readonly type: 'quorum.lost' }
  /** R11. */
  | { readonly type: 'epoch.higher' }
  | { readonly type: 'disk.full' }
  /** What was under way on the log has ended. */
  | { readonly type: 'log.idle' }
  /** The log cannot be trusted or written: stop. */
  | { readonly type: 'log.failed' };

/** What the machine makes the replica do. */
export interface ReplicaEffects {
  readonly follow: () => void;
  readonly canvass: () => void;
  readonly stand: () => void;
  readonly activate: () => void;
  readonly withdraw: () => void;
  readonly lead: () => void;
  readonly stepDown: () => void;
  /** Waits until nothing is under way on the log, then says `log.idle` (R8). */
  readonly quiesce: () => void;
  readonly halt: () => void;
}

/** The life of a data replica. */
export const replicaMachine = setup({
  types: {
    context: {} as { readonly effects: ReplicaEffects },
    events: {} as ReplicaEvent & Message,
    input: {} as { readonly effects: ReplicaEffects },
  },
  actions: {
    follow: ({ context }) => context.effects.follow(),
    canvass: ({ context }) => context.effects.canvass(),
    stand: ({ context }) => context.effects.stand(),
    activate: ({ context }) => context.effects.activate(),
    withdraw: ({ context }) => context.effects.withdraw(),
    lead: ({ context }) => context.effects.lead(),
    stepDown: ({ context }) => context.effects.stepDown(),
    quiesce: ({ context }) => context.effects.quiesce(),
    halt: ({ context }) => context.effects.halt(),
  },
  guards: {
    isSync: ({ event }) => event.type === 'configuration.chosen' && event.mode === 'SYNC',
  },
}).createMachine({
  id: 'replica',
  context: ({ input }) => ({ effects: input.effects }),
  initial: 'booting',
  on: { 'log.failed': '.halted' },
  states: {
    booting: {
      on: { 'replica.opened': 'follower' },
    },
    follower: {
      entry: 'follow',
      initial: 'probing',
      on: {
        'primary.suspected': 'candidate',
        'primary.handsOver': 'candidate.collecting',
        'promotion.forced': 'candidate',
        'primary.heard': '.probing',
        'log.truncating': '.truncating',
        'snapshot.installing': '.installing',
      },
      states: {
        probing: { on: { 'log.matched': 'catchingUp', 'log.appended': 'catchingUp', 'isr.joined': 'inSync' } },
        truncating: { on: { 'log.appended': 'catchingUp' } },
        installing: { on: { 'log.appended': 'catchingUp' } },
        catchingUp: { on: { 'isr.joined': 'inSync' } },
        inSync: { on: { 'isr.left': 'catchingUp' } },
      },
    },
    candidate: {
      initial: 'preVoting',
      exit: 'withdraw',
      on: { 'primary.heard': 'follower', 'candidacy.failed': 'follower', 'epoch.higher': 'fenced', 'activation.chosen': 'primary' },
      states: {
        preVoting: { entry: 'canvass', on: { 'majority.granted': 'collecting' } },
        collecting: { entry: 'stand', on: { 'majority.promised': 'activating' } },
        activating: { entry: 'activate' },
      },
    },
    primary: {
      entry: 'lead',
      exit: 'stepDown',
      initial: 'solo',
      on: { 'quorum.lost': 'fenced', 'epoch.higher': 'fenced', 'disk.full': 'fenced' },
      states: {
        solo: { on: { 'learner.joined': 'upgrading' } },
        upgrading: {
          on: { 'configuration.chosen': [{ guard: 'isSync', target: 'sync' }, { target: 'solo' }], 'degrade.proposed': 'degrading' },
        },
        sync: { on: { 'degrade.proposed': 'degrading', 'drain.started': 'draining' } },
        draining: { on: { 'drain.ended': 'sync', 'degrade.proposed': 'degrading' } },
        degrading: { on: { 'configuration.chosen': [{ guard: 'isSync', target: 'sync' }, { target: 'solo' }] } },
      },
    },
    fenced: {
      entry: 'quiesce',
      on: { 'log.idle': 'follower' },
    },
    halted: {
      entry: 'halt',
    },
  },
});
