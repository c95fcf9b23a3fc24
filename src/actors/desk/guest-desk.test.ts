import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passkeyHash } from '../../domain/accounts/passkeys.ts';
import type { TallyFacts } from '../../domain/swarm/tally.ts';
import { silentLog } from '../../ports/log.ts';
import { makeTestTorrent, testBytes, type TestTorrent } from '../../protocol/bittorrent/torrent.test-kit.ts';
import type { GuestAnnouncedFrame, GuestAnnounceFrame, GuestScrapedFrame } from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';
import { GuestDesk } from './guest-desk.ts';
import { Office } from './office.test-kit.ts';
import { PasskeyBook } from './passkey-book.ts';

const torrentOf = (name: string): TestTorrent => makeTestTorrent([{ path: ['a.bin'], bytes: testBytes(40_000) }], { name });

/** A tracker at which An shares a torrent and has a passkey. */
class Reception {
  readonly office = new Office();
  readonly counted: TallyFacts[] = [];
  readonly book = new PasskeyBook({ clock: this.office.clock, log: silentLog, database: this.office.database });
  readonly token = this.office.member('An');
  readonly torrent = torrentOf('x');
  readonly passkey: string;
  readonly desk: GuestDesk;

  constructor(passkeys: 'required' | 'open' = 'required') {
    const { office, token, torrent, counted } = this;
    office.enter(token);
    office.ask({ op: 'own', content: { ...claim(torrent) }, node: 'n1' }, { token, tail: torrent.bytes });
    this.passkey = office.ask({ op: 'passkey.new', device: 'laptop' }, { token }).passkey;
    this.desk = new GuestDesk({
      clock: office.clock,
      random: { u32: () => 0, fork: () => this.#random } as never,
      database: office.database,
      replica: office.replica,
      swarm: office.swarm,
      passkeys: this.book,
      settings: { announce: { passkeys, intervalSeconds: 300 } },
      count: (facts) => void counted.push(facts),
      completedOf: () => 3,
    });
  }

  get hashes(): { readonly v1: string; readonly v2: string } {
    const { v1, v2 } = this.torrent.metainfo;
    return { v1: toHex(v1 ?? new Uint8Array(0)), v2: toHex(v2 ?? new Uint8Array(0)).slice(0, 40) };
  }

  announce(fields: Partial<GuestAnnounceFrame> = {}): GuestAnnouncedFrame['outcome'] | null {
    let answer: GuestAnnouncedFrame | null = null;
    const frame: GuestAnnounceFrame = {
      kind: 'guestAnnounce',
      nonce: 5,
      passkeyHash: passkeyHash(this.passkey),
      infoHash: this.hashes.v1,
      peerId: '2d'.repeat(20),
      key: '',
      host: '10.0.0.5',
      port: 6_881,
      event: 'none',
      leftBytes: 100,
      uploadedBytes: 0,
      downloadedBytes: 0,
      want: 50,
      family: 'any',
      replay: false,
      silentMs: 0,
      ...fields,
    };
    this.office.step(() =>
      this.desk.announce(frame, 'p1', (reply) => {
        assert.equal(answer, null, 'answered once');
        answer = reply;
      }),
    );
    const replied = answer as GuestAnnouncedFrame | null;
    assert.ok(replied === null || replied.nonce === 5);
    return replied?.outcome ?? null;
  }

  scrape(infoHashes: readonly string[], hash: string | null = passkeyHash(this.passkey)): GuestScrapedFrame['outcome'] | null {
    let answer: GuestScrapedFrame | null = null;
    this.office.step(() => this.desk.scrape({ kind: 'guestScrape', nonce: 6, passkeyHash: hash, infoHashes }, (reply) => (answer = reply)));
    return (answer as GuestScrapedFrame | null)?.outcome ?? null;
  }

  /** Why it was refused, or what else came of it. */
  why(fields: Partial<GuestAnnounceFrame> = {}): string | null {
    const outcome = this.announce(fields);
    return outcome?.kind === 'refused' ? outcome.why : (outcome?.kind ?? null);
  }

  readonly #random = { u32: () => 0 };
}

const claim = ({ metainfo }: TestTorrent) => ({
  id: metainfo.id,
  v1: null,
  v2: null,
  name: '',
  tags: [],
  size: 1,
  files: 1,
  pieceLength: 1,
});

test('both info-hashes of a content are one swarm, in which a guest counts once; its account is the passkey’s', () => {
  const reception = new Reception();
  const { v1, v2 } = reception.hashes;
  const [first, second] = [reception.announce({ leftBytes: 0 }), reception.announce({ infoHash: v2, leftBytes: 0, host: '2001:db8::1' })];
  for (const answer of [first, second]) {
    assert.ok(answer?.kind === 'peers');
    assert.deepEqual([answer.seeders, answer.leechers, answer.completed, answer.intervalSeconds], [1, 0, 3, 30]);
  }
  assert.deepEqual(reception.scrape([v1, v2, 'ab'.repeat(20)]), {
    kind: 'counts',
    swarms: [{ seeders: 1, leechers: 0, completed: 3 }, { seeders: 1, leechers: 0, completed: 3 }, null],
  });
  assert.deepEqual(
    reception.counted.map(({ account, content, source }) => [account, content, source]),
    Array.from({ length: 2 }, () => ['An', reception.torrent.metainfo.id, reception.counted[0]?.source]),
  );
});

test('nodes and guests hear of each other', () => {
  const reception = new Reception();
  const { office } = reception;
  const content = reception.torrent.metainfo.id;
  const item = { content, event: 'started' as const, leftBytes: 0, uploadedBytes: 0, downloadedBytes: 0, want: 10 };
  office.step(() => {
    office.desk.announce({ kind: 'announce', node: 'n1', incarnation: 'i-n1', sequence: 1, items: [item] }, 'p1', '');
  });
  const told = reception.announce({ host: '127.0.0.1' });
  assert.ok(told?.kind === 'peers');
  assert.equal(told.peers.length, 1);
  assert.equal(office.swarm.registry.seedersOf(content), 1);
});

test('a passkey that nobody has, a torrent of nobody: refused, once that is the newest there is', () => {
  const reception = new Reception();
  const { reads } = reception.office;
  assert.equal(reception.why({ passkeyHash: 'ff'.repeat(32) }), 'passkey');
  assert.equal(reception.why({ infoHash: 'ff'.repeat(20) }), 'unregistered');
  assert.equal(reception.why({ passkeyHash: null }), 'closed');
  assert.equal(reception.office.reads - reads, 2);
  // Another replica may know better.
  reception.office.leads = false;
  assert.equal(reception.why({ passkeyHash: 'ff'.repeat(32) }), 'later');
  assert.equal(reception.why({ infoHash: 'ff'.repeat(20) }), 'later');
  assert.equal(reception.why(), 'peers');
  // And whoever cannot read says nothing at all.
  reception.office.unreadable = 'io';
  assert.equal(reception.why({ infoHash: 'ee'.repeat(20) }), 'later');
});

test('what comes into the catalog while it is asked for is found', () => {
  const reception = new Reception();
  const { office, token } = reception;
  const late = torrentOf('late');
  const infoHash = toHex(late.metainfo.v1 ?? new Uint8Array(0));
  assert.equal(reception.why({ infoHash }), 'unregistered');
  office.ask({ op: 'own', content: claim(late), node: 'n1' }, { token, tail: late.bytes });
  assert.equal(reception.why({ infoHash }), 'peers');
});

test('a content that has left the catalog is known as gone within a minute', () => {
  const reception = new Reception();
  const { office, token } = reception;
  assert.equal(reception.why(), 'peers');
  office.ask({ op: 'disown', content: reception.torrent.metainfo.id, node: 'n1' }, { token });
  office.wait(61);
  assert.equal(reception.why(), 'unregistered');
});

test('a disabled account and a revoked passkey lose their guests at once', () => {
  const reception = new Reception();
  const { office, token, desk, book } = reception;
  reception.announce({ leftBytes: 0 });
  assert.equal(office.swarm.registry.guests.count, 1);
  office.ask({ op: 'passkey.revoke', passkey: 'laptop' }, { token });
  office.step(() => {
    book.applied(['someone else']);
    desk.passkeysChanged(['someone else']);
  });
  assert.equal(office.swarm.registry.guests.count, 1);
  office.step(() => {
    book.applied(['an']);
    desk.passkeysChanged(['an']);
  });
  assert.equal(office.swarm.registry.guests.count, 0);
  assert.equal(reception.why(), 'passkey');
});

test('a replay is taken in without an answer, as of when it was said; one that was held on its way, too', () => {
  const reception = new Reception();
  reception.office.wait(100);
  assert.equal(reception.announce({ leftBytes: 0, replay: true, silentMs: 90_000 }), null);
  assert.equal(reception.office.swarm.registry.seedersOf(reception.torrent.metainfo.id), 1);
  // What was said before that is late.
  assert.equal(reception.announce({ event: 'stopped', silentMs: 95_000 })?.kind, 'peers');
  assert.equal(reception.office.swarm.registry.seedersOf(reception.torrent.metainfo.id), 1);
  assert.equal(reception.announce({ passkeyHash: 'ff'.repeat(32), replay: true }), null);
});

test('in an open network guests come without a passkey too, and nothing is counted for them', () => {
  const reception = new Reception('open');
  assert.equal(reception.why({ passkeyHash: null, uploadedBytes: 5 }), 'peers');
  assert.equal(reception.counted.length, 0);
  assert.equal(reception.why({ passkeyHash: 'ff'.repeat(32) }), 'passkey');
  assert.equal(reception.scrape([reception.hashes.v1], null)?.kind, 'counts');
});

test('who finds nobody, and everybody while the swarms are rebuilt, is to come back soon; otherwise by the interval', () => {
  const reception = new Reception();
  const { office } = reception;
  const intervalOf = (fields: Partial<GuestAnnounceFrame>): number => {
    const answer = reception.announce(fields);
    return answer?.kind === 'peers' ? answer.intervalSeconds : 0;
  };
  office.swarm.start();
  assert.equal(intervalOf({ leftBytes: 0 }), 30);
  office.step(() => office.swarm.primaryChanged(true, 1));
  office.wait(61);
  assert.equal(intervalOf({ leftBytes: 0 }), 300);
  assert.equal(intervalOf({ peerId: 'aa'.repeat(20) }), 300);
  assert.equal(intervalOf({ peerId: 'bb'.repeat(20), infoHash: reception.hashes.v2, want: 0 }), 300);
  office.swarm.registry.removeAccount('An');
  assert.equal(intervalOf({ peerId: 'cc'.repeat(20) }), 30);
});
