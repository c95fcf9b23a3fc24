/** What the sources of a download are called. */
import type { TransferSource, TransferSummary } from '../protocol/api.ts';
import { plural, shortId } from './render/format.ts';

/** How long a finished download waits for the names of nodes that it has not been told yet. */
const NAMES_WAIT_MS = 1_500;
const ASK_AGAIN_MS = 100;

/** A peer that is no node of ours is known by its address and has no name. */
const isNode = ({ node }: Pick<TransferSource, 'node'>): boolean => /^[0-9a-f]+$/iu.test(node);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const sourceName = (source: Pick<TransferSource, 'node' | 'name'>): string =>
  source.name || (isNode(source) ? shortId(source.node) : source.node);

/** With what it runs, where it is no node of ours: `aria2/1.36.0 at 10.0.0.7:6881`. */
export const sourceText = (source: Omit<TransferSource, 'bytes'>): string =>
  source.name === '' && source.client !== undefined ? `${source.client} at ${source.node}` : sourceName(source);

/** `2 nodes`, `1 peer`; `3 sources` where web servers are among them. */
export const countText = (sources: readonly Pick<TransferSource, 'node'>[]): string => {
  const isWeb = sources.some(({ node }) => node.includes('://'));
  return plural(sources.length, isWeb ? 'source' : sources.every(isNode) ? 'node' : 'peer');
};

const isNamed = ({ sources }: TransferSummary): boolean =>
  sources.every((source) => source.bytes === 0 || source.name !== '' || !isNode(source));

/** The transfer with the names of its sources: asks again for a moment where some are missing yet, then leaves it at ids. */
export const withSourceNames = async (
  transfer: TransferSummary,
  ask: () => Promise<TransferSummary | null>,
  waitMs = NAMES_WAIT_MS,
): Promise<TransferSummary> => {
  const deadline = performance.now() + waitMs;
  let latest = transfer;
  while (!isNamed(latest) && performance.now() < deadline) {
    await pause(ASK_AGAIN_MS);
    latest = (await ask()) ?? latest;
  }
  return latest;
};
