import { tokenHash } from '../../domain/accounts/secrets.ts';
import { LoginThrottle } from '../../domain/accounts/throttle.ts';
import { indeterminateWords, isWrite } from '../../domain/routing/operations.ts';
import type { StoredReply } from '../../domain/ledger/types.ts';
import { requestLine } from '../../domain/routing/request-log.ts';
import type {
  AnnouncedFrame,
  AnnounceFrame,
  ErrorCode,
  Operation,
  OperationName,
  ReplyFrame,
  RequestFrame,
} from '../../protocol/control/messages.ts';
import * as accounts from './account-operations.ts';
import { Admission } from './admission.ts';
import { Copies } from './copies.ts';
import * as catalog from './catalog-operations.ts';
import { Enquiry } from './enquiry.ts';
import * as members from './member-operations.ts';
import * as nodes from './node-operations.ts';
import { afterOverride } from './override-words.ts';
import type { Asker, DeskContext, DeskDeps } from './types.ts';

export { DESK_DEFAULTS } from './types.ts';
export type * from './types.ts';

/** Their replies hold a secret, which is not stored: it is derived again for a repeated request. */
const REBUILT: ReadonlySet<OperationName> = new Set<OperationName>(['login', 'invite', 'passkey.new']);
const ADMIN_ONLY: ReadonlySet<OperationName> = new Set<OperationName>(['invite', 'accounts', 'account.disable', 'account.reset']);
/** Without a session: before there is one, or with the incarnation as proof. */
const WITHOUT_SESSION: ReadonlySet<OperationName> = new Set<OperationName>(['register', 'login', 'exit', 'alive']);
/**
 * What depends on accounts, sessions of administrators or invites: answered by what is true now (R10), not by what this
 * replica knew when it led for the last time. All of them but two pay for a password hash or are rare.
 */
const LINEARIZABLE: ReadonlySet<OperationName> = new Set<OperationName>([
  'register',
  'login',
  'whoami',
  'passwd',
  'invite',
  'accounts',
  'account.disable',
  'account.reset',
  'passkeys',
]);

const RETRY_AFTER_MS = 200;
const SESSION_GONE = 'sessions, and accounts made shortly before, which can be registered again';

/** Narrows an enquiry to the operation that it has. */
const as = <K extends OperationName>(enquiry: Enquiry, _op: K): Enquiry<Extract<Operation, { op: K }>> =>
  enquiry as Enquiry<Extract<Operation, { op: K }>>;

/**
 * Where a replica receives members: validates, knows who asks and whether they may, prepares what is slow or secret, and
 * has it written through the replica or reads it. Every request gets exactly one reply, in this step or a later one.
 */
export class Desk {
  readonly #context: DeskContext;
  readonly #admission: Admission;
  readonly #underWay = new Set<Enquiry>();
  readonly #copies: Copies;

  constructor(deps: DeskDeps) {
    this.#context = { ...deps, throttle: new LoginThrottle() };
    this.#copies = new Copies(deps.clock);
    this.#admission = new Admission(this.#context);
  }

  /** Requests that are being worked on. */
  get underWay(): number {
    return this.#underWay.size + this.#copies.waiting;
  }

  /** `proxy`: the name of the proxy whose link brought the request. */
  handle(request: RequestFrame, proxy: string, reply: (frame: ReplyFrame) => void): void {
    const answer = (frame: ReplyFrame): void => {
      this.#note(request, proxy, frame);
      reply(frame);
    };
    const full = this.underWay >= this.#context.settings.requestsMax;
    const change = isWrite(request.operation.op) && !full;
    if (change && this.#copies.joins(request, answer)) return;
    const enquiry: Enquiry = new Enquiry(this.#context, request, proxy, (frame) => {
      this.#underWay.delete(enquiry);
      if (enquiry.operation.op === 'own' && frame.body.ok) this.#admission.welcome(enquiry.operation.content.id);
      if (!change) return answer(frame);
      this.#copies.answered(request, frame);
      if (enquiry.leftUndecided(() => this.#copies.decided(request))) this.#copies.leftUndecided(request);
    });
    this.#underWay.add(enquiry);
    if (full) return enquiry.refuse('busy', 'The tracker has too many requests under way', { retryAfterMs: RETRY_AFTER_MS });
    if (!this.#mayServe(enquiry)) return;
    // While there is no primary a follower answers what changes nothing; its replies are marked.
    const newest = LINEARIZABLE.has(enquiry.operation.op) && this.#context.replica.status().role === 'primary';
    if (newest) enquiry.readNewest(() => this.#begin(enquiry));
    else this.#begin(enquiry);
  }

  /** A change that was made before is answered again. */
  #begin(enquiry: Enquiry): void {
    if (!isWrite(enquiry.operation.op)) return this.#identify(enquiry, null);
    enquiry.read('reply', { requestId: enquiry.request.requestId }, (before) => {
      if (before !== null && 'expired' in before)
        return enquiry.refuse('indeterminate', 'The request is too old: whether it was done before can no longer be said');
      const refused = before === null ? this.#copies.refusalOf(enquiry.request) : null;
      if (refused !== null) return enquiry.refuse(refused.code, refused.message);
      this.#identify(enquiry, before);
    });
  }

  /** Forgets the requests under way, whose links are closed. */
  stop(): void {
    for (const enquiry of this.#underWay) enquiry.abandon();
    this.#underWay.clear();
    this.#copies.clear();
    this.#admission.stop();
  }

  /** Takes in what a node says of its contents; answered at once. `host`: the node's, as the proxy sees it, or empty. */
  announce(frame: AnnounceFrame, proxy: string, host: string): AnnouncedFrame {
    const { swarm } = this.#context;
    if (swarm.registry.node(frame.node) === null) return swarm.announce({ ...frame, items: [] }, { proxy, host });
    const known = frame.items.filter((item) => this.#admission.admits(item.content));
    const answer = swarm.announce({ ...frame, items: known }, { proxy, host });
    if (answer.unknownNode || known.length === frame.items.length) return answer;
    const refused = frame.items.filter((item) => !known.includes(item)).slice(0, 64);
    return { ...answer, items: [...answer.items, ...refused.map(({ content }) => ({ content, seeders: 0, leechers: 0, peers: [] }))] };
  }

  #note(request: RequestFrame, proxy: string, { body, seq, durability }: ReplyFrame): void {
    const { level, fields } = requestLine(request, body);
    this.#context.log[level]({ ...fields, proxy, seq, durability }, 'request served');
  }

  /** Whether this replica is the one to ask, and knows enough; if not, says so. */
  #mayServe(enquiry: Enquiry): boolean {
    const { role, epoch, primary, appliedSeq, lastSeq } = this.#context.replica.status();
    const { request, operation } = enquiry;
    const elsewhere = (message: string): false => {
      enquiry.refuse('not-primary', message, { retryAfterMs: RETRY_AFTER_MS });
      return false;
    };
    if (request.epoch > epoch) return elsewhere(`This replica is at epoch ${epoch}, behind ${request.epoch}`);
    if (role !== 'primary' && isWrite(operation.op))
      return elsewhere(primary === null ? 'There is no primary now' : `The primary is ${primary}`);
    if (appliedSeq >= request.minSeq) return true;
    if (role !== 'primary') return elsewhere('This replica has not applied yet what the asker has seen');
    // A primary has every entry that was ever acknowledged, unless its promotion was forced: what the asker saw is gone then.
    if (lastSeq < request.minSeq) return true;
    enquiry.refuse('unavailable', 'The tracker is still applying its log', { retryAfterMs: RETRY_AFTER_MS });
    return false;
  }

  /** From the token to the session; what needs none goes on without. */
  #identify(enquiry: Enquiry, before: StoredReply | null): void {
    const { op } = enquiry.operation;
    const { token } = enquiry.request;
    if (before !== null && !REBUILT.has(op)) return enquiry.settleStored(before);
    if (before === null && isWrite(op) && !REBUILT.has(op)) enquiry.lookAgainBeforeRefusal();
    if (WITHOUT_SESSION.has(op)) return this.#withoutSession(enquiry, before);
    if (token === null) return enquiry.refuse('session-expired', 'Log in first');
    // What was done before is not refused: whoever may not be told its secret any more looks for themselves.
    const refuse = (code: ErrorCode, message: string): void =>
      before?.body.ok === true ? enquiry.refuse('indeterminate', indeterminateWords(op)) : enquiry.refuse(code, message);
    const hash = tokenHash(token);
    enquiry.read('session', { tokenHash: hash }, (session) => {
      const { role, name } = this.#context.replica.status();
      if (session === null && role !== 'primary')
        // It may have begun at the primary that this replica has not heard: whoever holds it must not throw it away.
        return enquiry.refuse('unavailable', `${name} does not know this session, and there is no primary now to ask; try again later`);
      if (session === null || session.expiresMs <= this.#context.clock.wallNow())
        return refuse('session-expired', `The session has ended: log in again${afterOverride(this.#context, SESSION_GONE)}`);
      if (session.disabled) return refuse('disabled', 'The account is disabled');
      if (ADMIN_ONLY.has(op) && !session.admin) return refuse('forbidden', 'Only an administrator may do this');
      this.#withSession(enquiry, { ...session, tokenHash: hash }, before);
    });
  }

  #withoutSession(enquiry: Enquiry, before: StoredReply | null): void {
    const context = this.#context;
    switch (enquiry.operation.op) {
      case 'register':
        return accounts.register(context, as(enquiry, 'register'));
      case 'login':
        return accounts.login(context, as(enquiry, 'login'), before);
      case 'exit':
        return nodes.exit(context, as(enquiry, 'exit'));
      default:
        return nodes.alive(context, as(enquiry, 'alive'));
    }
  }

  #withSession(enquiry: Enquiry, asker: Asker, before: StoredReply | null): void {
    const context = this.#context;
    switch (enquiry.operation.op) {
      case 'logout':
        return accounts.logout(enquiry, asker);
      case 'whoami':
        return accounts.whoami(enquiry, asker);
      case 'passwd':
        return accounts.changePassword(context, as(enquiry, 'passwd'), asker);
      case 'invite':
        return accounts.invite(context, as(enquiry, 'invite'), asker, before);
      case 'accounts':
        return accounts.listAccounts(as(enquiry, 'accounts'));
      case 'account.disable':
        return accounts.disableAccount(context, as(enquiry, 'account.disable'), asker);
      case 'account.reset':
        return accounts.resetPassword(context, as(enquiry, 'account.reset'));
      case 'passkey.new':
        return members.newPasskey(context, as(enquiry, 'passkey.new'), asker, before);
      case 'passkeys':
        return members.listPasskeys(context, enquiry, asker);
      case 'passkey.revoke':
        return members.revokePasskey(as(enquiry, 'passkey.revoke'), asker);
      case 'statistics':
        return members.statistics(as(enquiry, 'statistics'), asker);
      case 'enter':
        return nodes.enter(context, as(enquiry, 'enter'), asker);
      case 'own':
        return catalog.own(context, as(enquiry, 'own'), asker);
      case 'disown':
        return catalog.disown(as(enquiry, 'disown'), asker);
      case 'need':
        return catalog.need(context, as(enquiry, 'need'));
      case 'content':
        return catalog.content(context, as(enquiry, 'content'));
      case 'torrent':
        return catalog.torrent(as(enquiry, 'torrent'));
      case 'nodes':
        return nodes.listNodes(context, as(enquiry, 'nodes'));
      case 'ping':
        return nodes.ping(context, as(enquiry, 'ping'));
      default:
        return enquiry.refuse('bad-request', 'There is no such operation');
    }
  }
}
