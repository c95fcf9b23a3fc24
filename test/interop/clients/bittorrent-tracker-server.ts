/** The tracker of the npm package bittorrent-tracker. Arguments: the folder with its packages, the address, the port. */
import { pathToFileURL } from 'node:url';
import './without-webrtc.ts';

const [packages = '', host = '', port = '0'] = process.argv.slice(2);

interface Server {
  on(event: 'error' | 'warning', listener: (error: Error) => void): void;
  listen(port: number, addresses: object, ready: () => void): void;
}

const { Server } = (await import(pathToFileURL(`${packages}/node_modules/bittorrent-tracker/index.js`).href)) as {
  readonly Server: new (options: object) => Server;
};
const server = new Server({ http: true, udp: { ipv4: true, ipv6: false }, ws: false, stats: false, interval: 5_000 });
server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
server.on('warning', (warning) => process.stderr.write(`${warning.message}\n`));
server.listen(Number(port), { http: host, udp4: host, udp: host }, () => process.stdout.write('ready\n'));
process.stdin.on('end', () => process.exit(0)).resume();
