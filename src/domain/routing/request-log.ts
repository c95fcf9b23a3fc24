/** What logs say of a request: the same words in proxy, tracker and backup, so that one id finds it in all three. */
import type { ReplyBody, RequestFrame, WireRequestId } from '../../protocol/control/messages.ts';
import { isWrite } from './operations.ts';

export interface RequestLine {
  /** Changes that are kept are for everybody's log; reads, signs of life and what was turned away for load are not. */
  readonly level: 'info' | 'debug';
  readonly fields: { readonly requestId: string; readonly operation: string; readonly outcome: string; readonly node: string | null };
}

/** `client:n`, as in every log of the network. */
export const requestIdText = ({ client, n }: WireRequestId): string => `${client}:${n}`;

/** `ok`, or the code of the refusal. */
export const outcomeOf = (body: ReplyBody): string => (body.ok ? 'ok' : body.code);

/** Of what was asked only the name of the operation: arguments may be secret. */
export const requestLine = ({ requestId, operation, from }: RequestFrame, body: ReplyBody): RequestLine => ({
  level: isWrite(operation.op) && (body.ok || body.code !== 'busy') ? 'info' : 'debug',
  fields: { requestId: requestIdText(requestId), operation: operation.op, outcome: outcomeOf(body), node: from?.node ?? null },
});
