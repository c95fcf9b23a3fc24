import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { printTrackerUrl } from '../tracker/tracker-url.ts';
import { readWebUrl, webSeedFileUrl, webSeedRedirect, type WebUrl } from './web-seed.ts';

const urlOf = (seed: string, path: readonly string[], single = false): string | null => {
  const read = webSeedFileUrl(seed, path, single);
  return read.ok ? printTrackerUrl(read.value) : null;
};
const at = (url: string): WebUrl => {
  const read = readWebUrl(url);
  assert.ok(read.ok);
  return read.value;
};

test('a torrent of one file: the URL itself, or the name below it', () => {
  assert.equal(urlOf('http://a.example/x.iso', ['y.iso'], true), 'http://a.example/x.iso');
  assert.equal(urlOf('http://a.example/d/', ['y z.iso'], true), 'http://a.example/d/y%20z.iso');
  assert.equal(urlOf('https://a.example:8443', ['y'], true), 'https://a.example:8443/');
});

test('a torrent of several files: name and path below the URL, each name encoded', () => {
  assert.equal(urlOf('http://a.example/d', ['n', 'b', 'c?.x']), 'http://a.example/d/n/b/c%3F.x');
  assert.equal(urlOf('http://a.example/d/', ['bộ', 'a/b#1%']), 'http://a.example/d/b%E1%BB%99/a%2Fb%231%25');
  assert.equal(urlOf('http://a.example/d#part', ['n', 'b']), 'http://a.example/d/n/b');
});

test('names that would lead elsewhere, and URLs of other schemes, are refused', () => {
  for (const name of ['', '.', '..']) assert.equal(urlOf('http://a.example/', ['n', name]), null);
  for (const seed of ['ftp://a.example/', 'file:///etc/', 'udp://a.example:80/', 'http://', 'nonsense', 'http://a.example:0/'])
    assert.equal(urlOf(seed, ['n', 'b']), null, seed);
});

test('a torrent cannot have this machine asked with a query of its own', () => {
  assert.equal(readWebUrl('http://127.0.0.1:9091/do?what=ever').ok, false);
  assert.equal(readWebUrl('http://localhost/do?what=ever').ok, false);
  assert.equal(readWebUrl('http://[::1]/do?what=ever').ok, false);
  assert.equal(readWebUrl('http://127.0.0.1:8000/file').ok, true);
  assert.equal(readWebUrl('http://a.example/file?token=1').ok, true);
});

test('redirects: to another server or path, from http to https, not back, not to this machine', () => {
  const target = (from: string, to: string | undefined): string | null => {
    const read = webSeedRedirect(at(from), to);
    return read.ok ? printTrackerUrl(read.value) : null;
  };
  assert.equal(target('http://a.example/x', 'https://b.example/y'), 'https://b.example/y');
  assert.equal(target('http://a.example/d/x', 'y'), 'http://a.example/d/y');
  assert.equal(target('https://a.example/x', 'http://a.example/x'), null);
  assert.equal(target('http://a.example/x', 'http://localhost/x'), null);
  assert.equal(target('http://a.example/x', undefined), null);
  assert.equal(target('http://127.0.0.1/x', 'http://127.0.0.1:81/x'), 'http://127.0.0.1:81/x');
});

test('whatever names are made of, the URL stays below the seed’s, and on one line', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { minLength: 1, maxLength: 4 }), (path) => {
      const url = urlOf('http://a.example/d/', path);
      if (url === null) return;
      assert.ok(url.startsWith('http://a.example/d/'));
      assert.equal(url.split('/').length, 4 + path.length);
      assert.match(url, /^[!-~]+$/u);
    }),
  );
});
