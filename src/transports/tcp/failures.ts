import { formatAddress } from '../transport.ts';
import type { Address, TransportFailure } from '../transport.ts';

const CODES: Readonly<Record<string, TransportFailure['code']>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  EAI_NODATA: 'unreachable',
  ETIMEDOUT: 'timeout',
  EADDRINUSE: 'in-use',
  EACCES: 'denied',
  EPERM: 'denied',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ENOTCONN: 'reset',
};

/** What the one who dials is told; the other side logs it as well. */
export const OTHER_KEY = 'has another network key than this machine: join with the code of that network';

const isTls = (code: string): boolean => code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO';

const sentence = (code: TransportFailure['code'], where: string, system: string): string => {
  switch (code) {
    case 'refused':
      return `${where} refused the connection: nothing listens there`;
    case 'unreachable':
      return `${where} cannot be reached (${system})`;
    case 'timeout':
      return `${where} no longer answers`;
    case 'reset':
      return `${where} broke the connection off`;
    case 'security':
      return `${where} ${OTHER_KEY} (${system})`;
    default:
      return `The connection to ${where} failed (${system})`;
  }
};

/** What an error of the system means for a connection to `remote`. */
export const connectionFailure = (error: unknown, remote: Address): TransportFailure => {
  const system = systemCode(error);
  const code = isTls(system) ? 'security' : (CODES[system] ?? 'io');
  return { code, message: sentence(code, formatAddress(remote), system) };
};

/** What an error means while a server's certificate is asked for. */
export const certificateFailure = (error: unknown, remote: Address, name: string): TransportFailure => {
  const system = systemCode(error);
  const known = CODES[system];
  if (known !== undefined) return { code: known, message: sentence(known, formatAddress(remote), system) };
  return insecure(remote, `did not show a certificate for ${name} that this machine trusts (${system})`);
};

/** What an error of the system means for a listener on `address`. */
export const listenFailure = (error: unknown, address: Address): TransportFailure => {
  const system = systemCode(error);
  const code = CODES[system] ?? 'io';
  const where = formatAddress(address);
  if (code === 'in-use') {
    return {
      code,
      message: `Port ${address.port} on ${address.host} is already in use: stop the program that has it, or choose another port`,
    };
  }
  if (code === 'denied') return { code, message: `Listening on ${where} is not allowed: ports below 1024 need privileges` };
  if (code === 'unreachable') return { code, message: `Cannot listen on ${where}: this machine does not have that address` };
  return { code, message: `Cannot listen on ${where} (${system})` };
};

export const timedOut = (remote: Address, timeoutMs: number): TransportFailure => ({
  code: 'timeout',
  message: `${formatAddress(remote)} did not answer within ${timeoutMs} ms`,
});

export const insecure = (remote: Address, why: string): TransportFailure => ({
  code: 'security',
  message: `${formatAddress(remote)} ${why}`,
});

const systemCode = (error: unknown): string => {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code ?? 'unknown error';
};
