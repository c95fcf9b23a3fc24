import { setup } from 'xstate';
import type { Message } from '../../bus/reactor.ts';

/** Facts about a primary's way to one follower. Entries and acknowledgements go beside it. */
export type ReplicationLinkEvent =
  | { readonly type: 'peer.up' }
  | { readonly type: 'peer.down' }
  /** The follower has said where its log ends, and where this one goes on is known. */
  | { readonly type: 'follower.probed' }
  /** It does not continue there, or has fallen silent: ask again. */
  | { readonly type: 'follower.lost' }
  /** What it lacks is no longer in the log. */
  | { readonly type: 'log.compacted' }
  | { readonly type: 'snapshot.installed' }
  | { readonly type: 'lag.grew' }
  | { readonly type: 'lag.closed' };

export interface ReplicationLinkEffects {
  readonly probe: () => void;
  readonly sendSnapshot: () => void;
}

/** The life of a primary's way to one follower. */
export const replicationLinkMachine = setup({
  types: {
    context: {} as { readonly effects: ReplicationLinkEffects },
    events: {} as ReplicationLinkEvent & Message,
    input: {} as { readonly effects: ReplicationLinkEffects },
  },
  actions: {
    probe: ({ context }) => context.effects.probe(),
    sendSnapshot: ({ context }) => context.effects.sendSnapshot(),
  },
}).createMachine({
  id: 'replication-link',
  context: ({ input }) => ({ effects: input.effects }),
  initial: 'connecting',
  on: { 'peer.down': '.down', 'peer.up': '.probing', 'follower.lost': '.probing' },
  states: {
    connecting: { on: { 'follower.lost': undefined } },
    probing: { entry: 'probe', on: { 'follower.probed': 'lagging', 'log.compacted': 'snapshot' } },
    snapshot: { entry: 'sendSnapshot', on: { 'snapshot.installed': 'lagging' } },
    lagging: { on: { 'lag.closed': 'streaming', 'log.compacted': 'snapshot' } },
    streaming: { on: { 'lag.grew': 'lagging', 'log.compacted': 'snapshot' } },
    down: { on: { 'follower.lost': undefined } },
  },
});
