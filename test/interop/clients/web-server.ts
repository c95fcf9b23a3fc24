/** A web server that gives ranges of files, on Node's own: HOST PORT FOLDER. */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';

const [host = '', port = '', folder = ''] = process.argv.slice(2);

createServer((request, response) => {
  const path = join(folder, normalize(decodeURIComponent(request.url ?? '/')));
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts?.isFile() !== true) return void response.writeHead(404).end();
  const [, first, last] = /^bytes=(\d+)-(\d*)$/u.exec(request.headers.range ?? '') ?? [];
  const from = Number(first ?? 0);
  const to = Math.min(facts.size - 1, last === undefined || last === '' ? facts.size - 1 : Number(last));
  if (from > to) return void response.writeHead(416).end();
  const range = first === undefined ? {} : { 'Content-Range': `bytes ${from}-${to}/${facts.size}` };
  response.writeHead(first === undefined ? 200 : 206, { 'Content-Length': to - from + 1, 'Accept-Ranges': 'bytes', ...range });
  return void createReadStream(path, { start: from, end: to }).pipe(response);
}).listen(Number(port), host, () => process.stdout.write('ready\n'));
