import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createRandom } from '../../ports/counter-random.ts';
import { below } from '../../ports/random.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { type Run, UNIT_BYTES } from './partial-piece.ts';
import { Picker, type PickingPeer } from './picker.ts';
import { PieceMap, PRIORITY_NORMAL } from './piece-map.ts';
import { RarityOrder } from './rarity.ts';

const piece = (n: number): PieceIndex => n as PieceIndex;
const drawing = (seed: number): ((limit: number) => number) => {
  const random = createRandom(seed);
  return (limit) => below(random, 'test', limit);
};

const make = (count: number, units = 4, seed = 1): { map: PieceMap; picker: Picker } => {
  const bytes = units * UNIT_BYTES;
  const map = new PieceMap(count, () => bytes);
  return { map, picker: new Picker(map, () => bytes, drawing(seed)) };
};

const peer = (key: number, has: (n: number) => boolean = () => true): PickingPeer & { owes: Set<string> } => {
  const owes = new Set<string>();
  return { key, has, asking: (p, unit) => owes.has(`${p}.${unit}`), owes };
};

const ask = (picker: Picker, who: ReturnType<typeof peer>, units: number, runUnits = 1, open = (): boolean => true): Run[] => {
  const runs = picker.pick(who, units, runUnits, open);
  for (const run of runs) for (let u = run.unit; u < run.unit + run.units; u++) who.owes.add(`${run.piece}.${u}`);
  return runs;
};

/** Past the pieces that are taken at random in the beginning. */
const warm = (map: PieceMap, picker: Picker, ...pieces: number[]): void => {
  for (const n of pieces) {
    map.gain(piece(n));
    picker.settled(piece(n));
  }
};

test('the rarest piece that a peer has is started first', () => {
  const { map, picker } = make(6);
  warm(map, picker, 0, 1);
  for (const [n, copies] of [
    [2, 3],
    [3, 1],
    [4, 2],
    [5, 2],
  ] as const)
    for (let c = 0; c < copies; c++) picker.peerGained(piece(n));
  assert.equal(ask(picker, peer(1), 1)[0]?.piece, 3);
  assert.ok([4, 5].includes(ask(picker, peer(2), 1)[0]?.piece as number));
  assert.equal(
    ask(
      picker,
      peer(3, (n) => n === 2),
      1,
    )[0]?.piece,
    2,
  );
});

test('advice is taken where the piece is as rare as any that the peer has, and not otherwise', () => {
  const { map, picker } = make(8);
  const advised = (key: number, n: number, has?: (n: number) => boolean) => ({ ...peer(key, has), suggested: piece(n) });
  assert.equal(ask(picker, advised(1, 6), 1)[0]?.piece, 6, 'also for the first pieces, which are taken at random');
  warm(map, picker, 0, 1);
  picker.peerGained(piece(3));
  assert.equal(ask(picker, advised(2, 4), 1)[0]?.piece, 4);
  assert.notEqual(ask(picker, advised(3, 3), 1)[0]?.piece, 3, 'it is less rare');
  assert.notEqual(ask(picker, advised(4, 0), 1)[0]?.piece, 0, 'it is here');
  assert.equal(
    ask(
      picker,
      advised(5, 7, (n) => n === 3),
      1,
    )[0]?.piece,
    3,
    'the peer does not have what it advises',
  );
});

test('a peer goes on with its own piece, and a new peer starts another', () => {
  const { picker } = make(8);
  const [first] = ask(picker, peer(1), 1);
  const [again] = ask(picker, peer(1), 1);
  assert.equal(again?.piece, first?.piece);
  assert.notEqual(ask(picker, peer(2), 1)[0]?.piece, first?.piece);
});

test('what a peer left behind is finished before anything new is started', () => {
  const { picker } = make(8);
  const one = peer(1);
  const [run] = ask(picker, one, 1);
  picker.released(run as Run);
  picker.left(1);
  assert.deepEqual(
    ask(picker, peer(2), 4).map((r) => r.piece),
    Array(4).fill(run?.piece),
  );
});

test('without memory for a new piece, a peer helps with those under way', () => {
  const { picker } = make(8);
  const [run] = ask(picker, peer(1), 1);
  const help = ask(picker, peer(2), 8, 8, () => false);
  assert.deepEqual(
    help.map((r) => r.piece),
    [run?.piece],
  );
  assert.equal(help[0]?.units, 3);
});

test('sequential goes from the front, priorities come before rarity, unwanted pieces are left', () => {
  const { map, picker } = make(5);
  picker.sequential = true;
  assert.deepEqual(
    [0, 1, 2].map((key) => ask(picker, peer(key), 4, 4)[0]?.piece),
    [0, 1, 2],
  );
  const other = make(5);
  warm(other.map, other.picker, 0, 1);
  other.map.setPriority(piece(4), 3);
  other.map.setPriority(piece(2), 0);
  for (const n of [2, 3, 4]) other.picker.refresh(piece(n));
  for (let n = 0; n < 5; n++) other.picker.peerGained(piece(4));
  assert.deepEqual(
    [1, 2].map((key) => ask(other.picker, peer(key), 4, 4)[0]?.piece),
    [4, 3],
  );
  assert.equal(
    ask(
      other.picker,
      peer(3, (n) => n === 2),
      4,
      4,
    ).length,
    0,
  );
  assert.equal(map.priority(piece(0)), PRIORITY_NORMAL);
});

test('sequential takes what is wanted most from the front, then the rest, as far as the peer has it', () => {
  const { map, picker } = make(6);
  picker.sequential = true;
  for (const n of [3, 4]) map.setPriority(piece(n), 3);
  map.setPriority(piece(0), 1);
  map.setPriority(piece(1), 0);
  for (let n = 0; n < 6; n++) picker.refresh(piece(n));
  const lacksThree = peer(1, (n) => n !== 3);
  assert.equal(ask(picker, lacksThree, 4, 4)[0]?.piece, 4);
  assert.deepEqual(
    [2, 3, 4, 5].map((key) => ask(picker, peer(key), 4, 4)[0]?.piece),
    [3, 2, 5, 0],
  );
});

test('in the endgame a unit is asked for twice at most, and never twice of one peer', () => {
  const { picker } = make(1);
  const [a, b, c] = [peer(1), peer(2), peer(3)];
  assert.equal(ask(picker, a, 4, 4)[0]?.units, 4);
  assert.equal(ask(picker, a, 4, 4).length, 0);
  assert.equal(ask(picker, b, 4, 4)[0]?.units, 4);
  assert.equal(ask(picker, c, 4, 4).length, 0);
});

test('a bad piece is fetched again from one peer alone', () => {
  const { map, picker } = make(2);
  const only = (n: number): boolean => n === 0;
  for (const run of ask(picker, peer(1, only), 4, 4)) picker.received(run);
  picker.settled(piece(0), true);
  const [one] = ask(picker, peer(1, only), 1);
  assert.equal(one?.piece, 0);
  assert.equal(ask(picker, peer(2, only), 4, 4).length, 0);
  picker.received(one as Run);
  picker.left(1);
  assert.equal(ask(picker, peer(2, only), 4, 4)[0]?.units, 4, 'who takes it over begins anew');
  assert.equal(map.haveCount, 0);
});

test('whatever happens, every wanted piece is fetched once', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.nat(5), { maxLength: 200 }),
      (seed, count, units, events) => {
        const { map, picker } = make(count, units, seed);
        const draw = drawing(seed + 1);
        const peers = [1, 2, 3].map((key) => ({ who: peer(key), runs: [] as Run[] }));
        const step = (event: number): void => {
          const one = peers[draw(3)] as (typeof peers)[number];
          if (event < 3) one.runs.push(...ask(picker, one.who, 1 + draw(5), 1 + draw(3)));
          else if (event === 3 && one.runs.length > 0) deliver(one, one.runs.shift() as Run);
          else if (event === 4) {
            for (const run of one.runs.splice(0)) picker.released(run);
            one.who.owes.clear();
            picker.left(one.who.key);
          }
        };
        const deliver = (one: (typeof peers)[number], run: Run): void => {
          for (let u = run.unit; u < run.unit + run.units; u++) one.who.owes.delete(`${run.piece}.${u}`);
          if (picker.received(run) === 'more') return;
          assert.equal(map.has(run.piece), false);
          map.gain(run.piece);
          picker.settled(run.piece);
        };
        for (const event of events) step(event);
        for (let n = 0; n < 2_000 && !map.complete; n++) {
          for (const one of peers) {
            one.runs.push(...ask(picker, one.who, 4, 2));
            for (const run of one.runs.splice(0)) deliver(one, run);
          }
        }
        assert.ok(map.complete);
      },
    ),
    { numRuns: 60 },
  );
});

test('the order of rarity is right after any changes', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.tuple(fc.nat(3), fc.nat(19)), { maxLength: 300 }), (seed, changes) => {
      const order = new RarityOrder(20, drawing(seed));
      const inside = new Set<number>();
      for (const [what, n] of changes) {
        if (what === 0) order.more(piece(n));
        else if (what === 1) order.fewer(piece(n));
        else if (what === 2) {
          order.add(piece(n), 1);
          inside.add(n);
        } else {
          order.remove(piece(n));
          inside.delete(n);
        }
      }
      const listed = Array.from({ length: order.size }, (_, place) => order.at(place));
      assert.deepEqual(
        [...listed].sort((a, b) => a - b),
        [...inside].sort((a, b) => a - b),
      );
      for (let place = 1; place < listed.length; place++) {
        assert.ok(order.availability(listed[place - 1] as PieceIndex) <= order.availability(listed[place] as PieceIndex));
      }
    }),
    { numRuns: 200 },
  );
});
