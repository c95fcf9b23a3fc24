/**
 * TLS 1.3 with an external pre-shared key (RFC 8446, 2.2 and 4.2.11). Both sides prove that they have the key; keys of
 * a connection are fresh (psk_dhe_ke). OpenSSL binds such a key to SHA-256, hence the one cipher suite.
 */
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';
import type { CertifiedServer, Security } from '../transport.ts';

const ONLY_TLS_13 = { ciphers: 'TLS_AES_128_GCM_SHA256', minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

const KEY_BYTES = 32;
/** OpenSSL takes identities up to this length. */
const IDENTITY_BYTES_MAX = 127;

/** @throws for a key or an identity that cannot be: a programmer's or a configuration's mistake. */
export const checkSecurity = ({ identity, key }: Security): void => {
  if (key.length !== KEY_BYTES) throw new RangeError(`A pre-shared key has ${KEY_BYTES} bytes, not ${key.length}`);
  const bytes = Buffer.byteLength(identity);
  if (bytes === 0 || bytes > IDENTITY_BYTES_MAX || identity.includes('\0')) {
    throw new RangeError(`A key's identity has 1 to ${IDENTITY_BYTES_MAX} bytes`);
  }
};

export const clientOptions = ({ identity, key }: Security): ConnectionOptions => ({
  ...ONLY_TLS_13,
  pskCallback: () => ({ identity, psk: key }),
  // A certificate, whoever signed it, is no proof of the key. With the key, Node asks for neither of these.
  ca: [],
  checkServerIdentity: () => new Error('A certificate was shown where a key was asked for'),
});

/** For a server with a certificate: it is checked against the name, which is told to the server too (unless it is an address, RFC 6066, 3). */
export const certifiedOptions = ({ serverName }: CertifiedServer, authorities: readonly string[] | undefined): ConnectionOptions => ({
  minVersion: 'TLSv1.2',
  host: serverName,
  ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
  ...(authorities === undefined ? {} : { ca: [...authorities] }),
});

export const serverOptions = (keys: readonly Security[], handshakeTimeoutMs: number): TlsOptions => {
  const byIdentity = new Map(keys.map(({ identity, key }) => [identity, key]));
  return { ...ONLY_TLS_13, handshakeTimeout: handshakeTimeoutMs, pskCallback: (_socket, identity) => byIdentity.get(identity) ?? null };
};

/** TLS 1.3 shows an accepted pre-shared key as a resumed session without a certificate. */
export const provedKey = (socket: TLSSocket): boolean => socket.isSessionReused() && Object.keys(socket.getPeerCertificate()).length === 0;

/** A fatal alert, which tells a plain client that this port speaks TLS. */
export const PLAIN_CLIENT_ALERT = new Uint8Array([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46]);

/** Whether the first bytes of a plain connection are such an alert. */
export const isTlsAlert = (chunk: Uint8Array): boolean =>
  chunk.length === 7 && chunk[0] === 0x15 && chunk[1] === 0x03 && chunk[3] === 0 && chunk[4] === 2;
