import { hmacSha256, sha256, toHex } from '../../protocol/digest.ts';

/** The shape of a request id; see `domain/replication/types.ts`. */
interface RequestId {
  readonly client: string;
  readonly n: number;
}

/** Crockford's: no I, L, O, U, which are mistaken for others. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_BYTES = 15;
const GROUP_CHARACTERS = 4;

/**
 * The session token that a login gets: opaque, 256 bits. Derived from the request, so that a repeated request has the
 * same token from whichever replica answers it, while the ledger keeps its SHA-256 only.
 */
export const sessionToken = (tokenKey: Uint8Array, requestId: RequestId, folded: string): string =>
  Buffer.from(hmacSha256(tokenKey, JSON.stringify(['session', requestId.client, requestId.n, folded]))).toString('base64url');

/** What the ledger knows of a token; hex. */
export const tokenHash = (token: string): string => toHex(sha256(token));

/** A code for people to pass on, of 15 secret bytes (120 bits): six groups of four characters. */
export const codeOf = (secret: Uint8Array): string => {
  let bits = 0n;
  for (const byte of secret.subarray(0, CODE_BYTES)) bits = (bits << 8n) | BigInt(byte);
  let characters = '';
  for (let at = CODE_BYTES * 8 - 5; at >= 0; at -= 5) characters += ALPHABET[Number((bits >> BigInt(at)) & 31n)];
  return (characters.match(new RegExp(`.{${GROUP_CHARACTERS}}`, 'gu')) ?? []).join('-');
};

/** The code of an invite, derived as a token is. */
export const inviteCode = (tokenKey: Uint8Array, requestId: RequestId, folded: string): string =>
  codeOf(hmacSha256(tokenKey, JSON.stringify(['invite', requestId.client, requestId.n, folded])));

/** SHA-256 of a code as its holder may type it: case, spaces and hyphens do not matter, O is 0, I and L are 1. Hex. */
export const codeHash = (code: string): string =>
  toHex(
    sha256(
      code
        .toUpperCase()
        .replaceAll(/[\s-]+/gu, '')
        .replaceAll('O', '0')
        .replaceAll(/[IL]/gu, '1'),
    ),
  );

/** A request id for a change that follows from another request: the same whenever that one is repeated. */
export const followingRequestId = (requestId: RequestId, purpose: string): RequestId => ({
  client: toHex(sha256(JSON.stringify([purpose, requestId.client, requestId.n]))).slice(0, 32),
  n: 1,
});
