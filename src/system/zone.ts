import type { Zone } from '../ports/zone.ts';

/** The zone of this process: `TZ` where that is set, else the machine's. */
export const systemZone: Zone = { offsetMinutes: (at) => -Math.round(new Date(at).getTimezoneOffset()) };
