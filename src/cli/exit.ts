/** How a command ends. Codes follow sysexits.h, so that scripts can tell what to do next. */
import type { Failure } from '../protocol/result.ts';

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  data: 65,
  noInput: 66,
  unavailable: 69,
  internal: 70,
  cannotCreate: 73,
  io: 74,
  temporary: 75,
  permission: 77,
  config: 78,
  interrupted: 130,
} as const;

/** What a command that asks its node, and through it the network, may end with: disks of either may be full. */
export const networkExits = [EXIT.unavailable, EXIT.io, EXIT.temporary, EXIT.permission] as const;
/** And one that may run a node itself, reads or writes what is shared, and stays until Ctrl-C. */
export const transferExits = [...networkExits, EXIT.data, EXIT.noInput, EXIT.cannotCreate, EXIT.interrupted] as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What `--help` says of them. */
export const exitMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'failed: the message says why',
  64: 'wrong usage',
  65: 'bad data: a file or a code is not what it should be',
  66: 'a file or folder is not there',
  69: 'no node is running, or a service cannot be had',
  70: 'a fault of the program',
  73: 'a file cannot be made, or is there already',
  74: 'the disk is full or fails',
  75: 'the network cannot answer now: try again',
  77: 'not signed in, or not allowed',
  78: 'wrong configuration',
  130: 'interrupted',
};

const codes: Readonly<Record<string, ExitCode>> = {
  usage: EXIT.usage,
  'bad-request': EXIT.usage,
  'name-invalid': EXIT.usage,
  'password-weak': EXIT.usage,
  ambiguous: EXIT.usage,
  'not-accepted': EXIT.usage,
  'torrent-invalid': EXIT.data,
  'code-invalid': EXIT.data,
  'plan-invalid': EXIT.data,
  'magnet-invalid': EXIT.data,
  'data-differs': EXIT.data,
  'too-large': EXIT.data,
  missing: EXIT.noInput,
  'no-node': EXIT.unavailable,
  'in-use': EXIT.unavailable,
  'not-installed': EXIT.unavailable,
  'no-gate': EXIT.unavailable,
  exists: EXIT.cannotCreate,
  'shared-elsewhere': EXIT.cannotCreate,
  'cannot-create': EXIT.cannotCreate,
  full: EXIT.io,
  'disk-full': EXIT.io,
  io: EXIT.io,
  corrupt: EXIT.io,
  disk: EXIT.io,
  halted: EXIT.io,
  offline: EXIT.temporary,
  unavailable: EXIT.temporary,
  busy: EXIT.temporary,
  degraded: EXIT.temporary,
  'not-primary': EXIT.temporary,
  'not-entered': EXIT.temporary,
  'no-peer': EXIT.temporary,
  'no-majority': EXIT.temporary,
  'timed-out': EXIT.temporary,
  booting: EXIT.temporary,
  indeterminate: EXIT.temporary,
  timeout: EXIT.temporary,
  paused: EXIT.temporary,
  denied: EXIT.permission,
  forbidden: EXIT.permission,
  disabled: EXIT.permission,
  'wrong-password': EXIT.permission,
  'password-changed': EXIT.temporary,
  'not-logged-in': EXIT.permission,
  'session-expired': EXIT.permission,
  'registration-closed': EXIT.permission,
  'invite-needed': EXIT.permission,
  'invite-invalid': EXIT.permission,
  'config-missing': EXIT.config,
  'config-invalid': EXIT.config,
  'newer-schema': EXIT.config,
  internal: EXIT.internal,
  interrupted: EXIT.interrupted,
};

/** The exit code for a failure of any layer; 1 where no better one is known. */
export const exitCodeOf = (failureCode: string): ExitCode => codes[failureCode] ?? EXIT.failed;

/** Ends a command with a message and no stack trace. */
export class CommandError extends Error {
  readonly failure: Failure;
  readonly exitCode: ExitCode;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
    this.exitCode = exitCodeOf(failure.code);
  }
}

export const give = <T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failure }): T => {
  if (!result.ok) throw new CommandError(result.error);
  return result.value;
};

export const stopWith = (code: string, message: string): never => {
  throw new CommandError({ code, message });
};
