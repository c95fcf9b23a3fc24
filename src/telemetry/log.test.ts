import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openLog } from './log.ts';
import { redact, redactText } from './redact.ts';

const SECRET = 'hunter2-Hunter2';

describe('redaction', () => {
  it('leaves out passwords, tokens, passkeys and keys at any depth, whatever their case', () => {
    const fields = {
      operation: { op: 'login', name: 'alice', password: SECRET, code: SECRET },
      frames: [{ token: SECRET }, { nested: { new_password: SECRET, 'Network-Key': SECRET, key: new Uint8Array([1]) } }],
      url: `http://tracker/announce?passkey=${SECRET}&left=0`,
      headers: { Authorization: `Bearer ${SECRET}` },
      text: `sent authorization: ${SECRET}`,
      invitation: { code: 'K7QX-22AB-9ZZZ', expiresMs: 5 },
      err: Object.assign(new Error(`token=${SECRET}`, { cause: { passkey: SECRET } }), { passwordHash: SECRET }),
    };
    const text = JSON.stringify(redact(fields));
    assert.ok(!text.includes(SECRET), text);
    assert.ok(!text.includes('K7QX'), text);
    assert.match(text, /"name":"alice"/u);
  });

  it('finds secrets in texts, in quotes or not', () => {
    const texts = {
      [`GET / Authorization: Bearer ${SECRET} x`]: 'GET / Authorization: Bearer [redacted] x',
      [`authorization: "Bearer ${SECRET}", x`]: 'authorization: "[redacted]", x',
      [`bearer token ${SECRET} x`]: 'bearer token [redacted] x',
      [`{"password":"${SECRET} \\" ${SECRET}","x":1}`]: '{"password":"[redacted]","x":1}',
      [JSON.stringify(JSON.stringify({ password: SECRET, x: 1 }))]: JSON.stringify(JSON.stringify({ password: '[redacted]', x: 1 })),
      [`token: '${SECRET} ${SECRET}' x`]: "token: '[redacted]' x",
      [`{ 'sessionToken' : '${SECRET}' }`]: "{ 'sessionToken' : '[redacted]' }",
      [`api_key=${SECRET}&x=1`]: 'api_key=[redacted]&x=1',
      [`"clusterKey":"${SECRET}`]: '"clusterKey":"[redacted]',
      [`http://host:1/${SECRET}/announce?x=1`]: 'http://host:1/[redacted]/announce?x=1',
      [`/${SECRET}/scrape`]: '/[redacted]/scrape',
      [`udp://[::1]:1/${SECRET}/announce`]: 'udp://[::1]:1/[redacted]/announce',
      [`magnet:?tr=http%3A%2F%2Fh%3A1%2F${SECRET}%2Fannounce&x=1`]: 'magnet:?tr=http%3A%2F%2Fh%3A1%2F[redacted]%2Fannounce&x=1',
      [`passkey ${SECRET} is unknown`]: 'passkey [redacted] is unknown',
    };
    for (const [text, clean] of Object.entries(texts)) assert.equal(redactText(text), clean);
  });

  it('leaves texts without secrets as they are', () => {
    const texts = [
      'tokens: 3',
      '{"tokens":3}',
      'http://host:1/announce?x=1',
      'tr=udp%3a%2f%2fh%2fannounce',
      'at x (file:///src/domain/announce.ts:3:1)',
      'key: 7',
    ];
    for (const text of texts) assert.equal(redactText(text), text);
  });

  it('knows fields by how their names end', () => {
    const names = [
      'sessionToken',
      'accessToken',
      'api_key',
      'apiKey',
      'clusterKey',
      'token-key',
      'userPassword',
      'client_secret',
      'PASSKEY',
      'passkeyHash',
    ];
    for (const name of names) assert.deepEqual(redact({ [name]: SECRET }), { [name]: '[redacted]' });
    const plain = { tokens: 3, keys: 2, tokenBucket: 1, keyboard: 'x', secretary: 'y' };
    assert.deepEqual(redact(plain), plain);
  });

  it('keeps what a reader needs: error codes, request ids, causes', () => {
    const error = Object.assign(new Error('no route', { cause: new Error('cable') }), { code: 'ECONNREFUSED' });
    const clean = redact({ requestId: 'ab:7', code: 'name-taken', err: error, tokens: 3 });
    assert.equal(clean['requestId'], 'ab:7');
    assert.equal(clean['code'], 'name-taken');
    assert.equal(clean['tokens'], 3);
    assert.match(JSON.stringify(clean['err']), /ECONNREFUSED.*cable/u);
  });

  it('bounds depth, length and number', () => {
    let deep: object = {};
    for (let i = 0; i < 10_000; i++) deep = { deep };
    const text = JSON.stringify(
      redact({ deep, long: 'x'.repeat(1_000_000), many: Array.from({ length: 100_000 }, () => 1), bytes: new Uint8Array(99) }),
    );
    assert.ok(text.length < 5_000);
    assert.match(text, /\[99 bytes\]/u);
  });
});

describe('log', () => {
  let folder = '';
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'shoal-log-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const config = { level: 'info', fileMegabytesMax: 1, filesMax: 2 } as const;

  it('writes JSON lines to <role>-<name>.log at once, without secrets, and readable ones to the terminal', () => {
    const shown: string[] = [];
    const { log, close } = openLog('tracker', 'main', { ...config, folder }, { write: (line) => shown.push(line), colors: false });
    log.child({ requestId: 'ab:1' }).info({ operation: { op: 'login', password: SECRET } }, 'request');
    log.debug({}, 'not kept');
    const [line, ...rest] = readFileSync(join(folder, 'tracker-main.log'), 'utf8').trim().split('\n');
    const entry = JSON.parse(line ?? '') as Record<string, unknown>;
    assert.deepEqual(rest, []);
    assert.equal(entry['requestId'], 'ab:1');
    assert.equal(entry['level'], 'info');
    assert.equal(entry['role'], 'tracker');
    assert.deepEqual(entry['operation'], { op: 'login', password: '[redacted]' });
    assert.equal(shown.length, 1);
    assert.match(shown[0] ?? '', /INFO.*request.*ab:1/u);
    assert.ok(!(shown[0] ?? '').includes(SECRET) && !(shown[0] ?? '').includes('\u001b'));
    close();
    log.info({}, 'after the end');
    assert.ok(!readFileSync(join(folder, 'tracker-main.log'), 'utf8').includes('after the end'));
  });

  it('rotates by size, keeps the number of files that is configured, and links to the newest', async () => {
    const { log, close } = openLog('node', 'a-7', { ...config, folder }, null);
    const filling = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`field${i}`, 'x'.repeat(1_900)]));
    for (let i = 0; i < 80; i++) {
      log.info(filling, `line ${i}`);
      if (i % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
    }
    log.info({}, 'the last line');
    close();
    const files = readdirSync(join(folder, 'node-a-7'));
    assert.ok(files.length >= 2 && files.length <= 3, files.join(' '));
    assert.match(readFileSync(join(folder, 'node-a-7.log'), 'utf8'), /the last line/u);
  });
});
