import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejoinsFirst } from './amnesia.ts';
import { configuration, Told } from './check.test-kit.ts';
import { Violation } from './checker.ts';

const one = configuration(1, 0, 'main');
const state = (voter: string) => ({ kind: 'voterState', id: 1, reader: 'proxy1', voter, promised: 1, accepted: one }) as const;
const promise = { kind: 'promise', epoch: 2, accepted: one } as const;

/** The witness loses its files and starts again. */
const robbed = (): Told => {
  const told = new Told(rejoinsFirst).tell('started', 'proxy1', 1).chosen(one).tell('stopped', 'proxy1', 'forget');
  for (const path of told.files.keys()) if (path.startsWith('proxy1')) told.files.delete(path);
  return told.tell('started', 'proxy1', 2);
};
const breaks = (does: () => unknown): void => {
  assert.throws(does, (error: unknown) => error instanceof Violation && error.checker === 'R9');
};

test('without its state a voter says nothing before two of three others have told theirs', () => {
  breaks(() => robbed().sent('proxy1', 'backup', 'proxy', promise));
  breaks(() => robbed().tell('received', 'proxy1', 'tracker', 'proxy', state('main')).sent('proxy1', 'backup', 'proxy', promise));
  robbed()
    .tell('received', 'proxy1', 'tracker', 'proxy', state('main'))
    .tell('received', 'proxy1', 'backup', 'proxy', state('backup'))
    .sent('proxy1', 'backup', 'proxy', promise);
  robbed().sent('proxy1', 'backup', 'proxy', { kind: 'voteDenied', epoch: 2, promised: 0, reason: 'rejoining' });
});

test('a voter that was killed, or robbed of something else, has its state', () => {
  new Told(rejoinsFirst)
    .tell('started', 'proxy1', 1)
    .chosen(one)
    .tell('stopped', 'proxy1', 'kill')
    .tell('started', 'proxy1', 2)
    .sent('proxy1', 'backup', 'proxy', promise);
  new Told(rejoinsFirst)
    .tell('started', 'backup', 1)
    .chosen(one)
    .tell('stopped', 'backup', 'forget')
    .tell('started', 'backup', 2)
    .sent('backup', 'tracker', 'replica', promise);
});
