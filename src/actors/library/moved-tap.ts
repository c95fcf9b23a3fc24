import type { Reactor } from '../../bus/reactor.ts';
import type { PeerMoved } from '../../data/peer-owner.ts';

/** Whoever listens to the machines of the process when it starts hears of its connections to peers as well. */
export const movedTap = (reactor: Reactor): { readonly moved?: PeerMoved } =>
  reactor.taps.listenerCount('transition') === 0
    ? {}
    : {
        moved: (from, event, to) =>
          void reactor.taps.emit('transition', { machine: 'peer', actor: 'peer', from, event, to }, reactor.now()),
      };
