/** The life of a connection to a peer, as data: `Peer` follows it, and its diagram (docs) is drawn from it. */

export type PeerState = 'connecting' | 'handshaking' | 'opening' | 'active' | 'closing' | 'closed';

/** `first`: the bitfield, or what stands for it. `end`: this side wants no more. `over`: the connection is gone. */
export type PeerEvent = 'opened' | 'handshake' | 'first' | 'end' | 'over';

export const peerTransitions: Readonly<Record<PeerState, Partial<Readonly<Record<PeerEvent, PeerState>>>>> = {
  connecting: { opened: 'handshaking', end: 'closing', over: 'closed' },
  handshaking: { handshake: 'opening', end: 'closing', over: 'closed' },
  opening: { first: 'active', end: 'closing', over: 'closed' },
  active: { end: 'closing', over: 'closed' },
  closing: { over: 'closed' },
  closed: {},
};

/** The state after an event; null where the event has no place in the state, which is a programmer's mistake. */
export const nextPeerState = (state: PeerState, event: PeerEvent): PeerState | null => peerTransitions[state][event] ?? null;
