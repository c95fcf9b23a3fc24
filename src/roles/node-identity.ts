import type { Ports } from '../ports/ports.ts';
import { type Done, fail, ok } from '../protocol/result.ts';

const FILE = 'node-id';
const ID_BYTES = 10;

/**
 * The node's id: made at its first start, kept in its data folder ever after, because an owner in the catalog is
 * (account, node). Hexadecimal digits.
 */
export const nodeIdentity = ({ disk, crypto }: Ports, dataFolder: string, done: Done<string>): void => {
  const path = `${dataFolder}/${FILE}`;
  disk.readFile(path, 1_024, (read) => {
    if (read.ok) {
      const id = new TextDecoder().decode(read.value).trim();
      if (new RegExp(`^[0-9a-f]{${ID_BYTES * 2}}$`, 'u').test(id)) return done(ok(id));
      return done(
        fail('corrupt', `${path} does not hold a node id. Delete it to give this node a new one; the catalog will then list it anew.`),
      );
    }
    if (read.error.code !== 'missing') return done(fail('io', `The node id: ${read.error.message}`));
    const id = Buffer.from(crypto.secretBytes(ID_BYTES)).toString('hex');
    disk.writeFile(path, new TextEncoder().encode(`${id}\n`), {}, (written) => done(written.ok ? ok(id) : written));
  });
};
