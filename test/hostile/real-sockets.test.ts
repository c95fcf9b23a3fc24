/** A real node and a real gate while a thousand connections are held open to each: bounded memory, and both still serve. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../../src/cli/up/network.ts';
import { openNetwork, type RealNetwork, startServers } from '../real/network.ts';

const CONNECTIONS = 1_000;
/** Of the resident memory, over all that is done here. */
const GROWTH_MAX_KIB = 90_000;
const PASSWORD = 'correct horse battery';
type Name = 'victim' | 'friend';

const skip = process.platform === 'linux' ? false : 'resident memory is read from /proc';
const residentKib = (pid: number): number => Number(/VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

describe('a thousand connections to real processes', { skip }, () => {
  let real: RealNetwork<Name>;
  const sockets: Socket[] = [];

  before(async () => {
    real = await openNetwork<Name>(['victim', 'friend']);
    await startServers(real.network);
    await Promise.all((['victim', 'friend'] as const).map((name) => real.network.start(name)));
    for (const name of ['victim', 'friend'] as const) {
      await real.network.ask(name, 'register', { name, password: PASSWORD, code: null });
      await real.network.ask(name, 'login', { name, password: PASSWORD });
    }
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await real.close();
  });

  /** Opens them all, each with its first words; resolves when the last was made or refused. */
  const crowd = async (port: number, words: string): Promise<void> => {
    const opened = Array.from({ length: CONNECTIONS }, (_, n) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('error', () => {});
      // Kept in as many ways as there are: said nothing, said a part, read nothing.
      socket.once('connect', () => (n % 3 === 0 ? undefined : socket.write(words.slice(0, (n * 7) % words.length))));
      if (n % 2 === 0) socket.pause();
      else socket.resume();
      sockets.push(socket);
      return Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {});
    });
    await Promise.all(opened);
  };

  it('hold up neither a transfer nor an announce, and cost a bounded amount of memory', { timeout: 100_000 }, async () => {
    const { network, folder } = real;
    const path = join(folder, 'a.bin');
    writeFileSync(path, Buffer.alloc(3_000_000, 7));
    const { job } = await network.ask('victim', 'share', { paths: [path], name: null, tags: [], v1: false, pieceLength: null });
    const id = await until('the share', async () => {
      const state = await network.ask('victim', 'shareJob', { job });
      return state.state === 'done' ? state.id : null;
    });
    const { peerPort } = await network.ask('victim', 'status', {});
    const settings = JSON.parse(readFileSync(join(network.folder, 'network.json'), 'utf8')) as {
      readonly proxies: readonly { readonly announce?: string }[];
    };
    const gatePort = Number(/:(\d+)$/u.exec(settings.proxies[0]?.announce ?? '')?.[1]);
    assert.ok(peerPort !== null && gatePort > 0);
    const pids = { node: network.child('victim').pid, proxy: network.child('proxy').pid };
    const sizes = (): number[] => Object.values(pids).map(residentKib);
    const calm = sizes();

    await crowd(peerPort, `\x13BitTorrent protocol${'\0'.repeat(48)}`);
    await crowd(gatePort, `GET /announce?info_hash=x HTTP/1.1\r\nHost: y\r\n\r\n`);

    // Somebody else's download goes on, and the gate still speaks.
    await network.ask('friend', 'get', { what: id, to: null, files: [], sequential: false });
    await until('the download beside them', async () => ((await network.transfer('friend', id))?.state === 'seeding' ? true : null));
    const answer = await new Promise<string>((resolve, reject) => {
      get({ host: '127.0.0.1', localAddress: '127.0.0.2', port: gatePort, path: '/' }, (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (part: string) => (text += part));
        reply.on('end', () => resolve(text));
      }).on('error', reject);
    });
    assert.match(answer, /announce/u);
    for (const [index, size] of sizes().entries())
      assert.ok(size - (calm[index] ?? 0) < GROWTH_MAX_KIB, `${size} KiB after ${calm[index]} KiB`);
    assert.deepEqual(real.deaths, []);
  });
});
