import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerReport } from '../../protocol/control/messages.ts';
import { clusterOf, type SeenReplica } from './cluster.ts';

const report = (name: string, more: Partial<ServerReport> = {}): ServerReport => ({
  name,
  role: 'follower',
  mode: 'SYNC',
  epoch: 3,
  generation: 0,
  primary: 'main',
  waitsFor: null,
  lastSeq: 90,
  commitSeq: 90,
  appliedSeq: 90,
  followers: [],
  voters: ['main', 'backup', 'proxy'].map((voter) => ({ name: voter, reachable: true })),
  lastFailover: null,
  draining: false,
  software: 'shoal/1',
  swarm: { phase: 'warm', nodes: 4, swarms: 2 },
  proxies: ['proxy'],
  requestsUnderWay: 0,
  ...more,
});
const seen = (name: string, more: Partial<ServerReport> = {}): SeenReplica => ({ name, report: report(name, more), reason: null });
const away = (name: string): SeenReplica => ({ name, report: null, reason: 'connection refused' });
const answering = (voters: ReturnType<typeof clusterOf>['voters']) => voters.map(({ name, answers }) => `${name} ${answers}`);

test('a healthy pair: the primary speaks for the network, the follower lags by what the primary has measured', () => {
  const followers = [{ name: 'backup', state: 'streaming', lagEntries: 7, lagBytes: 900 }];
  const cluster = clusterOf([seen('main', { role: 'primary', lastSeq: 100, followers }), seen('backup', { lastSeq: 97 })], null);
  assert.equal(cluster.primary, 'main');
  assert.equal(cluster.mode, 'SYNC');
  assert.deepEqual(
    cluster.replicas.map(({ lagEntries }) => lagEntries),
    [0, 7],
  );
  assert.deepEqual(
    cluster.voters.map(({ name, witness }) => `${name} ${witness}`),
    ['main false', 'backup false', 'proxy true'],
  );
});

test('where the primary says nothing of a follower, the ends of the logs are compared', () => {
  const cluster = clusterOf([seen('main', { role: 'primary', lastSeq: 100 }), seen('backup', { lastSeq: 97 })], null);
  assert.equal(cluster.replicas[1]?.lagEntries, 3);
});

test('the lag of one that a new primary has not heard yet is not known, instead of being everything', () => {
  const followers = [{ name: 'backup', state: 'connecting', lagEntries: 100, lagBytes: null }];
  const leads = seen('main', { role: 'primary', lastSeq: 100, followers });
  assert.equal(clusterOf([leads, away('backup')], null).replicas[1]?.lagEntries, null);
  assert.equal(clusterOf([leads, seen('backup', { lastSeq: 98 })], null).replicas[1]?.lagEntries, 2);
});

test('of two that say they lead, the higher epoch counts', () => {
  const cluster = clusterOf([seen('main', { role: 'primary' }), seen('backup', { role: 'primary', epoch: 4, mode: 'SOLO' })], null);
  assert.deepEqual([cluster.primary, cluster.epoch, cluster.mode], ['backup', 4, 'SOLO']);
});

test('one is away and the other may not lead: there is no primary, and it is said who is waited for', () => {
  const cluster = clusterOf([away('main'), seen('backup', { mode: 'NONE', primary: null, waitsFor: 'main' })], null);
  assert.deepEqual([cluster.primary, cluster.mode, cluster.waitsFor], [null, 'NONE', 'main']);
  assert.equal(cluster.replicas[0]?.reason, 'connection refused');
  assert.equal(cluster.replicas[1]?.lagEntries, null);
});

test('nobody is waited for who answers: it only has to be elected', () => {
  const cluster = clusterOf([seen('main', { primary: null }), seen('backup', { primary: null, waitsFor: 'main' })], null);
  assert.equal(cluster.waitsFor, null);
});

test('voters: who answers here answers; of the others the primary is asked first, and nobody guesses', () => {
  const voters = [
    { name: 'main', reachable: true },
    { name: 'backup', reachable: false },
    { name: 'proxy', reachable: false },
  ];
  const led = clusterOf([seen('main', { role: 'primary', voters }), seen('backup')], null);
  assert.deepEqual(answering(led.voters), ['main true', 'backup true', 'proxy false']);
  const unled = clusterOf([seen('main', { voters, primary: null }), seen('backup', { primary: null })], null);
  assert.deepEqual(answering(unled.voters), ['main true', 'backup true', 'proxy true']);
  const none = clusterOf([away('main'), away('backup')], { name: 'proxy', state: 'unavailable' });
  assert.deepEqual(answering(none.voters), ['main null', 'backup null']);
  const told = clusterOf([away('main'), seen('backup', { voters })], { name: 'proxy', state: 'softOnly' });
  assert.deepEqual(answering(told.voters), ['main true', 'backup true', 'proxy true']);
});

test('the last failover is that of the highest epoch, whoever tells it', () => {
  const failover = (epoch: number) => ({ wallMs: 1, epoch, from: 'main', to: 'backup', why: 'main was silent' });
  const cluster = clusterOf([seen('main', { lastFailover: failover(2) }), seen('backup', { lastFailover: failover(5) })], null);
  assert.equal(cluster.lastFailover?.epoch, 5);
});
