/** I8 of passkeys: what users are told of a device's passkey is as if one thing happened after the other; what is revoked never comes back. */
import { foldName } from '../../src/domain/accounts/names.ts';
import { passkeyHash, passkeyIdOf } from '../../src/domain/accounts/passkeys.ts';
import type { PasskeySummary } from '../../src/protocol/control/messages.ts';
import type { Result } from '../../src/protocol/result.ts';
import { type ProcessName } from '../plan/types.ts';
import { replicaNames } from '../plan/names.ts';
import type { Asked } from '../world/observer.ts';
import type { Checker, MakeChecker, RunView } from './checker.ts';
import { modelOf } from './cluster-model.ts';
import { answerOfCode, type HistoryAnswer, HistoryJudge, type HistoryRequest, objectOf } from './history.ts';
import { violated } from './invariants.ts';

const NAME = 'I8';

type Request = Extract<HistoryRequest, { readonly device: string }>;

/** A question of a user that is not answered yet. */
interface Open {
  readonly node: ProcessName;
  readonly account: string;
  /** One, or of a list one for each device that is known by then. */
  readonly requests: readonly { readonly id: number; readonly request: Request }[];
  /** Passkeys that were revoked when it was asked. */
  readonly revoked: ReadonlySet<string>;
  /** Passkeys of the device that somebody had been told of by then. */
  readonly told: readonly string[];
}

class Passkeys implements Checker {
  readonly name = NAME;
  readonly demands = 'What users hear of passkeys is as if one thing happened after the other; one that was revoked never comes back.';
  readonly #run: RunView;
  #judge = new HistoryJudge();
  readonly #open = new Map<number, Open>();
  /** Devices that somebody asked about, by their objects. */
  readonly #devices = new Map<string, Request>();
  readonly #overridden = new Set<string>();
  /** Ids that users were told of, by object. */
  readonly #told = new Map<string, string[]>();
  #revoked: ReadonlySet<string> = new Set();
  #ids = 0;

  constructor(run: RunView) {
    this.#run = run;
    modelOf(run).listen({ forced: () => this.#forget() });
  }

  called(id: number, node: ProcessName, asked: Asked): void {
    const { account } = asked;
    if (account === null) return;
    const requests = this.#requestsOf(asked, account).filter((request) => !this.#overridden.has(objectOf(request)));
    if (requests.length === 0 && asked.call !== 'passkeys') return;
    const [request] = requests;
    const told = request?.do === 'revoke' ? [...(this.#told.get(objectOf(request)) ?? [])] : [];
    const numbered = requests.map((each) => ({ id: ++this.#ids, request: each }));
    this.#open.set(id, { node, account, requests: numbered, revoked: this.#revoked, told });
    for (const each of numbered) {
      const object = objectOf(each.request);
      if (!this.#devices.has(object)) this.#devices.set(object, { ...each.request, do: 'passkeys' });
      this.#say({ event: 'called', id: each.id, client: node, request: each.request });
    }
  }

  answered(id: number, _node: ProcessName, result: Result<object>): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    if (result.ok && 'passkeys' in result.value && !('stale' in result.value))
      this.#listed(result.value.passkeys as PasskeySummary[], open);
    for (const each of open.requests) this.#say({ event: 'answered', id: each.id, answer: this.#answerTo(each.request, result, open) });
  }

  stopped(process: ProcessName): void {
    for (const [id, { node, requests }] of this.#open) {
      if (node !== process) continue;
      this.#open.delete(id);
      for (const each of requests) this.#say({ event: 'answered', id: each.id, answer: { kind: 'unknown' } });
    }
  }

  end(): void {
    const [fault] = this.#judge.end();
    if (fault !== undefined) violated(NAME, `${fault.object}: ${fault.because}`);
    const model = modelOf(this.#run);
    const replica = replicaNames.find((name) => model.log(name).appliedSeq === model.decided.length - 1);
    if (replica === undefined) return;
    const rows = this.#run.query(replica, 'SELECT hash, folded, device_folded, expires_ms FROM passkeys');
    const current = new Map<string, string>();
    for (const row of rows) {
      const id = passkeyIdOf(String(row['hash']));
      if (this.#revoked.has(id)) violated(NAME, `the passkey ${id} was revoked, and the ledger of ${replica} has it`);
      if (row['expires_ms'] === null) current.set(`${String(row['folded'])}/${String(row['device_folded'])}`, id);
    }
    for (const request of this.#devices.values()) {
      const value = current.get(`${foldName(request.account)}/${foldName(request.device)}`) ?? 'none';
      const id = ++this.#ids;
      this.#say({ event: 'called', id, client: `the ledger of ${replica}, at the end,`, request });
      this.#say({ event: 'answered', id, answer: { kind: 'ok', value } });
    }
  }

  #requestsOf({ call, args }: Asked, account: string): Request[] {
    if (call === 'passkey.new') return [{ do: 'passkey', account, device: String(args['device']) }];
    if (call === 'passkey.revoke') return [{ do: 'revoke', account, device: String(args['passkey']) }];
    return call === 'passkeys' ? [...this.#devices.values()].filter((device) => device.account === account) : [];
  }

  #answerTo(request: Request, result: Result<object>, { revoked, told }: Open): HistoryAnswer {
    if (!result.ok) return answerOfCode(request, result.error.code);
    const { value } = result as {
      readonly value: { readonly id?: string; readonly passkey?: string; readonly passkeys?: PasskeySummary[] };
    };
    if (request.do === 'passkey') {
      const { id = '', passkey = '' } = value;
      if (passkeyIdOf(passkeyHash(passkey)) !== id)
        violated(NAME, `the passkey that ${request.account} was given is not the one called ${id}`);
      const object = objectOf(request);
      this.#told.set(object, [...(this.#told.get(object) ?? []), id]);
      return { kind: 'ok', value: id };
    }
    if (request.do === 'revoke') {
      this.#revoked = new Set([...this.#revoked, ...revoked, ...told]);
      return { kind: 'ok' };
    }
    if ('stale' in value) return { kind: 'nothing', code: 'stale' };
    const mine = value.passkeys?.find(({ device, expiresMs }) => foldName(device) === foldName(request.device) && expiresMs === null);
    return { kind: 'ok', value: mine?.id ?? 'none' };
  }

  #listed(passkeys: readonly PasskeySummary[], { account, revoked }: Open): void {
    const back = passkeys.find(({ id }) => revoked.has(id));
    if (back !== undefined) violated(NAME, `${account} is told of the passkey ${back.id} of ${back.device}, which was revoked before`);
  }

  /** A forced promotion may have taken any of it back. */
  #forget(): void {
    for (const object of this.#devices.keys()) this.#overridden.add(object);
    this.#devices.clear();
    this.#open.clear();
    this.#told.clear();
    this.#revoked = new Set();
    this.#judge = new HistoryJudge();
  }

  #say(event: Parameters<HistoryJudge['hear']>[0]): void {
    const fault = this.#judge.hear(event);
    if (fault !== null) violated(NAME, `${fault.object}: ${fault.because}`);
  }
}

export const passkeysInOrder: MakeChecker = (run) => new Passkeys(run);
