import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import type { Priority } from './piece-map.ts';
import { chooseForWebSeed, webSeedLanes, webSeedOrderBytes, type WebSeedView } from './web-seed-choice.ts';

/**
 * A piece each: `.` may be started, `s` as well but some peer has it, `^` with a high priority; `#` is here, `>` is under
 * way, `x`, and `X` with a high priority, may be started but the web seed lacks it.
 */
const view = (pieces: string): WebSeedView => ({
  count: pieces.length,
  startable: (piece) => '.s^xX'.includes(pieces[piece] as string),
  underWay: (piece) => pieces[piece] === '>',
  priority: (piece): Priority => ('^X'.includes(pieces[piece] as string) ? 3 : 2),
  mostWanted: (): Priority => (/[\^X]/u.test(pieces) ? 3 : 2),
  copies: (piece) => (pieces[piece] === 's' ? 1 : 0),
  has: (piece) => !'xX'.includes(pieces[piece] as string),
});
const choose = (pieces: string, last: number | null = null): number | null => chooseForWebSeed(view(pieces), last as PieceIndex | null);

test('a web seed takes the largest gap, from its beginning', () => {
  assert.equal(choose('..#.....#...'), 3);
  assert.equal(choose('####'), null);
  assert.equal(choose(''), null);
});

test('where somebody comes along from the left it begins in the middle, so that both go on for long', () => {
  assert.equal(choose('#>........'), 6);
  assert.equal(choose('#>.'), 2);
});

test('it goes on behind the piece that it started last, though another gap is larger', () => {
  assert.equal(choose('#>...#........', 1), 2);
  assert.equal(choose('.....#>#', 6), 0, 'unless that is not to be had');
  assert.equal(choose('......>', 6), 0, 'or the end');
});

test('pieces that no peer has go first, and what is wanted more before all', () => {
  assert.equal(choose('ssssss#..'), 7);
  assert.equal(choose('......#^s'), 7);
  assert.equal(choose('#>ssss..', 1), 6, 'also before what follows');
  assert.equal(choose('>...#^^', 0), 5);
  assert.equal(choose('#sss'), 1, 'what peers have is taken as well');
});

test('what the web seed lacks is not asked of it', () => {
  assert.equal(choose('xxxxx.x'), 5);
  assert.equal(choose('>x.', 0), 2);
  assert.equal(choose('xx'), null);
  assert.equal(choose('#>..#.....X', 1), 2, 'nor is it turned from its way by that');
});

test('web seeds make way for peers only where the limit of download is used up', () => {
  const facts = { rate: 95, limit: 100, peersDeliver: true, gaps: false, lanesMax: 4 };
  assert.equal(webSeedLanes(facts), 0);
  assert.equal(webSeedLanes({ ...facts, gaps: true }), 1, 'what no peer has must come from somewhere');
  assert.equal(webSeedLanes({ ...facts, rate: 50 }), 4);
  assert.equal(webSeedLanes({ ...facts, limit: 0 }), 4);
  assert.equal(webSeedLanes({ ...facts, peersDeliver: false }), 4);
});

test('asked for at once is what comes in some seconds, less towards the end and under a limit', () => {
  const facts = { rate: 0, limit: 0, leftBytes: 1e9, sources: 2 };
  const order = (changed: Partial<typeof facts>): number => webSeedOrderBytes({ ...facts, ...changed });
  assert.equal(order({}), 524_288);
  assert.equal(order({ rate: 200_000 }), 1_000_000);
  assert.equal(order({ rate: 1e9 }), 4_194_304);
  assert.equal(order({ rate: 1e9, leftBytes: 1_000_000 }), 250_000);
  assert.equal(order({ rate: 1e9, leftBytes: 10 }), 65_536);
  assert.equal(order({ rate: 1e9, limit: 100_000 }), 100_000);
});
