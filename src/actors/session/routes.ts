/** What the proxies of a network have said of who serves it: the node's own one now, the others of late. */
import { type Clock, type Micros, seconds } from '../../ports/clock.ts';
import type { RouteFrame } from '../../protocol/control/messages.ts';

/** After this a proxy may see more than it did. */
const REMEMBERED_SECONDS = 60;

export class Routes {
  readonly #clock: Clock;
  readonly #proxies: number;
  #current: RouteFrame | null = null;
  /** Proxies through which there is no way to a primary, and none will come by itself; since when that is known. */
  readonly #inVain = new Map<number, Micros>();

  constructor(clock: Clock, proxies: number) {
    this.#clock = clock;
    this.#proxies = proxies;
  }

  /** What the proxy of now has said last; null before it has said anything. */
  get current(): RouteFrame | null {
    return this.#current;
  }

  /** A link to a proxy is up. */
  linked(): void {
    this.#current = null;
  }

  said(proxy: number, route: RouteFrame): void {
    this.#current = route;
    if (route.primary !== null) this.#inVain.clear();
    else if (route.waitsFor !== null) this.#inVain.set(proxy, this.#clock.now());
    else this.#inVain.delete(proxy);
  }

  /** A proxy does not answer. */
  unreached(proxy: number): void {
    this.#inVain.set(proxy, this.#clock.now());
  }

  /** There is no primary at the proxy of now, and one may come by itself. */
  get withoutPrimary(): boolean {
    return this.#current !== null && this.#current.primary === null && this.#current.waitsFor === null;
  }

  /** No primary will come by itself, as far as any proxy sees: who does not want to wait need not. */
  get stranded(): boolean {
    return this.#waits && this.#inVainOfLate() >= this.#proxies;
  }

  /** No primary will come by itself as far as the proxy of now sees, and another one may see more. */
  get strandedHere(): boolean {
    return this.#waits && this.#inVainOfLate() < this.#proxies;
  }

  get #waits(): boolean {
    return this.#current !== null && this.#current.waitsFor !== null;
  }

  #inVainOfLate(): number {
    const since = this.#clock.now() - seconds(REMEMBERED_SECONDS);
    return [...this.#inVain.values()].filter((at) => at >= since).length;
  }
}
