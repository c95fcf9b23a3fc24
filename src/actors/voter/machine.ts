import { setup } from 'xstate';
import type { Message } from '../../bus/reactor.ts';

/** Facts about a voter, told to its machine as they change. */
export type VoterEvent =
  | { readonly type: 'state.read' }
  | { readonly type: 'state.missing' }
  /** Enough others have told theirs, and it is on disk (R9). */
  | { readonly type: 'state.recovered' }
  /** An epoch was promised whose primary has not activated here yet. */
  | { readonly type: 'epoch.promised' }
  | { readonly type: 'configuration.accepted' }
  | { readonly type: 'disk.failed' };

/** What the machine makes the voter do. */
export interface VoterEffects {
  readonly askOthers: () => void;
  /** Between two rounds of asking, in milliseconds. */
  readonly askAgainMs: number;
}

/** The life of a voter. Votes, proposals and heartbeats go beside it: it sees only what changes what the voter may do. */
export const voterMachine = setup({
  types: {
    context: {} as { readonly effects: VoterEffects },
    events: {} as VoterEvent & Message,
    input: {} as { readonly effects: VoterEffects },
  },
  actions: {
    askOthers: ({ context }) => context.effects.askOthers(),
  },
  delays: {
    askAgain: ({ context }) => context.effects.askAgainMs,
  },
}).createMachine({
  id: 'voter',
  context: ({ input }) => ({ effects: input.effects }),
  initial: 'opening',
  states: {
    opening: {
      on: { 'state.read': 'idle', 'state.missing': 'rejoining', 'disk.failed': 'failed' },
    },
    rejoining: {
      entry: 'askOthers',
      after: { askAgain: { target: 'rejoining', reenter: true } },
      on: { 'state.recovered': 'idle' },
    },
    idle: {
      on: { 'epoch.promised': 'promised' },
    },
    promised: {
      on: { 'configuration.accepted': 'idle' },
    },
    failed: {},
  },
});
