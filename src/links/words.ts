import { PROTOCOL_VERSION } from '../protocol/control/messages.ts';

/** Said by the side that saw it, with both versions, so that whoever reads it knows which program is older. */
export const otherVersion = (theirs: number): string =>
  `this side speaks protocol version ${PROTOCOL_VERSION}, the other side ${theirs}; update the ${theirs < PROTOCOL_VERSION ? 'other side' : 'side that answered'}`;
