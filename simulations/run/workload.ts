/** The users of a run: they ask what the plan says when it says so, and remember what they were told. */
import type { ApiCallName, ApiCalls } from '../../src/protocol/api.ts';
import { fail, ok, type Result } from '../../src/protocol/result.ts';
import { ADMIN_ACCOUNT, ADMIN_CODE, accountName, contentName, deviceName, fetchedPath, passwordText, sharedPath } from '../plan/names.ts';
import type { Operation } from '../plan/types.ts';
import type { Asked } from '../world/observer.ts';
import type { World } from '../world/index.ts';
import { act, nodeAt, type Reach, type RunningNode } from './people.ts';

/** Progress of a share or a download is asked for this often, and this long. */
const ASK_AGAIN_MICROS = 250_000;
const PATIENCE_MICROS = 60_000_000;
const ACCOUNTS_LIMIT = 200;
const SEARCH_LIMIT = 50;
const STATISTICS_LIMIT = 100;
/** Changes of who is signed in that wait for the one under way, for each node. */
const WAITING_MAX = 50;

/** Orders that are no call of a node. */
export interface Orders {
  /** Asks a replica to hand over; answers once. */
  handOver(id: number, replica: string, done: (result: Result<object>) => void): void;
  /** Makes a replica lead although it may lack what was acknowledged; answers once. */
  forcePromote(id: number, replica: string, done: (result: Result<object>) => void): void;
  /** A client of its own sends one registration several times; answers once for all. */
  repeat(id: number, name: string, password: string, times: number, done: (result: Result<object>) => void): void;
}

export interface WorkloadCounts {
  readonly asked: number;
  readonly succeeded: number;
  /** Found nobody to ask. */
  readonly skipped: number;
}

type Answer = (result: Result<object>) => void;
/** Changes who is signed in at a node, or acts as that one: one at a time, so that it is known who that was. */
const CHANGES_SESSION: ReadonlySet<Operation['do']> = new Set(['login', 'logout', 'passwd', 'passkey', 'revokePasskey', 'passkeys']);

export class Workload {
  readonly #world: World;
  readonly #reach: Reach;
  readonly #orders: Orders;
  /** The password of each account, as far as users have been told. */
  readonly #passwords = new Map<string, number>();
  /** What the catalog calls a content, once somebody was told. */
  readonly #ids = new Map<number, string>();
  readonly #busy = new Map<string, { readonly incarnation: number; readonly waiting: Operation[] }>();
  #asked = 0;
  #succeeded = 0;
  #skipped = 0;
  #closed = false;

  constructor(world: World, reach: Reach, orders: Orders) {
    this.#world = world;
    this.#reach = reach;
    this.#orders = orders;
  }

  get counts(): WorkloadCounts {
    return { asked: this.#asked, succeeded: this.#succeeded, skipped: this.#skipped };
  }

  /** `begun`: when the plan's time is 0, in virtual microseconds. */
  schedule(operations: readonly Operation[], begun: number): void {
    for (const operation of operations) this.#world.at(begun + operation.atMs * 1_000, () => this.#begin(operation));
  }

  /** Nothing is asked any more. */
  close(): void {
    this.#closed = true;
  }

  #begin(operation: Operation): void {
    if (this.#closed) return;
    if (operation.do === 'handOver' || operation.do === 'forcePromote') return this.#order(operation, operation.do);
    if (operation.do === 'repeat') return this.#repeat(operation);
    const node = nodeAt(this.#reach, operation.node);
    if (node === null) return this.#skip();
    if (!CHANGES_SESSION.has(operation.do)) return this.#ask(node, operation, () => {});
    const busy = this.#busy.get(operation.node);
    if (busy !== undefined && busy.incarnation === node.incarnation.number) {
      if (busy.waiting.length < WAITING_MAX) busy.waiting.push(operation);
      else this.#skip();
      return;
    }
    this.#busy.set(operation.node, { incarnation: node.incarnation.number, waiting: [] });
    this.#ask(node, operation, () => this.#free(operation.node, node.incarnation.number));
  }

  #free(name: string, incarnation: number): void {
    const busy = this.#busy.get(name);
    if (busy?.incarnation !== incarnation) return;
    this.#busy.delete(name);
    const [next, ...rest] = busy.waiting;
    if (next === undefined) return;
    // In an event of its own: this one belongs to the answer's step.
    this.#world.at(this.#world.now(), () => {
      this.#begin(next);
      this.#busy.get(name)?.waiting.push(...rest);
    });
  }

  #skip(): void {
    this.#skipped++;
  }

  #called(operation: Operation, asked: Asked): void {
    this.#asked++;
    for (const hook of this.#world.hooks.called) hook(operation.id, operation.node, asked);
  }

  #answered(operation: Operation, result: Result<object>): void {
    if (result.ok) this.#succeeded++;
    for (const hook of this.#world.hooks.answered) hook(operation.id, operation.node, result);
  }

  #order(operation: Operation, order: 'handOver' | 'forcePromote'): void {
    this.#called(operation, { call: order, args: {}, account: null });
    this.#orders[order](operation.id, operation.node, (result) => this.#answered(operation, result));
  }

  #repeat(operation: Operation & { do: 'repeat' }): void {
    const name = accountName(operation.account);
    const password = passwordText(0);
    this.#called(operation, { call: 'register', args: { name, password, code: null }, account: null });
    this.#orders.repeat(operation.id, name, password, operation.times, (result) => this.#answered(operation, result));
  }

  #ask(node: RunningNode, operation: Operation, over: () => void): void {
    const { incarnation, role } = node;
    const answer: Answer = (result) => {
      this.#answered(operation, result);
      over();
    };
    act(incarnation, () => {
      role.call('status', {}, (status) => {
        const account = status.ok ? status.value.account : null;
        if (!this.#send(node, operation, account, answer)) {
          this.#skip();
          over();
        }
      });
    });
  }

  /** Makes the call of an operation inside a step of its node. False where there is nothing to ask with. */
  #send(node: RunningNode, operation: Operation, account: string | null, answer: Answer): boolean {
    const call = <K extends ApiCallName>(name: K, args: ApiCalls[K]['args'], then: (value: ApiCalls[K]['result']) => void): true => {
      this.#called(operation, { call: name, args: args as Asked['args'], account });
      node.role.call(name, args, (result) => (result.ok ? then(result.value) : answer(result)));
      return true;
    };
    const done = (value: object): void => answer(ok(value));
    const demand = operation.require === undefined ? {} : { require: operation.require };
    switch (operation.do) {
      case 'register': {
        const code = operation.account === ADMIN_ACCOUNT ? ADMIN_CODE : null;
        return call('register', { name: accountName(operation.account), password: passwordText(0), code, ...demand }, done);
      }
      case 'login': {
        const name = accountName(operation.account);
        return call('login', { name, password: passwordText(operation.password), ...demand }, (value) => {
          this.#passwords.set(name, operation.password);
          done(value);
        });
      }
      case 'logout':
        return call('logout', { ...demand }, done);
      case 'passwd': {
        if (account === null) return false;
        const oldPassword = passwordText(this.#passwords.get(account) ?? 0);
        return call('passwd', { oldPassword, newPassword: passwordText(operation.password), ...demand }, (value) => {
          this.#passwords.set(account, operation.password);
          done(value);
        });
      }
      case 'disable':
        return call('account.disable', { name: accountName(operation.account), disabled: operation.disabled, ...demand }, done);
      case 'accounts':
        return call('accounts', { after: '', limit: ACCOUNTS_LIMIT }, done);
      case 'passkey':
        return call('passkey.new', { device: deviceName(operation.device), ...demand }, done);
      case 'revokePasskey':
        return call('passkey.revoke', { passkey: deviceName(operation.device), ...demand }, done);
      case 'passkeys':
        return call('passkeys', {}, done);
      case 'stats':
        return call('statistics', { account: null, offset: 0, limit: STATISTICS_LIMIT }, done);
      case 'search':
        return call('search', { words: operation.words, offset: 0, limit: SEARCH_LIMIT }, done);
      case 'share': {
        const paths = [sharedPath(operation.node, operation.content, operation.bytes)];
        return call('share', { paths, name: null, tags: [], v1: false, pieceLength: null, ...demand }, ({ job }) =>
          this.#followShare(node, operation.content, job, answer),
        );
      }
      case 'unshare': {
        const id = this.#ids.get(operation.content);
        return id !== undefined && call('unshare', { id, ...demand }, done);
      }
      case 'get': {
        const what = contentName(operation.content);
        return call('get', { what, to: null, files: [], sequential: false }, ({ id }) => this.#followGet(node, operation, id, answer));
      }
      case 'manage': {
        const id = this.#ids.get(operation.content);
        return id !== undefined && call(operation.how, { id }, done);
      }
      case 'handOver':
      case 'forcePromote':
      case 'repeat':
        return false;
    }
  }

  #followShare(node: RunningNode, content: number, job: number, answer: Answer): void {
    this.#until(node, 'shareJob', { job }, answer, ({ state, id, code, message }) => {
      if (state === 'failed') return fail(code ?? 'failed', message ?? '');
      if (state !== 'done' || id === null) return null;
      this.#ids.set(content, id);
      return ok({ id });
    });
  }

  #followGet(node: RunningNode, operation: Operation & { do: 'get' }, id: string, answer: Answer): void {
    this.#ids.set(operation.content, id);
    const path = fetchedPath(operation.node, operation.content);
    this.#until(node, 'transfers', { id }, answer, ({ transfers: [transfer] }) => {
      if (transfer === undefined) return fail('not-found', 'The transfer is gone.');
      if (transfer.state === 'failed') return fail('failed', transfer.reason ?? '');
      return transfer.state === 'seeding' ? ok({ id, path, size: transfer.size }) : null;
    });
  }

  /** Asks again and again, until `judge` has an answer for the user, or patience ends. A node that ends answers never. */
  #until<K extends ApiCallName>(
    node: RunningNode,
    name: K,
    args: ApiCalls[K]['args'],
    answer: Answer,
    judge: (value: ApiCalls[K]['result']) => Result<object> | null,
  ): void {
    const deadline = this.#world.now() + PATIENCE_MICROS;
    const again = (): void => {
      this.#world.at(this.#world.now() + ASK_AGAIN_MICROS, () => {
        if (!this.#closed) act(node.incarnation, () => node.role.call(name, args, heard));
      });
    };
    const heard = (result: Result<ApiCalls[K]['result']>): void => {
      const verdict = result.ok ? judge(result.value) : result;
      if (verdict !== null) answer(verdict);
      else if (this.#world.now() > deadline) answer(fail('unfinished', 'It is still under way.'));
      else again();
    };
    again();
  }
}
