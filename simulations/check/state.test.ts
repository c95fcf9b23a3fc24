import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ok } from '../../src/protocol/result.ts';
import { configuration, replyOf, Told } from './check.test-kit.ts';
import { Violation } from './checker.ts';
import { overriddenIsKept, sameStateFromSameLog } from './state.ts';
import { routesToTheNewest } from './rules.ts';

const broken = (rule: string, does: () => unknown): void => {
  assert.throws(does, (error: unknown) => error instanceof Violation && error.checker === rule);
};

test('two replicas that have applied as much have the same tables', () => {
  const at = (process: string, appliedSeq: number): Told => {
    const told = new Told(sameStateFromSameLog);
    told.rows.set('tracker', [{ applied_seq: 4, client: 'a' }]);
    told.rows.set('backup', [{ applied_seq: appliedSeq, client: process }]);
    return told;
  };
  broken('same-state', () => at('b', 4).checker.end?.());
  at('a', 4).checker.end?.();
  at('b', 3).checker.end?.();
});

test('what a forced promotion overrides is in quarantine before it is gone', () => {
  const forced = (lines: readonly object[]): Told => {
    const told = new Told(overriddenIsKept)
      .chosen(configuration(1, 0, 'main'))
      .leads('tracker', 1)
      .append('tracker', 1, 'a');
    told.chosen({ ...configuration(2, 0, 'backup'), generation: 1 }).leads('backup', 2);
    const file = '/tracker/data/quarantine/main-1.jsonl';
    told.files.set(`tracker:${file}`, new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
    const message = 'a forced promotion overrides what this replica holds: it is kept in quarantine';
    return told.tell('logged', { at: 0, process: 'tracker', level: 'error', fields: { file, entries: 1 }, message });
  };
  const compacted = (told: Told): Told => told.tell('committed', 'tracker', 'compact', { throughSeq: 1 }, ok({ firstSeq: 2 }));
  broken('quarantine', () => compacted(forced([{ version: 1 }])).truncate('tracker', 0));
  compacted(forced([{ version: 1 }, { kind: 'state' }])).truncate('tracker', 0);
  broken('quarantine', () => forced([{ version: 1 }, { kind: 'state' }]).truncate('tracker', 0));
  broken('quarantine', () => forced([{ version: 1 }]).truncate('tracker', 0));
  forced([{ version: 1 }, { seq: 1, epoch: 1 }]).truncate('tracker', 0);
});

test('R12: a proxy asks the newest primary that it has heard of', () => {
  const status = (name: string, role: 'primary' | 'follower', epoch: number) =>
    ({ kind: 'status', name, role, epoch, primary: name, mode: 'SYNC', appliedSeq: 0, waitsFor: null }) as const;
  const request = {
    kind: 'request',
    requestId: { client: 'a', n: 1 },
    token: null,
    operation: { op: 'whoami' },
    minSeq: 0,
    require: 'any',
    deadlineMs: 1_000,
    epoch: 2,
    from: null,
    tail: new Uint8Array(0),
  } as const;
  const heard = () =>
    new Told(routesToTheNewest)
      .tell('received', 'proxy1', 'tracker', 'proxy', status('main', 'primary', 1))
      .tell('received', 'proxy1', 'backup', 'proxy', status('backup', 'primary', 2));
  broken('R12', () => heard().sent('proxy1', 'tracker', 'proxy', request));
  heard().sent('proxy1', 'backup', 'proxy', request);
  broken('R12', () => heard().sent('proxy1', 'node1', 'member', replyOf({ epoch: 1 })));
  heard()
    .sent('proxy1', 'tracker', 'proxy', { ...request, epoch: 0 })
    .sent('proxy1', 'node1', 'member', replyOf({ epoch: 1 }));
  heard()
    .tell('received', 'proxy1', 'tracker', 'proxy', status('main', 'follower', 2))
    .sent('proxy1', 'tracker', 'proxy', request);
});
