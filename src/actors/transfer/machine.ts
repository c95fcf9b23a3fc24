/** The life of one transfer. It sees changes only; pieces, peers and bytes live in `data/exchange`. */
import { assign, setup } from 'xstate';

export type TransferPhase =
  | 'checking'
  | 'queued'
  | 'waiting'
  | 'downloading'
  | 'completing'
  | 'resting'
  | 'seeding'
  | 'moving'
  | 'paused'
  | 'failed';

export type TransferMessage =
  /** The check of what is on disk is over. */
  | { readonly type: 'transfer.checked'; readonly complete: boolean }
  /** Its turn has come: a node downloads so many at once, and seeds so many. */
  | { readonly type: 'slot.granted' }
  /** Others come before it: it waits for another turn. */
  | { readonly type: 'slot.taken' }
  /** The first peer that has what is missing. */
  | { readonly type: 'transfer.first' }
  /** No peer has what is missing. */
  | { readonly type: 'transfer.stalled' }
  /** All that is wanted is verified and written. */
  | { readonly type: 'transfer.complete' }
  /** Everything is where it belongs; `turn`: it may be seeded at once. */
  | { readonly type: 'transfer.placed'; readonly turn: boolean }
  /** It was seeded by as much, or for as long, as its user wanted. */
  | { readonly type: 'transfer.goal' }
  /** Its files are to lie in another folder. */
  | { readonly type: 'transfer.move' }
  /** They do, or stay where they were; `paused`: and so does it. */
  | { readonly type: 'transfer.moved'; readonly paused: boolean }
  | { readonly type: 'disk.full'; readonly reason: string }
  /** A file changed or vanished, the disk failed, the torrent is broken. */
  | { readonly type: 'transfer.fault'; readonly reason: string }
  | { readonly type: 'transfer.pause' }
  | { readonly type: 'transfer.resume' }
  /** Everything is to be hashed, whatever the journal says. */
  | { readonly type: 'transfer.recheck' }
  /** More of its files are wanted. */
  | { readonly type: 'transfer.extend' };

/** What the machine has done. Each is called on entering a phase, after what ran before was told to stop. */
export interface TransferEffects {
  /** Hashes what is to be hashed, then posts `transfer.checked`. */
  check(all: boolean): void;
  /** Asks for a turn, answered by `slot.granted`. */
  queue(): void;
  /** Meets peers: to fetch, and to give what is there. */
  exchange(): void;
  /** Syncs and moves the content to where it belongs, then posts `transfer.placed`. */
  place(): void;
  /** Tells the network that this node owns it, and goes on giving. */
  seed(): void;
  /** Tells the network the same, and asks for a turn to give, answered by `slot.granted`. */
  rest(): void;
  /** Moves the files, then posts `transfer.moved`. */
  move(): void;
  /** Lets all peers go. */
  halt(): void;
  entered(phase: TransferPhase): void;
}

export interface TransferInput {
  readonly effects: TransferEffects;
  /** `paused`: waits for `transfer.resume`; `moving`: goes on with a move that a crash has interrupted. */
  readonly begin: 'check' | 'paused' | 'moving';
}

export interface TransferContext {
  readonly effects: TransferEffects;
  readonly begin: TransferInput['begin'];
  /** For paused and failed: why. */
  readonly reason: string | null;
  readonly checkAll: boolean;
}

/** How long a download waits for room on a full disk before it looks again. */
const ROOM_MS = 15_000;

export const transferMachine = setup({
  types: {} as { context: TransferContext; events: TransferMessage; input: TransferInput },
  actions: {
    check: ({ context }) => context.effects.check(context.checkAll),
    queue: ({ context }) => context.effects.queue(),
    exchange: ({ context }) => context.effects.exchange(),
    place: ({ context }) => context.effects.place(),
    seed: ({ context }) => context.effects.seed(),
    rest: ({ context }) => context.effects.rest(),
    move: ({ context }) => context.effects.move(),
    halt: ({ context }) => context.effects.halt(),
    entered: ({ context }, params: { phase: TransferPhase }) => context.effects.entered(params.phase),
    because: assign({ reason: ({ event }) => ('reason' in event ? event.reason : null) }),
    checkAll: assign({ checkAll: true }),
    checkFew: assign({ checkAll: false }),
  },
  delays: { roomAgain: ROOM_MS },
  guards: {
    complete: ({ event }) => event.type === 'transfer.checked' && event.complete,
    beginsPaused: ({ context }) => context.begin === 'paused',
    beginsMoving: ({ context }) => context.begin === 'moving',
    itsTurn: ({ event }) => event.type === 'transfer.placed' && event.turn,
    staysPaused: ({ event }) => event.type === 'transfer.moved' && event.paused,
  },
}).createMachine({
  id: 'transfer',
  context: ({ input }) => ({ effects: input.effects, begin: input.begin, reason: null, checkAll: false }),
  initial: 'starting',
  on: {
    'transfer.pause': { target: '.paused', actions: 'because' },
    'disk.full': { target: '.full', actions: 'because' },
    'transfer.fault': { target: '.failed', actions: 'because' },
    'transfer.recheck': { target: '.checking', actions: 'checkAll', reenter: true },
    'transfer.extend': { target: '.checking', reenter: true },
    'transfer.move': '.moving',
  },
  states: {
    starting: {
      always: [{ guard: 'beginsMoving', target: 'moving' }, { guard: 'beginsPaused', target: 'paused' }, { target: 'checking' }],
    },
    checking: {
      entry: [{ type: 'entered', params: { phase: 'checking' } }, 'halt', 'check'],
      exit: 'checkFew',
      on: { 'transfer.checked': [{ guard: 'complete', target: 'completing' }, { target: 'queued' }] },
    },
    queued: {
      entry: [{ type: 'entered', params: { phase: 'queued' } }, 'queue'],
      on: { 'slot.granted': 'active' },
    },
    active: {
      entry: 'exchange',
      initial: 'waiting',
      on: { 'transfer.complete': 'completing', 'slot.taken': { target: 'queued', actions: 'halt' } },
      states: {
        waiting: {
          entry: { type: 'entered', params: { phase: 'waiting' } },
          on: { 'transfer.first': 'downloading' },
        },
        downloading: {
          entry: { type: 'entered', params: { phase: 'downloading' } },
          on: { 'transfer.stalled': 'waiting' },
        },
      },
    },
    completing: {
      entry: [{ type: 'entered', params: { phase: 'completing' } }, 'place'],
      on: { 'transfer.placed': [{ guard: 'itsTurn', target: 'seeding' }, { target: 'resting' }] },
    },
    /** Complete, and not given: so many others are. */
    resting: {
      entry: [{ type: 'entered', params: { phase: 'resting' } }, 'halt', 'rest'],
      on: { 'slot.granted': 'seeding' },
    },
    seeding: {
      entry: [{ type: 'entered', params: { phase: 'seeding' } }, 'seed'],
      on: { 'slot.taken': 'resting', 'transfer.goal': { target: 'paused', actions: 'because' } },
    },
    moving: {
      entry: [{ type: 'entered', params: { phase: 'moving' } }, 'halt', 'move'],
      on: {
        'transfer.moved': [{ guard: 'staysPaused', target: 'paused' }, { target: 'checking' }],
        // What is asked for meanwhile is done when they lie there: it is checked then, or stays paused.
        'transfer.pause': {},
        'transfer.recheck': { actions: 'checkAll' },
        'transfer.extend': {},
        'transfer.move': {},
        'transfer.fault': {},
        'disk.full': {},
      },
    },
    paused: {
      entry: [{ type: 'entered', params: { phase: 'paused' } }, 'halt'],
      on: { 'transfer.resume': 'checking', 'transfer.pause': { actions: 'because' }, 'disk.full': {} },
    },
    /** Paused by the disk, not by anybody: it goes on by itself. */
    full: {
      entry: [{ type: 'entered', params: { phase: 'paused' } }, 'halt'],
      on: { 'transfer.resume': 'checking', 'disk.full': {} },
      after: { roomAgain: 'checking' },
    },
    failed: {
      entry: [{ type: 'entered', params: { phase: 'failed' } }, 'halt'],
      on: { 'transfer.resume': { target: 'checking', actions: 'checkAll' }, 'transfer.fault': {}, 'disk.full': {} },
    },
  },
});
