/** Dialling servers that have a certificate: foreign trackers and web seeds. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { systemHarness } from '../../system/harness.contract.ts';
import type { CloseReason } from '../transport.ts';
import { createTcpTransport } from './tcp.ts';

/** Of nobody: a certificate for tracker.test and 127.0.0.1 that vouches for itself, from 2020 to 2120. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBUDCB96ADAgECAgEHMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDHRyYWNrZXIu
dGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFzEVMBMGA1UE
AwwMdHJhY2tlci50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3vOFG9HK
w+3N9rYkTof+CQ7ya8FHbcVKsDD6rlyL9y9K0/op5Y78zyKPFsOFso4cZRhen9Og
62dwzlK5vPUUQ6MyMDAwHQYDVR0RBBYwFIIMdHJhY2tlci50ZXN0hwR/AAABMA8G
A1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAPXLbYxrmy5LPLmtLymW
BkRKofGzqasmF2/kkqs0rTJpAiBg2+l9j1/I8o9bd0llWhAeKhT6htWT+NKS241R
fxmlJg==
-----END CERTIFICATE-----`;
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYZcocC4+ppPEBjAT
sk0qA8/bYKuPabBTd1eiLXZLvpyhRANCAATe84Ub0crD7c32tiROh/4JDvJrwUdt
xUqwMPquXIv3L0rT+inljvzPIo8Ww4WyjhxlGF6f06DrZ3DOUrm89RRD
-----END PRIVATE KEY-----`;

interface Outcome {
  readonly text: string;
  readonly opened: boolean;
  readonly reason: CloseReason | null;
}

/** Dials a server with that certificate, says hello, and waits for the end. */
const dial = async (
  context: TestContext,
  { serverName, trusted }: { readonly serverName: string; readonly trusted: boolean },
): Promise<Outcome & { readonly asked: unknown }> => {
  let asked: unknown = null;
  const server = tls.createServer({ key, cert: certificate }, (socket) => {
    asked = socket.servername;
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => socket.end(`heard ${bytes.toString()}`));
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const harness = systemHarness();
  const transport = createTcpTransport(harness.reactor, trusted ? { authorities: [certificate] } : {});
  context.after(() => {
    transport.shutdown();
    server.close();
  });
  const outcome = { text: '', opened: false, reason: null as CloseReason | null };
  harness.inStep(() => {
    const { port } = server.address() as AddressInfo;
    const connection = transport.dial(
      { host: '127.0.0.1', port },
      { timeoutMs: 10_000, tls: { serverName } },
      {
        open: () => (outcome.opened = true),
        bytes: (chunk) => (outcome.text += Buffer.from(chunk).toString()),
        drain() {},
        end: () => connection.close(),
        closed: (reason) => (outcome.reason = reason),
      },
    );
    connection.send(new Uint8Array(Buffer.from('hello')));
  });
  await harness.until(() => outcome.reason !== null);
  return { ...outcome, asked };
};

const failureOf = ({ reason }: Outcome): string => (reason?.kind === 'failed' ? `${reason.error.code}: ${reason.error.message}` : 'ended');

const TEST = { timeout: 20_000 };

test('a server whose certificate is trusted and has its name is spoken to, and both ways end', TEST, async (context) => {
  const outcome = await dial(context, { serverName: 'tracker.test', trusted: true });
  assert.equal(failureOf(outcome), 'ended');
  assert.equal(outcome.text, 'heard hello');
  assert.equal(outcome.asked, 'tracker.test');
});

test('so is one that is known by its address', TEST, async (context) => {
  const outcome = await dial(context, { serverName: '127.0.0.1', trusted: true });
  assert.equal(outcome.text, 'heard hello');
});

test('a certificate that nobody vouches for is refused, before anything is sent', TEST, async (context) => {
  const outcome = await dial(context, { serverName: 'tracker.test', trusted: false });
  assert.match(failureOf(outcome), /^security: .*certificate for tracker\.test that this machine trusts/u);
  assert.deepEqual([outcome.opened, outcome.text], [false, '']);
});

test('so is one that is for another name', TEST, async (context) => {
  const outcome = await dial(context, { serverName: 'other.test', trusted: true });
  assert.match(failureOf(outcome), /^security: .*certificate for other\.test/u);
  assert.equal(outcome.opened, false);
});
