/** I8: what users of a run asked and heard, judged object by object; and what each node's session may not unsee. */
import type { Result } from '../../src/protocol/result.ts';
import type { ControlFrame, LinkType } from '../../src/protocol/control/messages.ts';
import { replicaNames } from '../plan/names.ts';
import type { FaultKind, ProcessName } from '../plan/types.ts';
import type { Asked } from '../world/observer.ts';
import type { Checker, MakeChecker, RunView } from './checker.ts';
import { modelOf } from './cluster-model.ts';
import { answerOfCode, type HistoryAnswer, type HistoryFault, HistoryJudge, type HistoryRequest, objectOf } from './history.ts';
import { violated } from './invariants.ts';

const NAME = 'I8';

const textIn = (args: Asked['args'], key: string): string => {
  const value = args[key];
  return typeof value === 'string' ? value : '';
};

/** A content before the catalog has named it: its size and its file's name. */
const contentAt = (path: string): string => path.split('/').slice(-2).join('/');

/** Faults after which a node may find that it has not, or cannot read, what it shares: it takes itself out of the catalog then. */
const SPOILS_FILES: ReadonlySet<FaultKind> = new Set(['diskError', 'diskFull', 'bitRot', 'power', 'forget']);
/** The first frame in the plan's time comes within this. */
const FIRST_FRAME_MS = 1_000;

const NOBODY = 'nobody';

const shareOf = (content: string, node: ProcessName, account: string | null): HistoryRequest => ({
  do: 'share',
  content,
  node: `${node} as ${account ?? NOBODY}`,
});

/** What is asked while nobody is signed in may be done for who was before: what they have asked for may still be under way. */
const isSomebodys = ({ node }: { readonly node: string }): boolean => !node.endsWith(` as ${NOBODY}`);

class Clients implements Checker {
  readonly name = NAME;
  readonly demands = 'What users ask and hear of an account, and of who owns a content, is as if one thing happened after the other.';
  readonly #run: RunView;
  #judge = new HistoryJudge();
  readonly #overridden = new Set<string>();
  /** Operations under way, with the node that waits for the answer (null: none can be lost by its crash). */
  readonly #underWay = new Map<
    number,
    { readonly node: ProcessName | null; readonly request: HistoryRequest; readonly signings: number }
  >();
  /** How often somebody has begun or ended to sign in or out at a node: what it tells the catalog meanwhile may be for either. */
  readonly #signings = new Map<ProcessName, number>();
  /** Objects, by a request that reads them at the end. */
  readonly #objects = new Map<string, HistoryRequest>();
  /** Contents by the name that the catalog has for them. */
  readonly #contents = new Map<string, string>();
  /** Contents that each node has had, which it may tell the catalog of for whoever signs in. */
  readonly #held = new Map<ProcessName, Set<string>>();
  /** Of each node: contents that its user has let go of, and not asked for since. What it tells the catalog of them is his doing. */
  readonly #letGo = new Map<ProcessName, Set<string>>();
  /** Contents, by the catalog's names, that nodes have given up by themselves. */
  readonly #givenUp = new Map<string, Set<ProcessName>>();
  #begunMicros: number | null = null;
  readonly #nodeIds = new Map<string, ProcessName>();
  readonly #repeats: ReadonlySet<number>;
  #extra = -1;

  constructor(run: RunView) {
    this.#run = run;
    modelOf(run).listen({ forced: () => this.#forget() });
    this.#repeats = new Set(run.plan.operations.filter((operation) => operation.do === 'repeat').map(({ id }) => id));
  }

  called(id: number, process: ProcessName, asked: Asked): void {
    this.#noteNode(process);
    if (asked.call === 'login' || asked.call === 'logout') this.#signing(process);
    const request = this.#requestOf(process, asked);
    if (request === null) return;
    this.#underWay.set(id, { node: this.#repeats.has(id) ? null : process, request, signings: this.#signings.get(process) ?? 0 });
    this.#hear(id, process, request);
  }

  answered(id: number, process: ProcessName, result: Result<object>): void {
    const operation = this.#underWay.get(id);
    if (operation === undefined) return;
    this.#underWay.delete(id);
    const { request, signings } = operation;
    if (request.do === 'login') this.#signing(process);
    if (result.ok && request.do === 'login') this.#signedIn(process, request.account);
    const meant = !result.ok || request.do !== 'share' || this.#shared(process, request, result.value);
    const sure = meant && (!('content' in request) || (isSomebodys(request) && (this.#signings.get(process) ?? 0) === signings));
    this.#say({ event: 'answered', id, answer: sure ? this.#answerTo(id, request, result) : { kind: 'unknown' } });
  }

  /** A node whose disk was at fault may take itself out of the catalog, though nobody asked it to: now, later or never. */
  sent(process: ProcessName, _to: ProcessName, link: LinkType, frame: ControlFrame): void {
    if (this.#run.phase !== 'starting') this.#begunMicros ??= this.#run.now();
    if (frame.kind !== 'request' || link !== 'member' || frame.operation.op !== 'disown') return;
    const { content: id } = frame.operation;
    const content = this.#contents.get(id);
    if (!this.#mayBeSpoilt(process) || (content !== undefined && this.#letGo.get(process)?.has(content) === true)) return;
    const before = this.#givenUp.get(id) ?? new Set();
    if (before.has(process)) return;
    this.#givenUp.set(id, before.add(process));
    if (content !== undefined) this.#gaveUp(process, content);
  }

  /** Whoever asked there hears nothing any more. */
  stopped(process: ProcessName): void {
    for (const [id, { node }] of this.#underWay) {
      if (node !== process) continue;
      this.#underWay.delete(id);
      this.#say({ event: 'answered', id, answer: { kind: 'unknown' } });
    }
  }

  /** The state that the history has come to is read, where some replica has applied everything. */
  end(): void {
    const [first] = this.#judge.end();
    if (first !== undefined) this.#fail(first);
    const model = modelOf(this.#run);
    const replica = replicaNames.find((name) => model.log(name).appliedSeq === model.decided.length - 1);
    if (replica === undefined) return;
    this.#readAccounts(replica);
    this.#readOwners(replica);
  }

  /** A forced promotion has overridden some of what was acknowledged: of what there was until now nothing can be said. */
  #forget(): void {
    for (const object of this.#objects.keys()) this.#overridden.add(object);
    this.#objects.clear();
    this.#underWay.clear();
    this.#judge = new HistoryJudge();
  }

  #requestOf(process: ProcessName, { call, args, account }: Asked): HistoryRequest | null {
    switch (call) {
      case 'register':
      case 'login':
        return { do: call, account: textIn(args, 'name'), password: textIn(args, 'password') };
      case 'passwd':
        if (account === null) return null;
        return { do: 'passwd', account, oldPassword: textIn(args, 'oldPassword'), newPassword: textIn(args, 'newPassword') };
      case 'account.disable':
        return { do: 'disable', account: textIn(args, 'name'), disabled: args['disabled'] === true };
      case 'share': {
        const [path] = Array.isArray(args['paths']) ? args['paths'] : [];
        return typeof path === 'string' ? shareOf(this.#holds(process, contentAt(path)), process, account) : null;
      }
      case 'unshare':
        return this.#unshareOf(process, this.#contents.get(textIn(args, 'id')), account);
      case 'get':
        // What it has fetched it shares, when it pleases.
        for (const content of this.#contents.values())
          if (content.endsWith(`/${textIn(args, 'what')}`)) this.#mayShare(process, content, account);
        return null;
      default:
        return null;
    }
  }

  /** The catalog may name the node under every account that it has had: under each it may be taken out, at some time. */
  #unshareOf(process: ProcessName, content: string | undefined, account: string | null): HistoryRequest | null {
    if (content === undefined) return null;
    this.#letGo.set(process, (this.#letGo.get(process) ?? new Set()).add(content));
    const known = this.#objectsOf(process, content);
    const own = shareOf(content, process, account);
    if (known.length === 1 && objectOf(known[0] as HistoryRequest) === objectOf(own)) return { ...own, do: 'unshare' } as HistoryRequest;
    for (const object of known) this.#maybe(process, { ...object, do: 'unshare' });
    return null;
  }

  #answerTo(id: number, request: HistoryRequest, result: Result<object>): HistoryAnswer {
    // Of several answers to one registration the client reports one; a refusal may have met its own doing.
    if (!result.ok) return this.#repeats.has(id) || 'content' in request ? { kind: 'unknown' } : answerOfCode(request, result.error.code);
    const { durability } = result.value as { readonly durability?: unknown };
    // The node has let go of it; the catalog is told when it can be.
    return request.do === 'unshare' && (durability === undefined || durability === 'none') ? { kind: 'unknown' } : { kind: 'ok' };
  }

  /**
   * What the catalog calls the content that was shared. False where that is another one than the file's name says: bytes
   * that have rotted before they were shared. Then the node may own that one, and whether the named one too is not known.
   */
  #shared(process: ProcessName, request: Extract<HistoryRequest, { do: 'share' }>, value: object): boolean {
    const { id } = value as { readonly id?: unknown };
    if (typeof id !== 'string') return true;
    const known = this.#contents.get(id) ?? this.#nameFor(id, request.content);
    if (!this.#contents.has(id)) this.#learn(id, known);
    if (known === request.content) return true;
    this.#holds(process, known);
    this.#maybe(process, { ...request, content: known });
    return false;
  }

  /** A content goes by its file's name; a second one of that name by its id as well. */
  #nameFor(id: string, content: string): string {
    return [...this.#contents.values()].includes(content) ? `${id}/${content}` : content;
  }

  #learn(id: string, content: string): void {
    this.#contents.set(id, content);
    for (const process of this.#givenUp.get(id) ?? []) this.#gaveUp(process, content);
  }

  #gaveUp(process: ProcessName, content: string): void {
    for (const object of this.#objectsOf(process, content)) this.#maybe(process, { ...object, do: 'unshare' });
  }

  #mayBeSpoilt(process: ProcessName): boolean {
    const begun = this.#begunMicros;
    if (begun === null) return false;
    const nowMs = (this.#run.now() - begun) / 1_000 + FIRST_FRAME_MS;
    return this.#run.plan.faults.some(
      (fault) => SPOILS_FILES.has(fault.kind) && 'process' in fault && fault.process === process && fault.atMs <= nowMs,
    );
  }

  /** A node's ownership of a content, under every account under which the catalog may name it. */
  #objectsOf(process: ProcessName, content: string): Extract<HistoryRequest, { do: 'owns' }>[] {
    return [...this.#objects.values()].flatMap((object) =>
      object.do === 'owns' && object.content === content && object.node.startsWith(`${process} as `) ? [object] : [],
    );
  }

  #holds(process: ProcessName, content: string): string {
    this.#letGo.get(process)?.delete(content);
    for (const [id, name] of this.#contents) if (name === content) this.#givenUp.get(id)?.delete(process);
    const held = this.#held.get(process) ?? new Set<string>();
    this.#held.set(process, held.add(content));
    return content;
  }

  #mayShare(process: ProcessName, content: string, account: string | null): void {
    this.#holds(process, content);
    this.#maybe(process, shareOf(content, process, account));
  }

  /** It may happen, now or later. */
  #maybe(process: ProcessName, request: HistoryRequest): void {
    const id = this.#extra--;
    this.#hear(id, process, request);
    if (!this.#overridden.has(objectOf(request))) this.#say({ event: 'answered', id, answer: { kind: 'unknown' } });
  }

  #signedIn(process: ProcessName, account: string): void {
    for (const content of this.#held.get(process) ?? []) this.#mayShare(process, content, account);
  }

  #signing(process: ProcessName): void {
    this.#signings.set(process, (this.#signings.get(process) ?? 0) + 1);
  }

  #noteNode(process: ProcessName): void {
    if (!process.startsWith('node')) return;
    const { node } = (this.#run.status(process) ?? {}) as { readonly node?: { readonly node?: unknown } };
    if (typeof node?.node === 'string') this.#nodeIds.set(node.node, process);
  }

  #hear(id: number, client: string, request: HistoryRequest): void {
    const object = objectOf(request);
    if (this.#overridden.has(object)) return void this.#underWay.delete(id);
    const reading: HistoryRequest =
      'content' in request ? { do: 'owns', content: request.content, node: request.node } : { do: 'look', account: request.account };
    if (!this.#objects.has(object)) this.#objects.set(object, reading);
    this.#say({ event: 'called', id, client, request });
  }

  #say(event: Parameters<HistoryJudge['hear']>[0]): void {
    const fault = this.#judge.hear(event);
    if (fault !== null) this.#fail(fault);
  }

  #fail({ object, because }: HistoryFault): never {
    return violated(NAME, `${object}: ${because}`);
  }

  #read(request: HistoryRequest, value: NonNullable<Extract<HistoryAnswer, { kind: 'ok' }>['value']>, replica: string): void {
    const id = this.#extra--;
    this.#say({ event: 'called', id, client: `the ledger of ${replica}, at the end,`, request });
    this.#say({ event: 'answered', id, answer: { kind: 'ok', value } });
  }

  #readAccounts(replica: ProcessName): void {
    const rows = new Map(this.#run.query(replica, 'SELECT name, disabled FROM accounts').map((row) => [row['name'], row['disabled']]));
    for (const request of this.#objects.values()) {
      if (request.do !== 'look') continue;
      const disabled = rows.get(request.account);
      this.#read(request, disabled === undefined ? 'none' : Number(disabled) === 1 ? 'disabled' : 'enabled', replica);
    }
  }

  #readOwners(replica: ProcessName): void {
    const owners = new Set<string>();
    for (const row of this.#run.query(replica, 'SELECT content, account, node FROM owners')) {
      const content = this.#contents.get(String(row['content']));
      const node = this.#nodeIds.get(String(row['node']));
      if (content !== undefined && node !== undefined) owners.add(objectOf(shareOf(content, node, String(row['account']))));
    }
    for (const [object, request] of this.#objects) if (request.do === 'owns') this.#read(request, owners.has(object), replica);
  }
}

export const asIfInOrder: MakeChecker = (run) => new Clients(run);

/** Requests of a session that are followed. */
const ASKED_MAX = 10_000;

/** A session's reads never go back behind what it has seen, unless the answer says that it may be stale. */
export const sessionsNeverUnsee: MakeChecker = (run) => {
  /** Of each node, since it started: the highest entry in an answer, and what each request may not fall behind. */
  const seen = new Map<ProcessName, number>();
  const floors = new Map<ProcessName, Map<string, number>>();
  /** Of the last forced promotion: what answers of older epochs say is overridden. */
  let forcedEpoch = 0;
  modelOf(run).listen({
    forced: (seq, epoch) => {
      forcedEpoch = epoch;
      for (const counts of [seen, ...floors.values()] as Map<string, number>[])
        for (const [key, entry] of counts) counts.set(key, Math.min(entry, seq));
    },
  });
  return {
    name: NAME,
    demands: 'A node sees its own changes, and never an older state than before, but where the answer is marked as stale.',
    started(process) {
      seen.delete(process);
      floors.delete(process);
    },
    sent(process, _to, link, frame) {
      if (frame.kind !== 'request' || link !== 'member') return;
      let asked = floors.get(process);
      if (asked === undefined || asked.size >= ASKED_MAX) {
        asked = new Map();
        floors.set(process, asked);
      }
      const key = `${frame.requestId.client}:${frame.requestId.n}`;
      if (!asked.has(key)) asked.set(key, seen.get(process) ?? 0);
    },
    received(process, from, link, frame) {
      if (frame.kind !== 'reply' || link !== 'member' || !frame.body.ok || frame.stale === true || frame.epoch < forcedEpoch) return;
      const key = `${frame.requestId.client}:${frame.requestId.n}`;
      const floor = floors.get(process)?.get(key);
      if (floor === undefined) return;
      if (frame.seq > 0 && frame.seq < floor)
        violated(
          NAME,
          `${process} had seen entry ${floor} when it asked, and ${from} answers from a state of entry ${frame.seq}, not marked as stale`,
        );
      seen.set(process, Math.max(seen.get(process) ?? 0, frame.seq));
    },
  };
};
