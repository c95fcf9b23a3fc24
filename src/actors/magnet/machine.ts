/** The life of a magnet link until its torrent is here. It sees changes only; peers and pieces live in `data/metadata-fetch`. */
import { assign, setup } from 'xstate';

export type MagnetPhase = 'asking' | 'fetching' | 'settingUp' | 'paused' | 'failed' | 'over';

export type MagnetMessage =
  /** The catalog has the content: its torrent is taken from there. */
  | { readonly type: 'magnet.known' }
  /** The catalog does not have it, or cannot be asked now. */
  | { readonly type: 'magnet.unknown' }
  /** The network, which could not be asked, is reached. */
  | { readonly type: 'magnet.reached' }
  /** Peers have given the torrent. */
  | { readonly type: 'magnet.fetched' }
  /** The download has begun: nothing is left to do here. */
  | { readonly type: 'magnet.done' }
  /** The torrent is none that can be downloaded, or something is in the way. */
  | { readonly type: 'magnet.fault'; readonly reason: string }
  | { readonly type: 'magnet.pause' }
  | { readonly type: 'magnet.resume' };

/** What the machine has done. */
export interface MagnetEffects {
  /** Asks the catalog: `magnet.known`, `magnet.unknown`. */
  ask(): void;
  /** Meets peers and fetches the torrent from them: `magnet.fetched`, `magnet.fault`. */
  fetch(): void;
  /** Begins the download of what was found: `magnet.done`, `magnet.fault`. */
  setUp(): void;
  /** Lets all peers go. */
  halt(): void;
  /** It is over: nobody needs it any more. */
  over(): void;
  entered(phase: MagnetPhase): void;
}

export interface MagnetInput {
  readonly effects: MagnetEffects;
  /** `fetch`: the catalog has been asked already. `paused`: waits for `magnet.resume`. */
  readonly begin: 'ask' | 'fetch' | 'paused';
}

interface MagnetContext extends MagnetInput {
  /** For failed: why. */
  readonly reason: string | null;
}

export const magnetMachine = setup({
  types: {} as { context: MagnetContext; events: MagnetMessage; input: MagnetInput },
  actions: {
    ask: ({ context }) => context.effects.ask(),
    fetch: ({ context }) => context.effects.fetch(),
    setUp: ({ context }) => context.effects.setUp(),
    halt: ({ context }) => context.effects.halt(),
    over: ({ context }) => context.effects.over(),
    entered: ({ context }, params: { phase: MagnetPhase }) => context.effects.entered(params.phase),
    because: assign({ reason: ({ event }) => ('reason' in event ? event.reason : null) }),
  },
  guards: {
    beginsPaused: ({ context }) => context.begin === 'paused',
    isAsked: ({ context }) => context.begin === 'fetch',
  },
}).createMachine({
  id: 'magnet',
  context: ({ input }) => ({ ...input, reason: null }),
  initial: 'starting',
  states: {
    starting: { always: [{ guard: 'beginsPaused', target: 'paused' }, { guard: 'isAsked', target: 'fetching' }, { target: 'asking' }] },
    asking: {
      entry: [{ type: 'entered', params: { phase: 'asking' } }, 'ask'],
      on: { 'magnet.known': 'settingUp', 'magnet.unknown': 'fetching', 'magnet.pause': 'paused' },
    },
    fetching: {
      entry: [{ type: 'entered', params: { phase: 'fetching' } }, 'fetch'],
      exit: 'halt',
      on: {
        'magnet.fetched': 'settingUp',
        'magnet.reached': 'asking',
        'magnet.pause': 'paused',
        'magnet.fault': { target: 'failed', actions: 'because' },
      },
    },
    /** Short, and not to be paused: the disk is looked at and written to. */
    settingUp: {
      entry: [{ type: 'entered', params: { phase: 'settingUp' } }, 'setUp'],
      on: { 'magnet.done': 'over', 'magnet.fault': { target: 'failed', actions: 'because' } },
    },
    paused: { entry: { type: 'entered', params: { phase: 'paused' } }, on: { 'magnet.resume': 'asking' } },
    failed: {
      entry: { type: 'entered', params: { phase: 'failed' } },
      on: { 'magnet.resume': 'asking', 'magnet.pause': 'paused' },
    },
    over: { entry: [{ type: 'entered', params: { phase: 'over' } }, 'over'], type: 'final' },
  },
});
