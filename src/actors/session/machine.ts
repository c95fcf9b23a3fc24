/** How a node stands to the network: which proxy, whether signed in, whether entered. */
import { assign, setup } from 'xstate';

export type SessionState =
  | 'offline'
  | 'connecting'
  | 'switchingProxy'
  | 'backoff'
  | 'loggingIn'
  | 'resuming'
  | 'online.idle'
  | 'online.announcing';

export type SessionMessage =
  | { readonly type: 'session.start' }
  | { readonly type: 'session.stop' }
  | { readonly type: 'link.up' }
  /** A link that was up is down. */
  | { readonly type: 'link.down' }
  /** An attempt did not get a link. */
  | { readonly type: 'link.failed' }
  /** There is a token now: somebody signed in. */
  | { readonly type: 'account.known' }
  /** Signed out, or the token is not good any more. */
  | { readonly type: 'account.lost' }
  /** The tracker knows the node. */
  | { readonly type: 'node.entered' }
  /** Whether there are swarms to announce in. */
  | { readonly type: 'swarms.changed'; readonly any: boolean };

export interface SessionInput {
  readonly proxies: number;
  /** Milliseconds to wait after `rounds` rounds in which no proxy answered. */
  readonly backoffMs: (rounds: number) => number;
  readonly hasAccount: () => boolean;
  readonly hasSwarms: () => boolean;
  /** Dials the proxy of this index. */
  readonly dial: (proxy: number) => void;
  /** Asks the tracker to let the node in, until `node.entered` or `account.lost`. */
  readonly enter: () => void;
  readonly entered: (state: SessionState) => void;
}

interface Context extends SessionInput {
  readonly proxy: number;
  /** Failed attempts in this round. */
  readonly failures: number;
  readonly rounds: number;
}

/** From where the link was, or should have been. */
const onFailed = [{ guard: 'triedAll', target: 'backoff' }, { target: 'switchingProxy' }] as const;
const onDown = [{ guard: 'severalProxies', target: 'switchingProxy' }, { target: 'connecting' }] as const;
const onUp = [{ guard: 'hasAccount', target: 'resuming' }, { target: 'loggingIn' }] as const;

export const sessionMachine = setup({
  types: {} as { context: Context; events: SessionMessage; input: SessionInput },
  actions: {
    tell: ({ context }, params: { state: SessionState }) => context.entered(params.state),
    dial: ({ context }) => context.dial(context.proxy),
    enter: ({ context }) => context.enter(),
    next: assign({ proxy: ({ context }) => (context.proxy + 1) % context.proxies }),
    failed: assign({ failures: ({ context }) => context.failures + 1 }),
    endRound: assign({ failures: 0, rounds: ({ context }) => context.rounds + 1 }),
    succeed: assign({ failures: 0, rounds: 0 }),
  },
  guards: {
    triedAll: ({ context }) => context.failures + 1 >= context.proxies,
    severalProxies: ({ context }) => context.proxies > 1,
    hasAccount: ({ context }) => context.hasAccount(),
    hasSwarms: ({ context }) => context.hasSwarms(),
    anySwarms: ({ event }) => event.type === 'swarms.changed' && event.any,
    noSwarms: ({ event }) => event.type === 'swarms.changed' && !event.any,
  },
  delays: { backoff: ({ context }) => context.backoffMs(context.rounds) },
}).createMachine({
  id: 'session',
  context: ({ input }) => ({ ...input, proxy: 0, failures: 0, rounds: 0 }),
  initial: 'offline',
  on: { 'session.stop': '.offline' },
  states: {
    offline: {
      entry: { type: 'tell', params: { state: 'offline' } },
      on: { 'session.start': 'connecting' },
    },
    connecting: {
      entry: [{ type: 'tell', params: { state: 'connecting' } }, 'dial'],
      on: { 'link.up': [...onUp], 'link.failed': onFailed.map((to) => ({ ...to, actions: 'failed' as const })) },
    },
    switchingProxy: {
      entry: ['next', { type: 'tell', params: { state: 'switchingProxy' } }, 'dial'],
      on: { 'link.up': [...onUp], 'link.failed': onFailed.map((to) => ({ ...to, actions: 'failed' as const, reenter: true })) },
    },
    backoff: {
      entry: ['endRound', 'next', { type: 'tell', params: { state: 'backoff' } }],
      after: { backoff: 'connecting' },
    },
    loggingIn: {
      entry: ['succeed', { type: 'tell', params: { state: 'loggingIn' } }],
      on: { 'account.known': 'resuming', 'link.down': [...onDown] },
    },
    resuming: {
      entry: ['succeed', { type: 'tell', params: { state: 'resuming' } }, 'enter'],
      on: {
        'node.entered': [{ guard: 'hasSwarms', target: 'online.announcing' }, { target: 'online.idle' }],
        'account.known': { target: 'resuming', reenter: true },
        'account.lost': 'loggingIn',
        'link.down': [...onDown],
      },
    },
    online: {
      initial: 'idle',
      on: { 'account.known': 'resuming', 'account.lost': 'loggingIn', 'link.down': [...onDown] },
      states: {
        idle: {
          entry: { type: 'tell', params: { state: 'online.idle' } },
          on: { 'swarms.changed': { guard: 'anySwarms', target: 'announcing' } },
        },
        announcing: {
          entry: { type: 'tell', params: { state: 'online.announcing' } },
          on: { 'swarms.changed': { guard: 'noSwarms', target: 'idle' } },
        },
      },
    },
  },
});
