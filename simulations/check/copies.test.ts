import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeChange } from '../../src/domain/ledger/change.ts';
import { nextEntry } from '../../src/domain/replication/chain.ts';
import type { AnnouncedFrame, AnnounceFrame } from '../../src/protocol/control/messages.ts';
import { configuration, replyOf, requestOf, Told } from './check.test-kit.ts';
import type { MakeChecker } from './checker.ts';
import { announcesBeside, asDurableAsSaid, nothingAckedIsCut, promisedFirst } from './copies.ts';
import { epochsOnlyRise } from './proxies.ts';

const leading = (make: MakeChecker): Told =>
  new Told(make)
    .chosen(configuration(1, 0, 'main'))
    .leads('tracker', 1)
    .append('tracker', 1, '');
const ackOf = (epoch: number, durableSeq: number) => ({ kind: 'appendAck', epoch, durableSeq, appliedSeq: 0, proxyReach: 0 }) as const;

describe('I9', () => {
  it('lets a follower acknowledge what it has synced under its promise', () => {
    leading(promisedFirst).copy('tracker', 'backup').sent('backup', 'tracker', 'replica', ackOf(1, 1));
  });

  it('finds entries of an epoch that is not promised', () => {
    assert.throws(() => leading(promisedFirst).append('backup', 2, 'x'), /I9: backup stores 1 of epoch 2 .*promised only epoch 1/u);
  });

  it('finds an acknowledgement to a primary that is outranked, as soon as somebody was told', () => {
    const told = leading(promisedFirst)
      .copy('tracker', 'backup')
      .voter('backup', 2, configuration(1, 0, 'main'));
    const outranked = /I9: backup acknowledges to tracker in epoch 1, after it promised 2/u;
    // It may be on one of the two copies, with nobody told.
    told.sent('backup', 'tracker', 'replica', ackOf(1, 1));
    told.sent('backup', 'proxy1', 'proxy', { kind: 'vote', epoch: 2, candidate: 'backup', handOver: false });
    assert.throws(() => told.sent('backup', 'tracker', 'replica', ackOf(1, 1)), outranked);
    const again = leading(promisedFirst)
      .copy('tracker', 'backup')
      .voter('backup', 2, configuration(1, 0, 'main'))
      .tell('started', 'backup', 2);
    assert.throws(() => again.sent('backup', 'tracker', 'replica', ackOf(1, 1)), outranked);
  });

  it('finds an acknowledgement before the sync, and one of another entry', () => {
    assert.throws(() => leading(promisedFirst).sent('backup', 'tracker', 'replica', ackOf(1, 1)), /I9: .* on its disk the log ends at 0/u);
    const other = new Told(promisedFirst)
      .voter('backup', 1, configuration(0, 0, 'main'))
      .append('backup', 1, 'x')
      .chosen(configuration(2, 0, 'main'));
    other.leads('tracker', 2).append('tracker', 2, '');
    assert.throws(() => other.sent('backup', 'tracker', 'replica', ackOf(2, 1)), /I9: .*in the place of which its disk has another entry/u);
  });
});

describe('I10', () => {
  it('lets one copy be called local, and two replicated', () => {
    leading(asDurableAsSaid).ack('tracker', 1, 1, 'local').copy('tracker', 'backup').ack('tracker', 1, 1, 'replicated');
  });

  it('finds one copy that is called replicated', () => {
    assert.throws(
      () => leading(asDurableAsSaid).ack('tracker', 1, 1, 'replicated'),
      /I10: tracker calls 1 of epoch 1 .*disk of backup does not have it/u,
    );
  });

  it('finds a primary that nobody has chosen', () => {
    const told = new Told(asDurableAsSaid).voter('tracker', 1, configuration(1, 0, 'main')).append('tracker', 1, '');
    assert.throws(() => told.ack('tracker', 1, 1, 'local'), /I10: tracker acknowledges .* in which no configuration was chosen/u);
  });
});

describe('I11', () => {
  const proxy = (): Told => new Told(epochsOnlyRise).sent('proxy1', 'tracker', 'proxy', requestOf({ epoch: 4 }));

  it('lets epochs rise, a follower be asked, and a proxy begin anew', () => {
    proxy()
      .sent('proxy1', 'backup', 'proxy', requestOf({ epoch: 0 }))
      .sent('proxy1', 'node1', 'member', replyOf({ epoch: 5 }))
      .sent('proxy1', 'node1', 'member', replyOf({ epoch: 4, stale: true }))
      .sent('proxy1', 'backup', 'proxy', requestOf({ epoch: 5 }))
      .tell('started', 'proxy1', 2)
      .sent('proxy1', 'backup', 'proxy', requestOf({ epoch: 2 }));
  });

  it('finds a request to a deposed primary, and its reply', () => {
    assert.throws(
      () => proxy().sent('proxy1', 'backup', 'proxy', requestOf({ epoch: 3 })),
      /I11: proxy1 forwards a request of epoch 3, after one of epoch 4/u,
    );
    const replied = proxy().sent('proxy1', 'node1', 'member', replyOf({ epoch: 5 }));
    assert.throws(() => replied.sent('proxy1', 'node2', 'member', replyOf({ epoch: 4 })), /I11: proxy1 accepts a reply of epoch 4/u);
  });
});

describe('I12', () => {
  it('lets a tail go that was never committed', () => {
    leading(nothingAckedIsCut).append('tracker', 1, 'x').apply('tracker', 1).truncate('tracker', 1);
  });

  it('finds a committed entry that is cut off', () => {
    const told = leading(nothingAckedIsCut).append('tracker', 1, 'x').copy('tracker', 'backup').apply('tracker', 2);
    assert.throws(() => told.truncate('backup', 1), /I12: backup cuts off 2 of epoch 1/u);
  });
});

describe('I13', () => {
  const store = (payload: Uint8Array): Told => {
    const told = new Told(announcesBeside);
    return told.store('tracker', [nextEntry(told.last('tracker'), 1, { requestId: null, payload, wallMs: 0 })]);
  };
  const announce: AnnounceFrame = { kind: 'announce', node: 'n', incarnation: 'i', sequence: 1, items: [] };
  const announced: AnnouncedFrame = {
    kind: 'announced',
    node: 'n',
    sequence: 1,
    intervalSeconds: 60,
    warming: false,
    unknownNode: false,
    items: [],
  };
  const answeredAfter = (ms: number): void => {
    const told = new Told(announcesBeside).tell('received', 'tracker', 'proxy1', 'proxy', announce);
    told.nowMs += ms;
    told.sent('tracker', 'proxy1', 'proxy', announced);
  };

  it('lets changes be stored, and announces be answered at once', () => {
    store(encodeChange({ kind: 'account.disable', folded: 'an', disabled: true }));
    answeredAfter(0);
  });

  it('finds what is no durable change in the log', () => {
    assert.throws(
      () => store(new TextEncoder().encode('{"kind":"announce"}')),
      /I13: tracker stores entry 1 of epoch 1, which is no change/u,
    );
  });

  it('lets what was transferred be counted now and then, and finds it counted with every announce', () => {
    const row = {
      folded: 'an',
      content: 'c'.repeat(64),
      source: 'n',
      shared: true,
      uploadedBytes: 1,
      downloadedBytes: 0,
      restart: null,
      completed: false,
      lastMs: 1,
    };
    const payload = encodeChange({ kind: 'tally', rows: [row] });
    const told = new Told(announcesBeside).chosen(configuration(1, 0, 'main')).leads('tracker', 1);
    const count = (): Told => told.store('tracker', [nextEntry(told.last('tracker'), 1, { requestId: null, payload, wallMs: 0 })]);
    count().copy('tracker', 'backup');
    told.nowMs += 30_000;
    count().copy('tracker', 'backup');
    told.nowMs += 1_000;
    assert.throws(count, /I13: tracker counts transfers in epoch 1 again after 1000 ms/u);
  });

  it('finds an announce that waits', () => {
    assert.throws(() => answeredAfter(1_200), /I13: tracker took 1200 ms to answer an announce of n/u);
  });
});
