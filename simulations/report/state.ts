/** What a process is at a moment, in a few fields, from what its role says of itself. */

export type ProcessState = Readonly<Record<string, string | number>>;

/** Fields that say where a process is; the rest of a status (addresses, totals) stays out. By place in the status. */
const FIELDS: readonly (readonly [section: string, fields: readonly string[]])[] = [
  ['replica', ['role', 'epoch', 'mode', 'primary', 'lastSeq', 'commitSeq', 'appliedSeq', 'waitsFor']],
  ['swarm', ['phase', 'nodes']],
  ['proxy', ['state', 'epoch', 'primary', 'members', 'requestsUnderWay']],
  ['voter', ['phase', 'promised']],
  ['node', ['session', 'account', 'epoch', 'primary']],
];

export const stateOf = (status: object): ProcessState => {
  const state: Record<string, string | number> = {};
  for (const [section, fields] of FIELDS) {
    const part = (status as Readonly<Record<string, unknown>>)[section];
    if (typeof part !== 'object' || part === null) continue;
    for (const field of fields) {
      const value = (part as Readonly<Record<string, unknown>>)[field];
      if (typeof value === 'string' || typeof value === 'number')
        state[section === 'voter' || section === 'swarm' ? `${section}.${field}` : field] = value;
    }
    const accepted = (part as { readonly accepted?: { readonly e: number; readonly v: number; readonly isr: readonly string[] } }).accepted;
    if (accepted !== undefined) state[`${section}.accepted`] = `${accepted.e}.${accepted.v} {${accepted.isr.join(', ')}}`;
  }
  return state;
};
