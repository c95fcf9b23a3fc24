import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerOf, GateLab, HASH, INFO_HASH, PASSKEY, queryOf } from './gate.test-kit.ts';

const targetOf = (fields: Readonly<Record<string, string | number>> = {}, passkey: string | null = PASSKEY): string =>
  `${passkey === null ? '' : `/${passkey}`}/announce?${queryOf(fields)}`;
const peerIdOf = (index: number): string => `-TR3000-${String(index).padStart(12, '0')}`;
const keyOf = (index: number): string => index.toString(16).padStart(32, '0');
const intervalOf = (body: string): number => Number(/8:intervali(\d+)e/u.exec(body)?.[1]);

/** Asks, and lets so much time pass; its answer so far. */
const ask = (lab: GateLab, fields: Readonly<Record<string, string | number>> = {}): (() => string | undefined) => {
  const visitor = lab.visit();
  visitor.say(`GET ${targetOf(fields)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  lab.run(0.5);
  return () => visitor.bodies[0];
};

test('a request that meets a failover is held, and repeated to whoever leads next', () => {
  const lab = new GateLab();
  lab.answer = () => null;
  const answer = ask(lab, { event: 'completed', left: 0 });
  lab.route(null);
  lab.run(1.5);
  assert.equal(answer(), undefined);
  lab.answer = () => answerOf();
  lab.route('backup 2');
  lab.run(0.5);
  assert.match(answer() ?? '', /completei2e/u);
  const repeated = lab.announces.filter(({ replay }) => !replay);
  assert.equal(repeated.length, 2);
  assert.ok(repeated[1]?.event === 'completed' && repeated[1].silentMs >= 1_500, 'with its event, and how long ago that was');
});

test('a replica that cannot tell yet is asked again until it can', () => {
  const lab = new GateLab();
  lab.answer = () => (lab.announces.length < 4 ? { kind: 'later' } : answerOf());
  const answer = ask(lab);
  lab.run(1);
  assert.match(answer() ?? '', /completei2e/u);
});

test('where nobody answers in time, who was let in before gets what is remembered, a stranger nothing; both come back soon', () => {
  const lab = new GateLab();
  lab.get(targetOf());
  lab.answer = () => null;
  lab.route(null);
  const [known, stranger] = [
    ask(lab, { peer_id: peerIdOf(2) }),
    ((): (() => string | undefined) => {
      const visitor = lab.visit('10.0.0.8');
      visitor.say(`GET ${targetOf({}, keyOf(7))} HTTP/1.1\r\nHost: x\r\n\r\n`);
      return () => visitor.bodies[0];
    })(),
  ];
  lab.run(6);
  assert.match(known() ?? '', /5:peers6:/u);
  assert.match(stranger() ?? '', /5:peers0:/u);
  for (const body of [known(), stranger()]) {
    assert.ok(!(body ?? '').includes('failure'));
    assert.ok(intervalOf(body ?? '') >= 20 && intervalOf(body ?? '') <= 40);
  }
  // Nobody is told of itself.
  lab.route('main 1');
  lab.answer = () => answerOf({ peers: [{ peerId: Buffer.from(peerIdOf(3)).toString('hex'), host: '10.0.0.3', port: 3, seeder: false }] });
  lab.get(targetOf());
  lab.route(null);
  const itself = ask(lab, { peer_id: peerIdOf(3) });
  lab.run(6);
  assert.match(itself() ?? '', /5:peers0:/u);
});

test('whoever leads next is told of every guest, at a bounded rate, as it is and not as news', () => {
  const lab = new GateLab({ config: { limits: { requestsPerSecond: 100_000 } } });
  const visitor = lab.visit();
  for (let index = 0; index < 1_000; index++)
    visitor.say(
      `GET ${targetOf({ peer_id: peerIdOf(index), event: 'started', uploaded: 5, left: index % 2 })} HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
  lab.run(5);
  assert.equal(visitor.bodies.length, 1_000);
  // One has left, one is a partial seed.
  lab.get(targetOf({ peer_id: peerIdOf(1), event: 'stopped' }));
  lab.get(targetOf({ peer_id: peerIdOf(2), event: 'paused' }));
  lab.questions.length = 0;
  lab.route(null);
  lab.run(2);
  lab.route('backup 2');
  lab.run(0.2);
  assert.ok(lab.announces.length >= 300 && lab.announces.length <= 500, `${lab.announces.length} in the first 0.2 s`);
  lab.run(2);
  const told = new Map(lab.announces.map((frame) => [Buffer.from(frame.peerId, 'hex').toString(), frame]));
  assert.equal(told.size, 999);
  assert.ok(
    lab.announces.every(
      ({ replay, want, passkeyHash, uploadedBytes }) => replay && want === 0 && passkeyHash === HASH && uploadedBytes <= 5,
    ),
  );
  assert.deepEqual([told.get(peerIdOf(0))?.event, told.get(peerIdOf(2))?.event], ['none', 'paused']);
  assert.equal(told.get(peerIdOf(1)), undefined);
  assert.ok((told.get(peerIdOf(0))?.silentMs ?? 0) > 2_000);
});

test('a goodbye that nobody heard is told to whoever leads next, once', () => {
  const lab = new GateLab();
  lab.get(targetOf());
  lab.route(null);
  lab.get(targetOf({ event: 'stopped' }));
  lab.questions.length = 0;
  lab.route('backup 2');
  lab.run(1);
  assert.deepEqual(
    lab.announces.map(({ event, replay }) => [event, replay]),
    [['stopped', true]],
  );
  lab.questions.length = 0;
  lab.route('main 3');
  lab.run(1);
  assert.equal(lab.questions.length, 0);
});

test('a gate that is stopped answers who waits, and closes', () => {
  const lab = new GateLab();
  lab.answer = () => null;
  const visitor = lab.visit();
  visitor.say(`GET ${targetOf()} HTTP/1.1\r\nHost: x\r\n\r\n`);
  lab.run(0.5);
  lab.do(() => {
    lab.gate.stop();
    lab.doors.close();
  });
  lab.run(0.5);
  assert.match(visitor.bodies[0] ?? '', /5:peers0:/u);
  assert.ok(visitor.ended);
  assert.equal(lab.get('/', '10.0.0.4'), '');
});

test('guests that are silent for too long are forgotten, and beyond the limit those heard first', () => {
  const lab = new GateLab({ config: { limits: { rememberedMax: 3 } } });
  const kept = (): number => (lab.gate.status() as { announcesKept: number }).announcesKept;
  for (let index = 0; index < 5; index++) lab.get(targetOf({ peer_id: peerIdOf(index) }));
  assert.equal(kept(), 3);
  lab.run(700);
  lab.get(targetOf({ peer_id: peerIdOf(9) }));
  assert.equal(kept(), 1);
});

test('a wrong passkey is refused for good, and guessing has an end; who has a good one is not held for it', () => {
  const lab = new GateLab({ config: { limits: { failuresPerMinute: 5 } } });
  lab.answer = (question) => (question.passkeyHash === HASH ? answerOf() : { kind: 'refused', why: 'passkey' });
  assert.match(lab.get(targetOf()), /completei2e/u);
  assert.match(lab.get(targetOf({}, keyOf(0))), /failure reason.*passkey.*8:retry in5:never/u);
  for (let index = 1; index < 20; index++) lab.get(targetOf({}, keyOf(index)));
  const asked = lab.questions.length;
  assert.ok(asked < 16, `${asked} of 21 were looked at`);
  assert.match(lab.get(targetOf({}, keyOf(99))), /failure reason.*[Tt]oo many.*8:retry in/u);
  assert.equal(lab.questions.length, asked);
  assert.match(lab.get(targetOf()), /completei2e/u);
  // From elsewhere, and later.
  assert.match(lab.get(targetOf({}, keyOf(99)), '10.0.0.8'), /not known/u);
  lab.run(60);
  assert.match(lab.get(targetOf({}, keyOf(99))), /not known/u);
  // What cannot be a passkey costs as much.
  assert.match(lab.get(targetOf({}, 'letmein'), '10.0.0.7'), /passkey.*not known/u);
});

test('a gate for members refuses who has no passkey; an open one takes everybody', () => {
  assert.match(new GateLab().get(targetOf({}, null)), /failure reason.*for members/u);
  const open = new GateLab({ passkeys: 'open' });
  assert.match(open.get(targetOf({}, null)), /completei2e/u);
  assert.equal(open.announces[0]?.passkeyHash, null);
});

test('refusals say what is wrong, and when to come again', () => {
  const lab = new GateLab();
  lab.answer = () => ({ kind: 'refused', why: 'unregistered' });
  assert.match(lab.get(targetOf()), /failure reason.*not in the catalog.*8:retry ini5e/u);
  lab.answer = () => ({ kind: 'refused', why: 'disabled' });
  assert.match(lab.get(targetOf()), /failure reason.*disabled.*8:retry ini60e/u);
});

test('who asks too often, and all when too much is under way, get what is remembered: nobody is refused', () => {
  const lab = new GateLab({ config: { limits: { requestsPerSecond: 1, requestsUnderWayMax: 2 } } });
  lab.get(targetOf());
  for (let index = 0; index < 40; index++) {
    const body = ask(lab)() ?? '';
    assert.match(body, /5:peers6:/u);
  }
  assert.ok(lab.announces.filter(({ replay }) => !replay).length < 40);
  lab.answer = () => null;
  const before = lab.questions.length;
  const answers = ['10.0.0.3', '10.0.0.4', '10.0.0.5'].map((host) => {
    const visitor = lab.visit(host);
    visitor.say(`GET ${targetOf()} HTTP/1.1\r\nHost: x\r\n\r\n`);
    lab.run(0.5);
    return visitor;
  });
  assert.equal(lab.questions.length, before + 2);
  assert.deepEqual(
    answers.map(({ bodies }) => bodies.length),
    [0, 0, 1],
  );
});

test('a client that starts with very many torrents is in all their swarms soon, though it asks too often', () => {
  const lab = new GateLab({ config: { limits: { requestsPerSecond: 10 } } });
  lab.get(targetOf());
  const visitor = lab.visit();
  const hashOf = (index: number): string =>
    `%${(index >> 8).toString(16).padStart(2, '0')}%${(index & 255).toString(16).padStart(2, '0')}${'x'.repeat(18)}`;
  for (let index = 0; index < 500; index++)
    visitor.say(`GET ${targetOf({ info_hash: hashOf(index), event: 'started' })} HTTP/1.1\r\nHost: x\r\n\r\n`);
  lab.run(3);
  assert.equal(visitor.bodies.length, 500);
  const told = new Set(lab.announces.map(({ infoHash }) => infoHash));
  assert.equal(told.size, 501);
  assert.ok(lab.announces.filter(({ replay }) => !replay).length < 200);
});

test('a scrape while nobody leads tells what is remembered', () => {
  const lab = new GateLab();
  lab.get(targetOf());
  lab.route(null);
  const hash = INFO_HASH.replaceAll(/../gu, '%$&');
  assert.match(lab.get(`/${PASSKEY}/scrape?info_hash=${hash}`), /8:completei2e10:downloadedi7e10:incompletei1e/u);
});

test('whoever knocks and knocks does not fill the log', () => {
  const lab = new GateLab();
  const visitor = lab.visit();
  visitor.say(`GET ${targetOf({}, null)} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(500));
  lab.run(2);
  assert.equal(visitor.bodies.length, 500);
  assert.ok(lab.lines.length <= 2);
});

test('no line of the log has a passkey in it', () => {
  const lab = new GateLab();
  lab.answer = () => ({ kind: 'refused', why: 'passkey' });
  for (let index = 0; index < 40; index++) lab.get(targetOf({}, keyOf(index + 0xabcdef)));
  assert.ok(lab.lines.length >= 40);
  for (let index = 0; index < 40; index++) assert.ok(!lab.lines.some((line) => line.includes(keyOf(index + 0xabcdef))));
  assert.ok(!JSON.stringify([lab.gate.status(), lab.doors.status()]).includes(PASSKEY));
});
