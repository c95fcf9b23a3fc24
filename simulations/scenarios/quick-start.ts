import { contentOf, type Scenario, signIn } from './scenario.ts';

/** The tour of `npm start`: share, search, download, download from two at once, and the main tracker dies meanwhile. */
export const quickStart: Scenario = {
  about: 'three nodes share, find and fetch a file while the main tracker is killed',
  cluster: { nodes: 3, uplinkBytesPerSecond: 8_000_000 },
  run(cluster, say) {
    const [one, two, three] = ['node1', 'node2', 'node3'] as const;
    const path = '/node1/files/Bài giảng tuần 1.mp4';
    const size = 24 * 1_048_576;
    cluster.write(one, path, contentOf('lecture', size));
    cluster.startAll();
    say(`${cluster.primary()} is primary`);
    for (const node of cluster.nodeNames) signIn(cluster, node);
    say('three accounts registered and logged in through the proxy');
    const id = cluster.share(one, path, ['bài giảng']);
    say(`node1 shares it as ${id.slice(0, 12)}`);

    const { hits } = cluster.ask(two, 'search', { words: 'bai giang', offset: 0, limit: 10 });
    cluster.expect(hits.length === 1 && hits[0]?.id === id, 'the search finds it, with or without diacritics');
    cluster.ask(two, 'get', { what: id, to: null, files: [], sequential: false });
    cluster.untilComplete(two, id);
    say('node2 found it by words and has it');

    cluster.ask(three, 'get', { what: id, to: null, files: [], sequential: false });
    cluster.poll('node3 has a third of it', () => cluster.transfer(three, id).doneBytes > size / 3);
    cluster.kill('tracker');
    say('the main tracker is killed in the middle of the third download');
    signIn(cluster, one, 'newcomer');
    cluster.expect(cluster.primary() === 'backup', 'the backup is primary');
    cluster.expect(cluster.ask(two, 'search', { words: 'tuan', offset: 0, limit: 10 }).hits.length === 1, 'search goes on');
    say('a registration, a login and a search went on through the backup');
    cluster.untilComplete(three, id);
    const sources = cluster.transfer(three, id).sources.filter((source) => source.bytes > 0);
    cluster.expect(sources.length === 2, 'the third download came from both');
    say(`node3 has it: ${sources.map(({ name, bytes }) => `${(bytes / 1_048_576).toFixed(1)} MiB from ${name}`).join(', ')}`);

    cluster.start('tracker');
    cluster.until('the old main follows', () => cluster.replica('tracker')?.role === 'follower');
    cluster.until('the pair is whole again', () => cluster.replica('backup')?.mode === 'SYNC');
    say('the main tracker is back and follows');
    const digests = new Set([
      cluster.digest(one, path),
      cluster.digest(two, cluster.fileOf(two, path)),
      cluster.digest(three, cluster.fileOf(three, path)),
    ]);
    cluster.expect(digests.size === 1, 'all three files are the same, byte for byte');
    cluster.poll('the catalog has three owners', () => cluster.owners(one, id) === 3);
    say('three nodes own it now');
  },
};
