/** The operator link: a command gives one replica one order at a time, and gets one answer to each. */
import { millis, type TimerId } from '../ports/clock.ts';
import type { OperatorFrame, Order, OrderErrorCode, OrderOutcome } from '../protocol/control/messages.ts';
import { type Done, fail, type Failure } from '../protocol/result.ts';
import type { Address, Security } from '../transports/transport.ts';
import type { Accept } from './accept.ts';
import { dialLink, type LinkDeps } from './dial.ts';
import type { LinkDown } from './link.ts';
import { CLUSTER_LINK_LIMITS, type LinkIdentity } from './session.ts';

/** Operator links at a time: they shall not take the room of proxies. */
const OPERATOR_LINKS_MAX = 16;

/** Carries out an order; answers exactly once, inside a step. */
export type Obey = (order: Order, done: (outcome: OrderOutcome) => void) => void;

/** Takes operator links: one order under way per link, each answered once; an answer for a link that is gone is dropped. */
export const acceptOperators = (obey: Obey): Accept<OperatorFrame> => {
  let links = 0;
  return (_peer, link) => {
    if (links >= OPERATOR_LINKS_MAX) return { refuse: 'full', message: `${OPERATOR_LINKS_MAX} operator links are open, which is the most` };
    let underWay = false;
    return {
      up: () => void (links += 1),
      down: () => void (links -= 1),
      frame: (frame) => {
        if (frame.kind !== 'order') return;
        const { id, order } = frame;
        if (underWay) {
          const message = 'Another order of this link is under way';
          return void link.send({ kind: 'ordered', id, outcome: { ok: false, code: 'busy', message } });
        }
        underWay = true;
        obey(order, (outcome) => {
          underWay = false;
          link.send({ kind: 'ordered', id, outcome });
        });
      },
    };
  };
};

export interface OrderOptions {
  /** The replica that is meant, and where it is. */
  readonly replica: string;
  readonly address: Address;
  readonly identity: LinkIdentity;
  /** The cluster key; absent for links in the clear (simulations). */
  readonly security?: Security;
  /** How long the replica may take for the answer, once it is reached. */
  readonly answerMaxMs: number;
  readonly dialTimeoutMs?: number;
}

const ORDER_ID = 1;

/**
 * Dials a replica, gives it one order, and answers once: with what it says, with `unavailable` where it was not reached,
 * with `indeterminate` where it was and then did not answer.
 */
export const giveOrder = (deps: LinkDeps, options: OrderOptions, order: Order, done: Done<object, Failure<OrderErrorCode>>): void => {
  const { replica, address, identity, security, answerMaxMs, dialTimeoutMs } = options;
  let answered = false;
  let given = false;
  let timer: TimerId | null = null;
  const answer: typeof done = (result) => {
    if (answered) return;
    answered = true;
    if (timer !== null) deps.clock.clearTimer(timer);
    link.close();
    done(result);
  };
  const lost = ({ message }: Pick<LinkDown, 'message'>): void =>
    answer(
      given && order.do !== 'report'
        ? fail('indeterminate', `${replica} was given the order and did not answer (${message}); look at "shoal status --cluster"`)
        : fail('unavailable', message),
    );
  const link = dialLink<OperatorFrame>(
    deps,
    {
      type: 'operator',
      address,
      identity,
      limits: CLUSTER_LINK_LIMITS,
      ...(security === undefined ? {} : { security }),
      ...(dialTimeoutMs === undefined ? {} : { dialTimeoutMs }),
    },
    {
      up: (peer) => {
        if (peer.name !== replica) return lost({ message: `at the address of ${replica} is ${peer.name}` });
        given = true;
        timer = deps.clock.setTimer(millis(answerMaxMs), () => lost({ message: `no answer within ${answerMaxMs / 1_000} s` }));
        link.send({ kind: 'order', id: ORDER_ID, order });
      },
      frame: (frame) => {
        if (frame.kind !== 'ordered' || frame.id !== ORDER_ID) return;
        const { outcome } = frame;
        answer(outcome.ok ? { ok: true, value: outcome.value } : fail(outcome.code, outcome.message));
      },
      down: lost,
    },
  );
};
