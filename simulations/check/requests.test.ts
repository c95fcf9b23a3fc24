import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, replyOf, requestOf, Told } from './check.test-kit.ts';
import { Violation } from './checker.ts';
import { highWaterIsCarried, maybeIsNotNo, servesWhatItApplied } from './requests.ts';

const broken = (rule: string, does: () => unknown): void => {
  assert.throws(does, (error: unknown) => error instanceof Violation && error.checker === rule);
};
const logout = requestOf({ operation: { op: 'logout' } });
const refusal = (code: 'unavailable' | 'indeterminate' | 'not-primary') => replyOf({ body: { ok: false, code, message: 'made up' } });

test('a change that a replica may have made is not called unmade', () => {
  const asked = () =>
    new Told(maybeIsNotNo).tell('received', 'proxy1', 'node1', 'member', logout).sent('proxy1', 'tracker', 'proxy', logout);
  broken('indeterminate', () => asked().sent('proxy1', 'node1', 'member', refusal('unavailable')));
  asked().sent('proxy1', 'node1', 'member', refusal('indeterminate'));
  asked().tell('received', 'proxy1', 'tracker', 'proxy', refusal('not-primary')).sent('proxy1', 'node1', 'member', refusal('unavailable'));
  const again = asked().sent('proxy1', 'backup', 'proxy', logout).tell('received', 'proxy1', 'backup', 'proxy', refusal('not-primary'));
  broken('indeterminate', () => again.sent('proxy1', 'node1', 'member', refusal('unavailable')));
  const late = asked();
  late.nowMs += 11_000;
  late.tell('received', 'proxy1', 'node1', 'member', logout).sent('proxy1', 'node1', 'member', refusal('unavailable'));
  const answered = () => asked().tell('received', 'proxy1', 'tracker', 'proxy', replyOf({ body: { ok: true, value: {} } }));
  broken('indeterminate', () => answered().sent('proxy1', 'node1', 'member', refusal('unavailable')));
  // Its link was gone, and the answer with it: what it asks over another link is a new request to the proxy.
  answered().tell('received', 'proxy1', 'node1', 'member', logout).sent('proxy1', 'node1', 'member', refusal('unavailable'));
  new Told(maybeIsNotNo).sent('proxy1', 'tracker', 'proxy', requestOf({})).sent('proxy1', 'node1', 'member', refusal('unavailable'));
});

test('what a member has seen goes on with its request', () => {
  const asked = () => new Told(highWaterIsCarried).tell('received', 'proxy1', 'node1', 'member', requestOf({ minSeq: 7 }));
  broken('high-water', () => asked().sent('proxy1', 'tracker', 'proxy', requestOf({ minSeq: 0, epoch: 2 })));
  asked().sent('proxy1', 'tracker', 'proxy', requestOf({ minSeq: 9, epoch: 2 }));
  asked().sent('proxy1', 'backup', 'proxy', requestOf({ minSeq: 0, epoch: 0 }));
});

test('who leads serves when an entry of its epoch is applied', () => {
  const status = {
    kind: 'status',
    name: 'backup',
    role: 'primary',
    epoch: 2,
    primary: 'backup',
    mode: 'SOLO',
    appliedSeq: 1,
    waitsFor: null,
  } as const;
  const two = () =>
    new Told(servesWhatItApplied)
      .chosen(configuration(1, 0, 'main'))
      .append('backup', 1, 'a', 1)
      .chosen(configuration(2, 0, 'backup'))
      .leads('backup', 2);
  broken('R3', () => two().sent('backup', 'proxy1', 'proxy', status));
  two().append('backup', 2, 'noop', 2).sent('backup', 'proxy1', 'proxy', status);
});
