import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { type Behaviour, TestNet } from './fake-tracker.test-kit.ts';

const peers = [{ host: '10.0.0.7', port: 5, peerId: null }];

const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.record({
    intervalSeconds: fc.integer({ min: 0, max: 4_000 }),
    minIntervalSeconds: fc.option(fc.nat({ max: 4_000 })),
    peers: fc.constant(peers),
  }),
  fc.constant({ kind: 'silent' as const }),
  fc.constant({ kind: 'refusal' as const, reason: 'no' }),
  fc.constant({ kind: 'refusal' as const, reason: 'not yet', retryInSeconds: 600 }),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => ({ kind: 'raw' as const, bytes: Buffer.from(bytes).toString('latin1') })),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => ({
    kind: 'raw' as const,
    bytes: `HTTP/1.1 200 OK\r\n\r\nd${Buffer.from(bytes).toString('latin1')}`,
  })),
  fc.constantFrom('/announce', 'http://t2.test/announce', 'http://nowhere.test/', '//', 'http://localhost/').map((to) => ({
    kind: 'redirect' as const,
    to: `${to}?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&port=1`,
  })),
);

const url = fc.constantFrom(
  'http://t1.test/announce',
  'http://t2.test/announce',
  'udp://t1.test:6969/announce',
  'udp://t2.test:6969/announce',
  'udp://nowhere.test:1/',
  'http://10.0.9.99/announce',
);

const torrent = fc.record({
  tiers: fc.array(fc.array(url, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  private: fc.boolean(),
  completesAfterSeconds: fc.option(fc.nat({ max: 3_000 })),
});

it('whatever trackers do, announces are bounded, a private torrent asks one at a time, and after the goodbyes nothing is left', () => {
  fc.assert(
    fc.property(
      fc.array(torrent, { minLength: 1, maxLength: 5 }),
      fc.array(behaviour, { minLength: 1, maxLength: 8 }),
      (torrents, behaviours) => {
        const net = new TestNet({ link: { latencyMs: 20, jitterMs: 10, lossShare: 0.1 } });
        let asked = 0;
        const trackers = ['10.0.9.1', '10.0.9.2'].map((host) =>
          net.tracker(host, () => behaviours[asked++ % behaviours.length] as Behaviour),
        );
        const node = net.node();
        const followed = torrents.map((each) => ({ ...each, ...node.follow(each.tiers, { private: each.private }) }));
        for (const { follower, completesAfterSeconds } of followed) {
          if (completesAfterSeconds === null) continue;
          net.scheduler.at(completesAfterSeconds * 1_000_000, () => node.act(() => follower.announceNow('completed')));
        }
        for (let minute = 0; minute < 90; minute++) {
          net.runFor(60);
          for (const one of followed) {
            const asking = one.follower.status().filter(({ state }) => state === 'asking');
            if (one.private) assert.ok(asking.length <= 1);
          }
          assert.ok(node.client.connections <= 32);
        }
        // The shortest interval is ten seconds; a redirect is two requests, a goodbye and a completion one more.
        assert.ok(trackers.every(({ heard }) => heard.length <= torrents.length * 4 * (5_400 / 10 + 10) * 3));
        let over = 0;
        for (const { follower } of followed) node.act(() => follower.stop(() => over++));
        net.runFor(200);
        assert.equal(over, torrents.length);
        assert.equal(node.client.connections, 0);
        assert.deepEqual(
          trackers.map(({ open }) => open),
          [0, 0],
        );
        const heard = trackers.reduce((sum, each) => sum + each.heard.length, 0);
        assert.equal(net.scheduler.next(), false, 'no timer is left');
        assert.equal(
          trackers.reduce((sum, each) => sum + each.heard.length, 0),
          heard,
        );
      },
    ),
    { numRuns: 25 },
  );
});
