/** The life of one transfer. It sees changes only; pieces, peers and bytes live in `data/exchange`. */
import { assign, setup } from 'xstate';

export type TransferPhase = 'checking' | 'queued' | 'waiting' | 'downloading' | 'completing' | 'seeding' | 'paused' | 'failed';

export type TransferMessage =
  /** The check of what is on disk is over. */
  | { readonly type: 'transfer.checked'; readonly complete: boolean }
  /** Its turn has come: a node downloads so many at once. */
  | { readonly type: 'slot.granted' }
  /** The first peer that has what is missing. */
  | { readonly type: 'transfer.first' }
  /** No peer has what is missing. */
  | { readonly type: 'transfer.stalled' }
  /** All that is wanted is verified and written. */
  | { readonly type: 'transfer.complete' }
  /** Everything is where it belongs. */
  | { readonly type: 'transfer.placed' }
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
  /** Lets all peers go. */
  halt(): void;
  entered(phase: TransferPhase): void;
}

export interface TransferInput {
  readonly effects: TransferEffects;
  /** `paused`: waits for `transfer.resume`. */
  readonly begin: 'check' | 'paused';
}

export interface TransferContext {
  readonly effects: TransferEffects;
  readonly begin: 'check' | 'paused';
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
  },
  states: {
    starting: { always: [{ guard: 'beginsPaused', target: 'paused' }, { target: 'checking' }] },
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
      on: { 'transfer.complete': 'completing' },
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
      on: { 'transfer.placed': 'seeding' },
    },
    seeding: { entry: [{ type: 'entered', params: { phase: 'seeding' } }, 'seed'] },
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
