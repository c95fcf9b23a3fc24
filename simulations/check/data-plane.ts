/** The rules of the data plane: what is taken is true, what is complete is identical, who has left stays away, tables have an end. */
import { decodeRecord } from '../../src/domain/transfer/journal.ts';
import { contentName, fetchedPath, replicaNames } from '../plan/names.ts';
import type { ProcessName } from '../plan/types.ts';
import type { MakeChecker } from './checker.ts';
import { type Content, contentsOf } from './contents.ts';
import { violated } from './invariants.ts';

/** Knows which content has which id: comes before the others here. */
export const watchContents: MakeChecker = (run) => {
  const contents = contentsOf(run);
  return {
    name: 'contents',
    demands: 'One id in the catalog is one content.',
    called: (id, _process, asked) => contents.called(id, asked),
    answered: (id, _process, result) => {
      if (result.ok) contents.answered(id, result.value);
    },
  };
};

export const completeIsIdentical: MakeChecker = (run) => {
  const name = 'identical';
  const contents = contentsOf(run);
  return {
    name,
    demands: 'A file that was fetched is identical to the one that was shared, when the node says that it is complete.',
    answered(_id, process, result) {
      if (!result.ok) return;
      const { id, path, size } = result.value as { readonly id?: unknown; readonly path?: unknown; readonly size?: unknown };
      const content = typeof id === 'string' && typeof path === 'string' && typeof size === 'number' ? contents.byId(id) : null;
      if (content === null || !run.running(process) || contents.mayHaveRotted(process)) return;
      // A node that shares it itself has it where it was.
      const file = run.file(process, path as string);
      if (file === null) return;
      if (size !== content.bytes || file.length !== content.bytes)
        violated(
          name,
          `${process} has ${String(path)} with ${file.length} bytes and calls it ${String(size)}; it was shared with ${content.bytes}`,
        );
      if (Buffer.compare(file, contents.truth(content)) !== 0)
        violated(name, `${process} calls ${String(path)} complete, and its bytes are not those that were shared`);
    },
  };
};

const JOURNAL = /\/(?<id>[0-9a-f]{40,64})\.json$/u;
const ID_CHARACTERS = 8;

/** Where a download lies while it is under way, and when it is complete. */
const placesOf = (process: ProcessName, id: string, { number }: Content): readonly string[] => {
  const path = fetchedPath(process, number);
  const file = contentName(number);
  return [`${path.slice(0, -file.length)}.${file}.${id.slice(0, ID_CHARACTERS)}.shoal-part`, path];
};

const piecesIn = (have: string): number[] => {
  const bits = Buffer.from(have, 'base64');
  const pieces: number[] = [];
  for (let piece = 0; piece < bits.length * 8; piece++) if (((bits[piece >>> 3] ?? 0) >>> (7 - (piece & 7))) & 1) pieces.push(piece);
  return pieces;
};

export const takenIsTrue: MakeChecker = (run) => {
  const name = 'pieces';
  const contents = contentsOf(run);
  /** Of each download: the pieces that its journal says it has. */
  const claimed = new Map<string, { readonly process: ProcessName; readonly id: string; pieces: ReadonlySet<number> }>();
  const look = (process: ProcessName, id: string, pieces: Iterable<number>, when: string): void => {
    const content = contents.byId(id);
    if (content === null || contents.mayHaveRotted(process)) return;
    const file = placesOf(process, id, content).reduce<Uint8Array | null>((found, path) => found ?? run.file(process, path), null);
    if (file === null) return;
    const wrong = contents.wrongPiece(content, file, pieces);
    if (wrong !== null)
      violated(
        name,
        `the journal of ${process} says${when} that it has piece ${wrong} of ${contentName(content.number)}; its disk has other bytes`,
      );
  };
  return {
    name,
    demands: 'A piece that a journal names is on the disk, synced, and has the right hash; a power cut does not take it away.',
    written(process, path, bytes) {
      const id = JOURNAL.exec(path)?.groups?.['id'];
      const record = id === undefined ? null : decodeRecord(bytes);
      if (id === undefined || record === null || !record.ok || record.value.origin !== 'get') return;
      const key = `${process} ${id}`;
      const known = claimed.get(key)?.pieces;
      const pieces = piecesIn(record.value.have);
      const fresh = known === undefined ? pieces : pieces.filter((piece) => !known.has(piece));
      claimed.set(key, { process, id, pieces: new Set(pieces) });
      if (fresh.length > 0) look(process, id, fresh, '');
    },
    started(process) {
      for (const download of claimed.values())
        if (download.process === process) look(process, download.id, download.pieces, ' after a restart');
    },
    stopped(process, how) {
      if (how !== 'forget') return;
      for (const [key, download] of claimed) if (download.process === process) claimed.delete(key);
    },
  };
};

interface Announced {
  readonly incarnation: string;
  readonly sequence: number;
  readonly stopped: boolean;
}

/** Nodes and contents of a run, times two replicas. */
const ANNOUNCED_MAX = 100_000;

export const stoppedStaysAway: MakeChecker = () => {
  const name = 'revived';
  /** By replica, node and content: the newest that the replica has heard of an incarnation. */
  const newest = new Map<string, Announced>();
  /** Of each node: its incarnations, in the order in which they announced. */
  const incarnations = new Map<string, string[]>();
  /** From 1 on; 0: it never announced. */
  const numberOf = (node: string, incarnation: string): number => (incarnations.get(node)?.indexOf(incarnation) ?? -1) + 1;
  const heard = (process: ProcessName, node: string, content: string, announced: Announced): void => {
    const key = `${process} ${node} ${content}`;
    const known = newest.get(key);
    if (known !== undefined && known.incarnation === announced.incarnation && known.sequence >= announced.sequence) return;
    if (newest.size >= ANNOUNCED_MAX) newest.clear();
    newest.set(key, announced);
  };
  return {
    name,
    demands: 'A peer that said it stopped is not listed again for what it said before.',
    started(process) {
      if (process !== 'tracker' && process !== 'backup') return;
      for (const key of newest.keys()) if (key.startsWith(`${process} `)) newest.delete(key);
    },
    received(process, _from, link, frame) {
      if (frame.kind === 'announce' && link === 'proxy')
        for (const { content, event } of frame.items)
          heard(process, frame.node, content, {
            incarnation: frame.incarnation,
            sequence: frame.sequence,
            stopped: event === 'stopped',
          });
      // A primary has heard a newer announce, of one who has come back. That it heard one that stopped need not be believed.
      if (frame.kind === 'swarmDelta')
        for (const { node, incarnation, items } of frame.nodes)
          for (const { content, sequence, stopped } of items) {
            const known = newest.get(`${process} ${node} ${content}`);
            if (known !== undefined && !stopped && numberOf(node, incarnation) >= numberOf(node, known.incarnation))
              heard(process, node, content, { incarnation, sequence, stopped });
          }
    },
    sent(process, to, link, frame) {
      if (frame.kind === 'announce' && link === 'member' && numberOf(frame.node, frame.incarnation) === 0) {
        const seen = incarnations.get(frame.node);
        if (seen === undefined) incarnations.set(frame.node, [frame.incarnation]);
        else seen.push(frame.incarnation);
      }
      if (frame.kind !== 'announced' || link !== 'proxy') return;
      for (const { content, peers } of frame.items)
        for (const { node } of peers) {
          const last = newest.get(`${process} ${node} ${content}`);
          if (last?.stopped === true)
            violated(
              name,
              `${process} tells ${to} that ${node} is in the swarm of ${content.slice(0, ID_CHARACTERS)}…, which said in announce ${last.sequence} that it stopped`,
            );
        }
    },
  };
};

/** Far above what a run's users can have under way, and far below what a leak comes to. */
const UNDER_WAY_MAX = 2_000;
const LOOK_EVERY_MICROS = 5_000_000;

export const tablesHaveAnEnd: MakeChecker = (run) => {
  const name = 'bounded';
  let next = 0;
  // A node, or one that lies, that has forgotten everything comes back as another one.
  const others = run.plan.faults.filter((fault) => fault.kind === 'forget' && /^(?:node|liar)/u.test(fault.process)).length;
  const nodes = run.plan.cluster.nodes + run.plan.cluster.liars + others;
  const numberIn = (status: object | null, ...path: readonly string[]): number => {
    let at: unknown = status;
    for (const key of path) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
    return typeof at === 'number' ? at : 0;
  };
  const look = (process: ProcessName, what: string, count: number, max: number): void => {
    if (count > max) violated(name, `${process} has ${count} ${what}; more than ${max} cannot be needed`);
  };
  return {
    name,
    demands: 'No table of a process grows beyond what its users can need.',
    sent() {
      if (run.now() < next) return;
      next = run.now() + LOOK_EVERY_MICROS;
      for (const process of replicaNames) {
        const status = run.status(process);
        look(process, 'requests under way', numberIn(status, 'requestsUnderWay'), UNDER_WAY_MAX);
        look(process, 'nodes', numberIn(status, 'swarm', 'nodes'), nodes);
      }
      for (let n = 1; n <= run.plan.cluster.proxies; n++) {
        const status = run.status(`proxy${n}`);
        look(`proxy${n}`, 'requests under way', numberIn(status, 'proxy', 'requestsUnderWay'), UNDER_WAY_MAX);
      }
    },
  };
};
