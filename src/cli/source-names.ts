/** What the sources of a download are called. */
import type { TransferSource, TransferSummary } from '../protocol/api.ts';
import { shortId } from './render/format.ts';

/** How long a finished download waits for the names of nodes that it has not been told yet. */
const NAMES_WAIT_MS = 1_500;
const ASK_AGAIN_MS = 100;

/** A peer that is no node of ours is known by its address and has no name. */
const isNode = ({ node }: Pick<TransferSource, 'node'>): boolean => /^[0-9a-f]+$/iu.test(node);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const sourceName = (source: Pick<TransferSource, 'node' | 'name'>): string =>
  source.name || (isNode(source) ? shortId(source.node) : source.node);

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
