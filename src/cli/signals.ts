/**
 * SIGINT and SIGTERM: the first asks for a clean stop, another one ends the process at once. A terminal sends SIGINT to
 * launcher and program, and the launcher passes its own on: signals within half a second are one.
 */
import { EXIT } from './exit.ts';

const SAME_SIGNAL_MS = 500;

export interface StopRequest {
  /** Resolves at the first signal. */
  readonly requested: Promise<NodeJS.Signals>;
  /** Whether a signal has come. */
  readonly stopped: boolean;
  /** Signals end the process again, as they do by default. */
  dispose(): void;
}

export const watchSignals = (onSecond: () => void = () => {}): StopRequest => {
  let firstMs: number | null = null;
  let resolve: (signal: NodeJS.Signals) => void = () => {};
  const requested = new Promise<NodeJS.Signals>((done) => (resolve = done));
  const listen = (signal: NodeJS.Signals): void => {
    if (firstMs === null) {
      firstMs = performance.now();
      resolve(signal);
    } else if (performance.now() - firstMs > SAME_SIGNAL_MS) {
      onSecond();
      process.exit(EXIT.interrupted);
    }
  };
  process.on('SIGINT', listen).on('SIGTERM', listen);
  return {
    requested,
    get stopped() {
      return firstMs !== null;
    },
    dispose: () => void process.off('SIGINT', listen).off('SIGTERM', listen),
  };
};
