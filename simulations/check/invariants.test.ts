import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ControlFrame } from '../../src/protocol/control/messages.ts';
import { configuration, Told } from './check.test-kit.ts';
import type { MakeChecker } from './checker.ts';
import {
  ackedIsKept,
  doneOnce,
  noLateAcks,
  oneHistory,
  onePrimaryAnEpoch,
  votersKeepTheirWord,
  watchCluster,
  whoMayLeadHasAll,
} from './invariants.ts';

const both = ['main', 'backup'];
/** Epoch 1: the tracker leads, both replicas in sync, entry 1 is its NOOP, 2 is acknowledged. */
const inSync = (make: MakeChecker): Told =>
  new Told(make)
    .chosen(configuration(1, 0, 'main'))
    .leads('tracker', 1)
    .append('tracker', 1, '')
    .append('tracker', 1, 'a change')
    .copy('tracker', 'backup')
    .chosen(configuration(1, 1, 'main', both))
    .apply('tracker', 2)
    .ack('tracker', 1, 2, 'replicated')
    .apply('backup', 2);

describe('the disk', () => {
  it('keeps what was committed over a restart, and a plan may take it away', () => {
    const found = { last: { seq: 0, epoch: 0, hash: new Uint8Array(32) }, firstSeq: 1, appliedSeq: 0, existed: false };
    const again = (how: 'kill' | 'forget'): Told =>
      inSync(watchCluster)
        .tell('stopped', 'backup', how)
        .tell('started', 'backup', 2)
        .tell('committed', 'backup', 'open', {}, { ok: true, value: found });
    again('forget');
    assert.throws(() => again('kill'), /disk: backup opens its log at 0 of epoch 0/u);
  });
});

describe('I1', () => {
  it('lets one replica lead each epoch', () => {
    inSync(onePrimaryAnEpoch)
      .leads('tracker', 1)
      .chosen(configuration(2, 0, 'backup'))
      .leads('backup', 2)
      .leads('tracker', 3);
  });

  it('finds two in one epoch', () => {
    assert.throws(() => inSync(onePrimaryAnEpoch).leads('backup', 1), /I1: tracker and backup both lead epoch 1/u);
  });
});

describe('I2', () => {
  const promise = (epoch: number): ControlFrame => ({ kind: 'promise', epoch, accepted: configuration(1, 1, 'main', both) });

  it('lets voters promise what is on their disks', () => {
    inSync(votersKeepTheirWord)
      .voter('proxy1', 2, configuration(1, 1, 'main', both))
      .sent('proxy1', 'backup', 'proxy', promise(2))
      .tell('stopped', 'proxy1', 'kill')
      .tell('started', 'proxy1', 2)
      .sent('proxy1', 'backup', 'proxy', promise(2));
  });

  it('finds a promise that was sent before it was synced, or is taken back', () => {
    assert.throws(() => inSync(votersKeepTheirWord).sent('proxy1', 'backup', 'proxy', promise(2)), /I2: proxy1 tells backup of promise 2/u);
    assert.throws(
      () => inSync(votersKeepTheirWord).voter('proxy1', 0, configuration(1, 1, 'main', both)),
      /I2: proxy1 takes back its word/u,
    );
    assert.throws(() => inSync(votersKeepTheirWord).voter('proxy1', 1, configuration(1, 0, 'main')), /I2: proxy1 takes back its word/u);
  });

  it('finds a state that is gone after a power cut, but not one that the plan took away', () => {
    const gone = (how: 'power' | 'forget'): Told => {
      const told = inSync(votersKeepTheirWord).tell('stopped', 'proxy1', how);
      told.files.clear();
      return told.tell('started', 'proxy1', 2);
    };
    assert.throws(() => gone('power'), /I2: proxy1 had synced: promised 1, accepted \(1, 1\)/u);
    // Without its state it may promise nothing.
    assert.throws(() => gone('forget').sent('proxy1', 'backup', 'proxy', promise(1)), /I2: proxy1 tells/u);
  });
});

describe('I3', () => {
  it('lets a replica lead that has everything', () => {
    inSync(ackedIsKept)
      .chosen(configuration(2, 0, 'backup'))
      .leads('backup', 2);
  });

  it('finds a primary without an acknowledged entry, and one with another in its place', () => {
    const alone = (): Told =>
      new Told(ackedIsKept)
        .chosen(configuration(1, 0, 'main'))
        .leads('tracker', 1)
        .append('tracker', 1, '')
        .apply('tracker', 1)
        .ack('tracker', 1, 1, 'local');
    assert.throws(
      () =>
        alone()
          .chosen(configuration(2, 0, 'backup'))
          .leads('backup', 2),
      /I3: backup leads epoch 2 without entry 1 of epoch 1/u,
    );
    assert.throws(() => alone().append('backup', 2, 'another').leads('backup', 2), /I3: backup leads epoch 2 without entry 1 of epoch 1/u);
  });

  it('finds two replicas that apply different entries under one number', () => {
    const told = new Told(ackedIsKept).append('tracker', 1, 'one').apply('tracker', 1).append('backup', 2, 'two');
    assert.throws(() => told.apply('backup', 1), /I3: backup applies 1 of epoch 2 .*where 1 of epoch 1/u);
  });

  it('finds an acknowledgement of what is not on the disk', () => {
    assert.throws(
      () => inSync(ackedIsKept).ack('tracker', 1, 3, 'replicated'),
      /I3: tracker acknowledges entry 3 in epoch 1, which its disk does not have/u,
    );
  });
});

describe('a forced promotion', () => {
  const alone = (make: MakeChecker): Told =>
    inSync(make)
      .chosen(configuration(1, 2, 'main'))
      .append('tracker', 1, 'alone', 3)
      .ack('tracker', 1, 3, 'local');
  const forced = (make: MakeChecker): Told =>
    alone(make)
      .chosen({ ...configuration(2, 0, 'backup'), generation: 1 })
      .leads('backup', 2);

  it('overrides what the new primary lacks, and what the old one still says', () => {
    for (const make of [ackedIsKept, noLateAcks, whoMayLeadHasAll]) {
      const told = forced(make)
        .append('backup', 2, '', 3)
        .ack('backup', 2, 3, 'local')
        .append('tracker', 1, 'late', 4)
        .ack('tracker', 1, 4, 'local');
      // The old one comes back: its tail is kept elsewhere and replaced.
      told.install('tracker', 'backup');
      assert.throws(() => told.append('tracker', 3, 'other', 4).append('backup', 2, 'x', 4), /I3/u);
    }
  });

  it('is needed for that', () => {
    assert.throws(
      () =>
        alone(ackedIsKept)
          .chosen(configuration(2, 0, 'backup'))
          .leads('backup', 2),
      /I3: backup leads epoch 2 without entry 3/u,
    );
  });
});

describe('I4', () => {
  it('lets an old primary say what the new one has', () => {
    inSync(noLateAcks)
      .chosen(configuration(2, 0, 'backup'))
      .leads('backup', 2)
      .ack('tracker', 1, 2, 'replicated');
  });

  it('finds an acknowledgement behind the back of a new primary', () => {
    const told = inSync(noLateAcks)
      .append('tracker', 1, 'late')
      .chosen(configuration(2, 0, 'backup'))
      .leads('backup', 2);
    assert.throws(
      () => told.ack('tracker', 1, 3, 'local'),
      /I4: tracker acknowledges 3 of epoch 1 .* after backup began to lead epoch 2 without it/u,
    );
  });

  it('knows what the new primary had and had not yet applied', () => {
    inSync(noLateAcks)
      .append('tracker', 1, 'late')
      .copy('tracker', 'backup')
      .chosen(configuration(2, 0, 'backup'))
      .leads('backup', 2)
      .ack('tracker', 1, 3, 'replicated');
  });
});

describe('I5', () => {
  it('lets a primary go on alone once a majority has accepted that', () => {
    inSync(whoMayLeadHasAll)
      .voter('tracker', 1, configuration(1, 2, 'main'))
      .voter('proxy1', 1, configuration(1, 2, 'main'))
      .append('tracker', 1, 'alone')
      .ack('tracker', 1, 3, 'local');
  });

  it('finds an acknowledgement while the other may still be elected', () => {
    const proposed = inSync(whoMayLeadHasAll)
      .voter('tracker', 1, configuration(1, 2, 'main'))
      .append('tracker', 1, 'alone');
    assert.throws(() => proposed.ack('tracker', 1, 3, 'local'), /I5: R2 would let backup lead, whose log lacks entry 3/u);
  });

  it('finds a learner that is taken in before it has caught up', () => {
    const alone = new Told(whoMayLeadHasAll)
      .chosen(configuration(1, 0, 'main'))
      .leads('tracker', 1)
      .append('tracker', 1, '')
      .apply('tracker', 1)
      .ack('tracker', 1, 1, 'local');
    assert.throws(
      () => alone.voter('tracker', 1, configuration(1, 1, 'main', both)).voter('proxy1', 1, configuration(1, 1, 'main', both)),
      /I5: R2 would let backup lead/u,
    );
  });

  it('does not count on a log that was lost', () => {
    const told = inSync(whoMayLeadHasAll).tell('stopped', 'backup', 'forget').tell('started', 'backup', 2);
    const empty = { last: { seq: 0, epoch: 0, hash: new Uint8Array(32) }, firstSeq: 1, appliedSeq: 0, existed: false };
    told.tell('committed', 'backup', 'open', {}, { ok: true, value: empty }).voter('backup', 2, configuration(1, 1, 'main', both), 1);
    // A later configuration vouches for it again.
    assert.throws(() => told.chosen(configuration(3, 1, 'main', both)), /I5: R2 would let backup lead/u);
  });
});

describe('I6', () => {
  it('lets logs part in different epochs', () => {
    inSync(oneHistory).append('tracker', 1, 'one').append('backup', 2, 'two').append('backup', 2, 'three');
  });

  it('finds two entries of one number and epoch', () => {
    assert.throws(() => inSync(oneHistory).append('tracker', 1, 'one').append('backup', 1, 'two'), /I6: backup stores 3 of epoch 1/u);
  });
});

describe('I7', () => {
  const requestId = { client: 'a', n: 1 };
  const reply = (seq: number, body: object) => [{ requestId, seq, epoch: 1, body: { ok: true, value: body } as const }];

  it('lets replicas apply the same, and a retry be answered the same', () => {
    new Told(doneOnce)
      .append('tracker', 1, 'x', 1, reply(1, { account: 'an', admin: false }))
      .copy('tracker', 'backup')
      .apply('backup', 1, reply(1, { admin: false, account: 'an' }))
      .ack(
        'tracker',
        1,
        1,
        'replicated',
        { ok: true, value: { account: 'an', admin: false, token: 'made again for every answer' } },
        requestId,
      );
  });

  it('finds a request that was applied twice', () => {
    const told = new Told(doneOnce).append('tracker', 1, 'x', 1, reply(1, {})).append('tracker', 1, 'y');
    assert.throws(() => told.apply('tracker', 2, reply(2, {})), /I7: tracker applies request a:1 as entry 2 .* before, it was entry 1/u);
  });

  it('finds two different answers to one request, and a refusal for its own doing', () => {
    const told = (): Told => new Told(doneOnce).append('tracker', 1, 'x', 1, reply(1, { id: 'one' }));
    assert.throws(() => told().ack('tracker', 1, 1, 'local', { ok: true, value: { id: 'two' } }, requestId), /I7: tracker answers/u);
    const taken = { ok: false, code: 'name-taken', message: '' } as const;
    assert.throws(
      () => told().ack('tracker', 1, 1, 'none', taken, requestId),
      /I7: tracker refuses request a:1 for what it has done itself/u,
    );
  });
});
