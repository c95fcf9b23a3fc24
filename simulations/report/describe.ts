/** Frames, operations and faults in a few words each, for people. */
import type { ControlFrame } from '../../src/protocol/control/messages.ts';
import type { Fault, Operation } from '../plan/types.ts';

/** What comes at a rate or says nothing new: kept apart, and hidden until asked for. */
const CHATTER: ReadonlySet<string> = new Set(['heartbeat', 'heartbeatAck', 'status', 'ping', 'pong', 'hello', 'welcome', 'swarmDelta']);
const TEXT_LENGTH_MAX = 200;
const LIST_LENGTH_MAX = 4;
/** Ids and digests: the beginning tells them apart. */
const HEXADECIMAL = /^[0-9a-f]{12,}$/u;

export const isChatter = (kind: string): boolean => CHATTER.has(kind);

/** The epoch that a frame carries, if it carries one. */
export const epochOf = (frame: ControlFrame): number | null => {
  if ('epoch' in frame && typeof frame.epoch === 'number') return frame.epoch;
  return 'configuration' in frame ? frame.configuration.e : null;
};

/** Everything in a frame but its kind and epoch, shortly. What is secret in it stays out: tokens and passwords. */
export const describeFrame = (frame: ControlFrame): string => {
  if (frame.kind === 'request')
    return `${frame.operation.op} ${words(frame.requestId)}${frame.minSeq > 0 ? ` minSeq ${frame.minSeq}` : ''}`;
  if (frame.kind === 'reply') {
    const { body, seq, durability, requestId, stale } = frame;
    return `${body.ok ? 'ok' : body.code} ${words(requestId)} seq ${seq} ${durability}${stale === true ? ' stale' : ''}`;
  }
  const parts: string[] = [];
  for (const [key, value] of Object.entries(frame))
    if (key !== 'kind' && key !== 'epoch' && key !== 'networkId' && key !== 'software') parts.push(part(key, value));
  return cut(parts.filter((text) => text !== '').join(' '));
};

const cut = (text: string): string => (text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX - 1)}…` : text);

const part = (key: string, value: unknown): string => {
  if (value === null || value === undefined || value === false) return value === null ? `${key} none` : '';
  if (value === true) return key;
  if (value instanceof Uint8Array) return value.length === 0 ? '' : `${key} ${value.length} B`;
  if (Array.isArray(value) && key === 'entries') return entries(value);
  return `${key} ${words(value)}`;
};

/** Any value of a frame, by its shape. */
const words = (value: unknown): string => {
  if (value instanceof Uint8Array) return `${value.length} B`;
  if (Array.isArray(value)) {
    const shown = value.slice(0, LIST_LENGTH_MAX).map(words);
    return `[${shown.join(' ')}${value.length > LIST_LENGTH_MAX ? ` and ${value.length - LIST_LENGTH_MAX} more` : ''}]`;
  }
  if (typeof value === 'string') return HEXADECIMAL.test(value) ? `${value.slice(0, 6)}…` : value;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = value as Readonly<Record<string, unknown>>;
  if (typeof fields['client'] === 'string') return `${fields['client'].slice(0, 4)}.${String(fields['n'])}`;
  if ('isr' in fields)
    return `${words(fields['e'])}.${words(fields['v'])} ${words(fields['primary'])} {${(fields['isr'] as string[]).join(', ')}}`;
  if ('seq' in fields && 'epoch' in fields) return `${words(fields['seq'])}@${words(fields['epoch'])}`;
  return Object.entries(fields)
    .map(([key, inner]) => part(key, inner))
    .filter((text) => text !== '')
    .join(' ');
};

const entries = (list: readonly { readonly seq: number }[]): string => {
  const [first] = list;
  const last = list.at(-1);
  if (first === undefined || last === undefined) return 'no entries';
  return first === last ? `entry ${words(first)}` : `entries ${first.seq} to ${words(last)}`;
};

export const describeOperation = (operation: Operation): string => {
  const { id: _id, atMs: _atMs, node: _node, do: what, ...rest } = operation;
  return [what, ...Object.entries(rest).map(([key, value]) => part(key, value))].join(' ').trim();
};

export const describeFault = (fault: Fault): string => {
  switch (fault.kind) {
    case 'cut':
      return `cut ${fault.from.join(', ')} ${fault.bothWays ? '<->' : '->'} ${fault.to.join(', ')}`;
    case 'slowLink':
      return `slowLink ${fault.from} -> ${fault.to} ${fault.latencyMs} ms ± ${fault.jitterMs} ms`;
    case 'slice':
      return `slice ${fault.from} -> ${fault.to} ${fault.bytesMax} B`;
    case 'breakLinks':
      return `breakLinks ${fault.process} - ${fault.other ?? 'all'}${fault.silently ? ' silently' : ''}`;
    default: {
      const { id: _id, atMs: _atMs, kind, process, ...rest } = fault;
      const details = Object.entries(rest).filter(([key, value]) => key !== 'forMs' && !(key === 'afterSteps' && value === 0));
      return [kind, process, ...details.map(([key, value]) => part(key, value))].filter((text) => text !== '').join(' ');
    }
  }
};
