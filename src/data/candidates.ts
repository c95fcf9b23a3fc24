import type { Micros } from '../ports/clock.ts';
import { millis } from '../ports/clock.ts';
import type { Address } from '../transports/transport.ts';
import { formatAddress } from '../transports/transport.ts';
import { dataLimits } from './limits.ts';

/** A peer that could be dialled. */
export interface Candidate {
  readonly address: Address;
  node: string | null;
  seeder: boolean;
  failures: number;
  nextTryAt: Micros;
  busy: boolean;
}

/** The peers that a transfer knows of, and which of them to dial next. */
export class Candidates {
  readonly #byAddress = new Map<string, Candidate>();

  get size(): number {
    return this.#byAddress.size;
  }

  /** Those that could not be reached at the last try. */
  get failed(): number {
    let failed = 0;
    for (const { failures } of this.#byAddress.values()) if (failures > 0) failed++;
    return failed;
  }

  /** Whether that node is known to be on that host. */
  vouchFor(node: string, host: string): boolean {
    for (const { address, node: known } of this.#byAddress.values()) if (known === node && address.host === host) return true;
    return false;
  }

  add(address: Address, node: string | null, seeder: boolean, now: Micros): void {
    const key = formatAddress(address);
    const known = this.#byAddress.get(key);
    if (known !== undefined) {
      known.node = node ?? known.node;
      known.seeder = seeder;
      return;
    }
    if (this.#byAddress.size >= dataLimits.candidatesMax) this.#dropOne();
    this.#byAddress.set(key, { address, node, seeder, failures: 0, nextTryAt: now, busy: false });
  }

  /** The candidate with the fewest failures whose time has come, and that passes. */
  next(now: Micros, passes: (candidate: Candidate) => boolean): Candidate | null {
    let best: Candidate | null = null;
    for (const candidate of this.#byAddress.values()) {
      if (candidate.busy || candidate.nextTryAt > now || !passes(candidate)) continue;
      if (best === null || candidate.failures < best.failures) best = candidate;
    }
    return best;
  }

  /** The dial, or the connection that came of it, is over. */
  over(address: Address, worked: boolean, now: Micros): void {
    const candidate = this.#byAddress.get(formatAddress(address));
    if (candidate === undefined) return;
    candidate.busy = false;
    candidate.failures = worked ? 0 : candidate.failures + 1;
    const wait = Math.min(dataLimits.redialMs * 2 ** Math.min(16, Math.max(0, candidate.failures - 1)), dataLimits.redialMsMax);
    candidate.nextTryAt = now + millis(wait);
  }

  /** Those that could be reached at the last try may be dialled at once. */
  renew(now: Micros): void {
    for (const candidate of this.#byAddress.values())
      if (candidate.failures === 0) candidate.nextTryAt = Math.min(candidate.nextTryAt, now);
  }

  /** It has nothing to ask of a node that has everything. */
  sated(address: Address): void {
    const candidate = this.#byAddress.get(formatAddress(address));
    if (candidate !== undefined) candidate.seeder = true;
  }

  remove(address: Address): void {
    this.#byAddress.delete(formatAddress(address));
  }

  /** All but those that are connected, or being dialled. */
  clear(): void {
    for (const [key, { busy }] of this.#byAddress) if (!busy) this.#byAddress.delete(key);
  }

  #dropOne(): void {
    let worst: string | null = null;
    let failures = -1;
    for (const [key, candidate] of this.#byAddress) {
      if (candidate.busy || candidate.failures <= failures) continue;
      worst = key;
      failures = candidate.failures;
    }
    if (worst !== null) this.#byAddress.delete(worst);
  }
}
