/** The route of a proxy: whether there is a primary to ask, and what is done while there is none. */
import { assign, setup } from 'xstate';

export type RouteState = 'discovering' | 'routed' | 'suspect' | 'holding' | 'softOnly' | 'unavailable';

/** Facts that the proxy posts at changes only. */
export type RouteMessage =
  /** A primary of the highest epoch, or another than before. */
  | { readonly type: 'primary.found' }
  /** It is not primary any more, or its link is down. */
  | { readonly type: 'primary.lost' }
  /** Its status did not come in time. */
  | { readonly type: 'primary.silent' }
  | { readonly type: 'primary.heard' }
  /** Whether any replica is fit for soft reads. */
  | { readonly type: 'followers.changed'; readonly any: boolean };

export interface RouteTiming {
  /** At the start, how long a primary is looked for before soft reads go elsewhere. */
  readonly discoverMs: number;
  /** A silent primary whose link stands is given up after this. */
  readonly suspectMs: number;
  /** Requests are only held for this long; then soft reads go to a follower. */
  readonly holdMs: number;
}

export const ROUTE_TIMING: RouteTiming = { discoverMs: 3_000, suspectMs: 1_000, holdMs: 1_500 };

export interface RouteInput {
  readonly timing: RouteTiming;
  /** Called at every change of state. */
  readonly entered: (state: RouteState) => void;
}

const withoutPrimary = [{ guard: 'anyFollower', target: 'softOnly' }, { target: 'unavailable' }] as const;

export const routeMachine = setup({
  types: {} as { context: RouteInput & { anyFollower: boolean }; events: RouteMessage; input: RouteInput },
  actions: {
    tell: ({ context }, params: { state: RouteState }) => context.entered(params.state),
    note: assign({ anyFollower: ({ event, context }) => (event.type === 'followers.changed' ? event.any : context.anyFollower) }),
  },
  guards: {
    anyFollower: ({ context }) => context.anyFollower,
    nowFollowers: ({ event }) => event.type === 'followers.changed' && event.any,
    nowNone: ({ event }) => event.type === 'followers.changed' && !event.any,
  },
  delays: {
    discover: ({ context }) => context.timing.discoverMs,
    suspect: ({ context }) => context.timing.suspectMs,
    hold: ({ context }) => context.timing.holdMs,
  },
}).createMachine({
  id: 'route',
  context: ({ input }) => ({ ...input, anyFollower: false }),
  initial: 'discovering',
  on: {
    'primary.found': { target: '.routed' },
    'followers.changed': { actions: 'note' },
  },
  states: {
    discovering: {
      entry: { type: 'tell', params: { state: 'discovering' } },
      after: { discover: withoutPrimary },
    },
    routed: {
      entry: { type: 'tell', params: { state: 'routed' } },
      on: { 'primary.silent': 'suspect', 'primary.lost': 'holding' },
    },
    suspect: {
      entry: { type: 'tell', params: { state: 'suspect' } },
      on: { 'primary.heard': 'routed', 'primary.lost': 'holding' },
      after: { suspect: 'holding' },
    },
    holding: {
      entry: { type: 'tell', params: { state: 'holding' } },
      on: { 'primary.heard': 'routed' },
      after: { hold: withoutPrimary },
    },
    softOnly: {
      entry: { type: 'tell', params: { state: 'softOnly' } },
      on: {
        'primary.heard': 'routed',
        'followers.changed': [{ guard: 'nowNone', target: 'unavailable', actions: 'note' }, { actions: 'note' }],
      },
    },
    unavailable: {
      entry: { type: 'tell', params: { state: 'unavailable' } },
      on: {
        'primary.heard': 'routed',
        'followers.changed': [{ guard: 'nowFollowers', target: 'softOnly', actions: 'note' }, { actions: 'note' }],
      },
    },
  },
});
