import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { seconds } from '../../ports/clock.ts';
import { formatPhc, PASSWORD_COST, parsePhc, sameTag } from './phc.ts';
import { decideRegistration } from './registration.ts';
import { codeHash, codeOf, followingRequestId, inviteCode, sessionToken } from './secrets.ts';
import { LoginThrottle } from './throttle.ts';

test('a password hash is a PHC string that comes back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (salt, tag) => {
      const read = parsePhc(formatPhc({ cost: PASSWORD_COST, salt, tag }));
      assert.deepEqual(read?.cost, PASSWORD_COST);
      assert.deepEqual(Buffer.from(read?.salt ?? []), Buffer.from(salt));
      assert.ok(sameTag(read?.tag ?? new Uint8Array(0), tag));
    }),
  );
  assert.match(
    formatPhc({ cost: PASSWORD_COST, salt: new Uint8Array(16), tag: new Uint8Array(32) }),
    /^\$argon2id\$v=19\$m=19456,t=2,p=1\$A{22}\$A{43}$/u,
  );
  for (const text of ['', 'x', '$argon2i$v=19$m=1,t=1,p=1$AAAAAAAAAAA$AAAA']) assert.equal(parsePhc(text), null);
});

test('a tag equals itself alone', () => {
  const tag = new Uint8Array(32).fill(7);
  assert.ok(sameTag(tag, tag.slice()));
  assert.equal(
    sameTag(
      tag,
      tag.map((byte, at) => (at === 31 ? byte ^ 1 : byte)),
    ),
    false,
  );
  assert.equal(sameTag(tag, new Uint8Array(0)), false);
});

test('a token is the same for the same request and account under the same key, and for nothing else', () => {
  const key = new Uint8Array(32).fill(1);
  const id = { client: 'a'.repeat(32), n: 1 };
  const token = sessionToken(key, id, 'an');
  assert.equal(sessionToken(key, { ...id }, 'an'), token);
  assert.equal(token.length, 43);
  const others = [
    sessionToken(new Uint8Array(32), id, 'an'),
    sessionToken(key, { ...id, n: 2 }, 'an'),
    sessionToken(key, { ...id, client: 'b'.repeat(32) }, 'an'),
    sessionToken(key, id, 'binh'),
    inviteCode(key, id, 'an'),
  ];
  assert.equal(new Set([token, ...others]).size, 6);
  assert.notDeepEqual(followingRequestId(id, 'a'), followingRequestId(id, 'b'));
});

test('a code survives being read aloud and typed', () => {
  const code = codeOf(Uint8Array.from({ length: 15 }, (_, at) => at * 17));
  assert.match(code, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/u);
  const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
  assert.equal(codeHash(typed), codeHash(code));
  assert.notEqual(codeHash(code), codeHash(codeOf(new Uint8Array(15))));
});

test('registration is open, by invite or closed; the first administrator comes in always', () => {
  const kind = (rule: 'open' | 'invite' | 'closed', code: string | null): string => {
    const decision = decideRegistration(rule, code, 'admin');
    return decision.kind === 'refused' ? decision.code : decision.kind;
  };
  assert.deepEqual([kind('open', null), kind('open', 'c'), kind('open', 'admin')], ['plain', 'invited', 'first-administrator']);
  assert.deepEqual(
    [kind('invite', null), kind('invite', 'c'), kind('invite', 'admin')],
    ['invite-needed', 'invited', 'first-administrator'],
  );
  assert.deepEqual(
    [kind('closed', null), kind('closed', 'c'), kind('closed', 'admin')],
    ['registration-closed', 'registration-closed', 'first-administrator'],
  );
});

test('guessing gets slower by account and host; others are not held up', () => {
  const throttle = new LoginThrottle();
  for (let n = 0; n < 4; n++) throttle.failed('an', 'h', 0);
  assert.equal(throttle.waitMs('an', 'h', 0), 0);
  throttle.failed('an', 'h', 0);
  assert.equal(throttle.waitMs('an', 'h', 0), 1_000);
  throttle.failed('an', 'h', 0);
  assert.equal(throttle.waitMs('an', 'h', 0), 2_000);
  assert.equal(throttle.waitMs('an', 'h', seconds(2)), 0);
  assert.equal(throttle.waitMs('an', 'other', 0), 0);
  assert.equal(throttle.waitMs('binh', 'h', 0), 0);
  throttle.succeeded('an', 'h');
  throttle.failed('an', 'h', 0);
  assert.equal(throttle.waitMs('an', 'h', 0), 0);
});

test('the memory of the throttle is bounded, and old failures are forgiven', () => {
  const throttle = new LoginThrottle();
  for (let n = 0; n < 6; n++) throttle.failed('an', 'h', 0);
  assert.equal(throttle.waitMs('an', 'h', seconds(16 * 60)), 0);
  for (let n = 0; n < 10_000; n++) throttle.failed(`x${n}`, 'h', 0);
  assert.equal(throttle.waitMs('an', 'h', 0), 0);
});
