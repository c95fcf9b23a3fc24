import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Arbitrary, array, assert as holds, constantFrom, nat, property, record, tuple } from 'fast-check';
import { answerOf, badHistories, eventsOf, goodHistories, requestOf } from './histories.test-kit.ts';
import { answerOfCode, type HistoryAnswer, HistoryJudge, type HistoryRequest, judgeHistory, objectOf } from './history.ts';
import { type Model, ObjectHistory, type Verdict } from './linearizability.ts';
import { accountModel, ownerModel } from './objects.ts';

const faultsOf = (history: string) => judgeHistory(eventsOf(history)).faults;

describe('linearizability of histories', () => {
  for (const [name, history] of Object.entries(goodHistories)) it(`accepts: ${name}`, () => assert.deepEqual(faultsOf(history), []));
  for (const [name, history] of Object.entries(badHistories))
    it(`refuses: ${name}`, () => {
      const [fault] = faultsOf(history);
      assert.ok(fault, 'no fault was found');
      assert.match(fault.because, /no order explains/u);
    });

  it('tells what was asked and answered in the stretch that has no order, and from which state', () => {
    const [fault] = faultsOf('1: share, 1= ok, 2: owns, 2= false');
    assert.equal(fault?.object, 'own:c/n');
    assert.match(fault?.because ?? '', /Before: an owner\n {2}client 2 calls #2 .*owns.*\n {2}client 2 hears of #2: .*false/u);
  });

  it('judges objects apart: an order of each is enough', () => {
    const other: HistoryRequest = { do: 'login', account: 'bình', password: 'p' };
    const events = eventsOf('1: register p, 2: login p, 2= wrong-password, 1= ok');
    events[1] = { event: 'called', id: 2, client: 'client 2', request: other };
    assert.deepEqual(judgeHistory(events).faults, []);
    assert.notEqual(objectOf(other), objectOf(requestOf('login p')));
    assert.equal(objectOf({ do: 'look', account: 'Bình' }), objectOf({ do: 'look', account: 'bình'.normalize('NFD') }));
  });

  it('says of a fault when it comes out, once', () => {
    const judge = new HistoryJudge();
    const heard = eventsOf('1: register p, 1= ok, 2: login p, 2= wrong-password').map((event) => judge.hear(event) !== null);
    assert.deepEqual(heard, [false, false, false, true]);
    assert.deepEqual(judge.end(), []);
  });

  it('says nothing where it would have to look at too many orders', () => {
    const ids = Array.from({ length: 24 }, (_, index) => index + 1);
    const many = [...ids.map((id) => `${id}: reset password${id}`), ...ids.map((id) => `${id}= ok`)];
    const judged = judgeHistory(eventsOf(`100: register p, 100= ok, ${many.join(', ')}`), { stepsMax: 10_000, statesMax: 100 });
    assert.deepEqual(judged, { faults: [], undecided: ['account:an'] });
  });

  it('cuts a long history at quiet moments, and carries on what may still happen', () => {
    const history = new ObjectHistory(ownerModel);
    const reads = (id: number, value: boolean): string => {
      history.called(id, 'a', requestOf('owns'));
      return history.answered(id, { kind: 'ok', value }).kind;
    };
    history.called(0, 'a', requestOf('share'));
    history.unknown(0);
    for (let id = 1; id <= 2_000; id++) reads(id, false);
    assert.equal(reads(3_000, true), 'linearizable');
    assert.ok(history.cuts > 2_000);
    assert.equal(reads(3_001, false), 'violated');
  });

  it('knows which refusals say something of the object, and which say that nothing happened', () => {
    assert.equal(answerOfCode(requestOf('login p'), 'wrong-password').kind, 'refused');
    assert.equal(answerOfCode(requestOf('passwd p q'), 'disabled').kind, 'nothing');
    assert.equal(answerOfCode(requestOf('register p'), 'unavailable').kind, 'nothing');
    assert.equal(answerOfCode(requestOf('register p'), 'indeterminate').kind, 'unknown');
    assert.equal(answerOfCode(requestOf('share'), 'degraded').kind, 'unknown');
  });
});

// ---- Histories by chance --------------------------------------------------------------------------------------

/** One operation of a made history: called, done (at a point of its own, or never), answered. */
interface Made {
  readonly request: HistoryRequest;
  readonly calledAt: number;
  readonly doneAt: number;
  readonly answeredAt: number;
  readonly fate: 'answered' | 'lost answer' | 'never done';
  answer: HistoryAnswer;
}

const requests = ['register p', 'login p', 'login q', 'passwd p q', 'passwd q p', 'reset p', 'disable', 'enable', 'look'].map(requestOf);
const possibleAnswers = ['ok', 'name-taken', 'wrong-password', 'disabled', 'not-found', 'none', 'enabled', 'disabled!'].map(answerOf);

const drafts = array(
  record({
    request: constantFrom(...requests),
    times: tuple(nat(999), nat(999), nat(999)),
    fate: constantFrom('answered' as const, 'answered' as const, 'answered' as const, 'lost answer' as const, 'never done' as const),
  }),
  { minLength: 1, maxLength: 6 },
);

/** Carries a draft out in the order of its points: what comes of it is right by construction. */
const carryOut = <S>(
  model: Model<S, HistoryRequest, HistoryAnswer>,
  draft: typeof drafts extends Arbitrary<infer T> ? T : never,
): Made[] => {
  const made = draft.map(({ request, times, fate }, index): Made => {
    const [calledAt = 0, doneAt = 0, answeredAt = 0] = times.toSorted((a, b) => a - b).map((time, i) => time * 100 + index * 3 + i);
    return { request, calledAt, doneAt, answeredAt, fate, answer: { kind: 'unknown' } };
  });
  let state = model.initial;
  for (const one of made.toSorted((a, b) => a.doneAt - b.doneAt)) {
    if (one.fate === 'never done') continue;
    const answer = possibleAnswers.find((candidate) => model.step(state, one.request, candidate) !== null) as HistoryAnswer;
    state = model.step(state, one.request, answer) as S;
    if (one.fate === 'answered') one.answer = answer;
  }
  return made;
};

const verdictOf = <S>(model: Model<S, HistoryRequest, HistoryAnswer>, made: readonly Made[]): Verdict['kind'] => {
  const history = new ObjectHistory(model);
  const points = made.flatMap((one, id) => [
    { at: one.calledAt, hear: () => history.called(id, 'c', one.request) },
    { at: one.answeredAt, hear: () => (one.answer.kind === 'unknown' ? history.unknown(id) : history.answered(id, one.answer)) },
  ]);
  for (const { hear } of points.toSorted((a, b) => a.at - b.at)) hear();
  return history.end().kind;
};

/** Every order that real time allows, with and without each operation of unknown outcome. */
const byBruteForce = <S>(model: Model<S, HistoryRequest, HistoryAnswer>, made: readonly Made[]): boolean => {
  const explore = (state: S, left: readonly Made[]): boolean => {
    if (left.every(({ answer }) => answer.kind === 'unknown')) return true;
    const firstReturn = Math.min(...left.map((one) => (one.answer.kind === 'unknown' ? Infinity : one.answeredAt)));
    return left.some((one) => {
      if (one.calledAt > firstReturn) return false;
      const next = model.step(state, one.request, one.answer.kind === 'unknown' ? undefined : one.answer);
      return (
        next !== null &&
        explore(
          next,
          left.filter((other) => other !== one),
        )
      );
    });
  };
  return explore(model.initial, made);
};

describe('linearizability by chance', () => {
  it('accepts whatever was carried out in an order', () => {
    holds(
      property(drafts, (draft) => assert.equal(verdictOf(accountModel, carryOut(accountModel, draft)), 'linearizable')),
      { numRuns: 2_000 },
    );
  });

  it('agrees with every order tried one by one, when one answer was changed', () => {
    const seen = { linearizable: 0, violated: 0, undecided: 0 };
    holds(
      property(drafts, nat(), constantFrom(...possibleAnswers), (draft, which, answer) => {
        const made = carryOut(accountModel, draft);
        (made[which % made.length] as Made).answer = answer;
        const verdict = verdictOf(accountModel, made);
        seen[verdict]++;
        assert.equal(verdict, byBruteForce(accountModel, made) ? 'linearizable' : 'violated');
      }),
      { numRuns: 3_000 },
    );
    assert.ok(seen.violated > 300 && seen.linearizable > 300, JSON.stringify(seen));
  });
});
