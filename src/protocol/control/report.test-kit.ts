/** Any status of a replica, with its report, for properties. */
import * as fc from 'fast-check';

const integer = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const replicaRole = fc.constantFrom('booting' as const, 'follower' as const, 'primary' as const, 'halted' as const);
const mode = fc.constantFrom('SYNC' as const, 'SOLO' as const, 'NONE' as const);
const serverReport = fc.record({
  name,
  role: replicaRole,
  mode,
  epoch: integer,
  generation: integer,
  primary: fc.option(name),
  waitsFor: fc.option(name),
  lastSeq: integer,
  commitSeq: integer,
  appliedSeq: integer,
  followers: fc.array(fc.record({ name, state: fc.string({ maxLength: 20 }), lagEntries: integer, lagBytes: fc.option(integer) }), {
    maxLength: 3,
  }),
  voters: fc.array(fc.record({ name, reachable: fc.boolean() }), { maxLength: 5 }),
  lastFailover: fc.option(
    fc.record({ wallMs: integer, epoch: integer, from: fc.option(name), to: name, why: fc.string({ maxLength: 60 }) }),
  ),
  draining: fc.boolean(),
  software: fc.string({ maxLength: 20 }),
  swarm: fc.record({ phase: fc.constantFrom('cold' as const, 'warming' as const, 'warm' as const), nodes: integer, swarms: integer }),
  proxies: fc.array(name, { maxLength: 3 }),
  requestsUnderWay: integer,
});

export const statusFrame = fc.record({
  kind: fc.constant('status' as const),
  name,
  role: replicaRole,
  epoch: integer,
  primary: fc.option(name),
  mode,
  appliedSeq: integer,
  waitsFor: fc.option(name),
  report: serverReport,
});
