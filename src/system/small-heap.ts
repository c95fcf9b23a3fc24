import v8 from 'node:v8';
import vm from 'node:vm';

/**
 * For a process that runs for weeks and whose bytes are no objects of V8: it may let its heap grow to several times of what
 * is in use before it collects garbage, and the space for young objects to 128 MB. Neither is ever given back. So it
 * collects earlier, in smaller portions. To be called before much is loaded.
 */
export const keepHeapSmall = (): void => {
  v8.setFlagsFromString('--semi-space-growth-factor=1');
  v8.setFlagsFromString('--optimize-for-size');
};

/** What starting takes (records, torrents, compiled code) is garbage soon after: 10 MB with a thousand contents. */
const SETTLED_MS = 5_000;

/** Collects garbage once, some seconds from now, and gives the memory back to the system. */
export const settleHeapSoon = (): void => {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as (options: object) => void;
  v8.setFlagsFromString('--no-expose-gc');
  setTimeout(() => collect({ type: 'major', execution: 'sync', flavor: 'last-resort' }), SETTLED_MS).unref();
};
