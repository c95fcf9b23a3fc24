import { tokenHash } from '../../domain/accounts/secrets.ts';
import { LoginThrottle } from '../../domain/accounts/throttle.ts';
import { isWrite } from '../../domain/routing/operations.ts';
import type { StoredReply } from '../../domain/ledger/types.ts';
import { requestLine } from '../../domain/routing/request-log.ts';
import type { AnnouncedFrame, AnnounceFrame, Operation, OperationName, ReplyFrame, RequestFrame } from '../../protocol/control/messages.ts';
import * as accounts from './account-operations.ts';
import { Admission } from './admission.ts';
import * as catalog from './catalog-operations.ts';
import { Exchange } from './exchange.ts';
import * as nodes from './node-operations.ts';
import type { Asker, DeskContext, DeskDeps } from './types.ts';

export { DESK_DEFAULTS } from './types.ts';
export type * from './types.ts';

/** Their replies hold a secret, which is not stored: it is derived again for a repeated request. */
const REBUILT: ReadonlySet<OperationName> = new Set<OperationName>(['login', 'invite']);
const ADMIN_ONLY: ReadonlySet<OperationName> = new Set<OperationName>(['invite', 'accounts', 'account.disable', 'account.reset']);
/** Without a session: before there is one, or with the incarnation as proof. */
const WITHOUT_SESSION: ReadonlySet<OperationName> = new Set<OperationName>(['register', 'login', 'exit', 'alive']);

const RETRY_AFTER_MS = 200;

/** Narrows an exchange to the operation that it has. */
const as = <K extends OperationName>(exchange: Exchange, _op: K): Exchange<Extract<Operation, { op: K }>> =>
  exchange as Exchange<Extract<Operation, { op: K }>>;

/**
 * Where a replica receives members: validates, knows who asks and whether they may, prepares what is slow or secret, and
 * has it written through the replica or reads it. Every request gets exactly one reply, in this step or a later one.
 */
export class Desk {
  readonly #context: DeskContext;
  readonly #admission: Admission;
  readonly #underWay = new Set<Exchange>();

  constructor(deps: DeskDeps) {
    this.#context = { ...deps, throttle: new LoginThrottle() };
    this.#admission = new Admission(this.#context);
  }

  /** Requests that are being worked on. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** `proxy`: the name of the proxy whose link brought the request. */
  handle(request: RequestFrame, proxy: string, reply: (frame: ReplyFrame) => void): void {
    const exchange: Exchange = new Exchange(this.#context, request, proxy, (frame) => {
      this.#underWay.delete(exchange);
      this.#note(request, proxy, frame);
      if (exchange.operation.op === 'own' && frame.body.ok) this.#admission.welcome(exchange.operation.content.id);
      reply(frame);
    });
    this.#underWay.add(exchange);
    if (this.#underWay.size > this.#context.settings.requestsMax)
      return exchange.refuse('busy', 'The tracker has too many requests under way', { retryAfterMs: RETRY_AFTER_MS });
    if (!this.#mayServe(exchange)) return;
    if (!isWrite(exchange.operation.op)) return this.#identify(exchange, null);
    exchange.read('reply', { requestId: request.requestId }, (before) => {
      if (before !== null && 'expired' in before)
        return exchange.refuse('indeterminate', 'The request is too old: whether it was done before can no longer be said');
      this.#identify(exchange, before);
    });
  }

  /** Forgets the requests under way, whose links are closed. */
  stop(): void {
    for (const exchange of this.#underWay) exchange.abandon();
    this.#underWay.clear();
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
  #mayServe(exchange: Exchange): boolean {
    const { role, epoch, primary, appliedSeq } = this.#context.replica.status();
    const { request, operation } = exchange;
    const elsewhere = (message: string): false => {
      exchange.refuse('not-primary', message, { retryAfterMs: RETRY_AFTER_MS });
      return false;
    };
    if (request.epoch > epoch) return elsewhere(`This replica is at epoch ${epoch}, behind ${request.epoch}`);
    if (role !== 'primary' && isWrite(operation.op))
      return elsewhere(primary === null ? 'There is no primary now' : `The primary is ${primary}`);
    if (appliedSeq >= request.minSeq) return true;
    if (role !== 'primary') return elsewhere('This replica has not applied yet what the asker has seen');
    exchange.refuse('unavailable', 'The tracker is still applying its log', { retryAfterMs: RETRY_AFTER_MS });
    return false;
  }

  /** From the token to the session; what needs none goes on without. */
  #identify(exchange: Exchange, before: StoredReply | null): void {
    const { op } = exchange.operation;
    const { token } = exchange.request;
    if (before !== null && !REBUILT.has(op)) return exchange.settleStored(before);
    if (before === null && isWrite(op) && !REBUILT.has(op)) exchange.lookAgainBeforeRefusal();
    if (WITHOUT_SESSION.has(op)) return this.#withoutSession(exchange, before);
    if (token === null) return exchange.refuse('session-expired', 'Log in first');
    const hash = tokenHash(token);
    exchange.read('session', { tokenHash: hash }, (session) => {
      if (session === null || session.expiresMs <= this.#context.clock.wallNow())
        return exchange.refuse('session-expired', 'The session has ended: log in again');
      if (session.disabled) return exchange.refuse('disabled', 'The account is disabled');
      if (ADMIN_ONLY.has(op) && !session.admin) return exchange.refuse('forbidden', 'Only an administrator may do this');
      this.#withSession(exchange, { ...session, tokenHash: hash }, before);
    });
  }

  #withoutSession(exchange: Exchange, before: StoredReply | null): void {
    const context = this.#context;
    switch (exchange.operation.op) {
      case 'register':
        return accounts.register(context, as(exchange, 'register'));
      case 'login':
        return accounts.login(context, as(exchange, 'login'), before);
      case 'exit':
        return nodes.exit(context, as(exchange, 'exit'));
      default:
        return nodes.alive(context, as(exchange, 'alive'));
    }
  }

  #withSession(exchange: Exchange, asker: Asker, before: StoredReply | null): void {
    const context = this.#context;
    switch (exchange.operation.op) {
      case 'logout':
        return accounts.logout(exchange, asker);
      case 'whoami':
        return accounts.whoami(exchange, asker);
      case 'passwd':
        return accounts.changePassword(context, as(exchange, 'passwd'), asker);
      case 'invite':
        return accounts.invite(context, as(exchange, 'invite'), asker, before);
      case 'accounts':
        return accounts.listAccounts(as(exchange, 'accounts'));
      case 'account.disable':
        return accounts.disableAccount(context, as(exchange, 'account.disable'), asker);
      case 'account.reset':
        return accounts.resetPassword(context, as(exchange, 'account.reset'));
      case 'enter':
        return nodes.enter(context, as(exchange, 'enter'), asker);
      case 'own':
        return catalog.own(context, as(exchange, 'own'), asker);
      case 'disown':
        return catalog.disown(as(exchange, 'disown'), asker);
      case 'need':
        return catalog.need(context, as(exchange, 'need'));
      case 'content':
        return catalog.content(context, as(exchange, 'content'));
      case 'torrent':
        return catalog.torrent(as(exchange, 'torrent'));
      case 'nodes':
        return nodes.listNodes(context, exchange);
      case 'ping':
        return nodes.ping(context, as(exchange, 'ping'));
      default:
        return exchange.refuse('bad-request', 'There is no such operation');
    }
  }
}
