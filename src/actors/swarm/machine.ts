import { setup } from 'xstate';

/**
 * How well this replica knows the swarms. Cold: it is not the primary, and hears no announces but by accident. Warming: it
 * has become primary and nodes are announcing again. Warm: what it says of a swarm is complete.
 */
export type SwarmPhase = 'cold' | 'warming' | 'warm';

export type SwarmEvent = { readonly type: 'primary.gained' } | { readonly type: 'primary.lost' };

export interface SwarmInput {
  readonly warmingMs: number;
  /** Told of every change. */
  readonly changed: (phase: SwarmPhase) => void;
}

export const swarmMachine = setup({
  types: {} as { context: SwarmInput; input: SwarmInput; events: SwarmEvent },
  delays: { warmingTime: ({ context }) => context.warmingMs },
  actions: { tell: ({ context }, { phase }: { phase: SwarmPhase }) => context.changed(phase) },
}).createMachine({
  id: 'swarm',
  context: ({ input }) => input,
  initial: 'cold',
  states: {
    cold: {
      entry: { type: 'tell', params: { phase: 'cold' } },
      on: { 'primary.gained': 'warming' },
    },
    warming: {
      entry: { type: 'tell', params: { phase: 'warming' } },
      after: { warmingTime: 'warm' },
      on: { 'primary.lost': 'cold' },
    },
    warm: {
      entry: { type: 'tell', params: { phase: 'warm' } },
      on: { 'primary.lost': 'cold' },
    },
  },
});
