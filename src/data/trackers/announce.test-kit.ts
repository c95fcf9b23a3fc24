/** Single announces, for tests of the client below the followers. */
import assert from 'node:assert/strict';
import { readTrackerUrl, type TrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import { hashOf, ownPeerId, type TestNode } from './fake-tracker.test-kit.ts';
import type { AnnounceOutcome } from './tracker-client.ts';

export const urlOf = (text: string): TrackerUrl => {
  const url = readTrackerUrl(text);
  assert.ok(url.ok);
  return url.value;
};

export const announce = (
  node: TestNode,
  url: string,
  numwant: number | null = null,
): { outcome: AnnounceOutcome | null; cancel: () => void } => {
  const result = { outcome: null as AnnounceOutcome | null, cancel: () => {} };
  node.act(() => {
    result.cancel = node.client.announce(
      urlOf(url),
      {
        infoHash: hashOf(1),
        peerId: ownPeerId,
        port: 1,
        uploadedBytes: 0,
        downloadedBytes: 0,
        leftBytes: 5,
        event: 'started',
        key: '0badcafe',
        numwant,
        compact: true,
        noPeerId: true,
        ip: null,
        trackerId: null,
      },
      { begun() {}, done: (outcome) => (result.outcome = outcome) },
    );
    assert.equal(result.outcome, null, 'nothing is told from inside the call');
  });
  return result;
};

/** In a word: the reason of a refusal, the message of a failure, or how many peers came. */
export const said = ({ outcome }: { readonly outcome: AnnounceOutcome | null }): string =>
  outcome === null
    ? 'nothing'
    : !outcome.ok
      ? outcome.error.message
      : outcome.value.kind === 'refusal'
        ? `refused: ${outcome.value.reason}`
        : `${outcome.value.peers.length} peers`;
