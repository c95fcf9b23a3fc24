/**
 * When somebody tries something (docs/availability.md, "Timing"). Safety never depends on these: only on the rules. All
 * are measured on the monotonic clock.
 */
export interface ReplicationTiming {
  /** Between two heartbeats of a primary. */
  readonly heartbeatMs: number;
  /** A primary is suspected after this much silence, drawn at random between the two. */
  readonly suspectMinMs: number;
  readonly suspectMaxMs: number;
  /** A voter ignores other candidates for so long after it heard from a primary (R10, liveness only). */
  readonly primaryAliveMs: number;
  /** A primary that a majority has not answered for so long steps down (R10, liveness only). */
  readonly quorumLostMs: number;
  /** A durable write waits so long for the peer before the primary proposes to go on alone (R6). */
  readonly degradeAfterMs: number;
  /** A candidate gives up a stage after this much without a majority. */
  readonly candidacyMs: number;
  /** A follower whose link to the primary is gone suspects it after so long, if it is not heard again before. */
  readonly linkLostMs: number;
  /** A process whose own timer comes so much too late stood still, and distrusts what it believed (`stall.ts`). */
  readonly stallMs: number;
  /** A primary hands over to a replica that has been reached by more proxies for so long (`proxy-reach.ts`). */
  readonly proxyLostMs: number;
  /** The replica of the highest priority stands this long after it booted, if it has heard from no primary by then. */
  readonly startWaitMs: number;
  /** Each replica after it in the order of priority waits so much longer. Only at the start: nobody preempts later. */
  readonly startWaitStepMs: number;
}

/** For one site. Multiply by 4 between sites. */
export const LAN_TIMING: ReplicationTiming = {
  heartbeatMs: 150,
  suspectMinMs: 900,
  suspectMaxMs: 1_100,
  primaryAliveMs: 900,
  quorumLostMs: 1_000,
  degradeAfterMs: 1_000,
  candidacyMs: 500,
  linkLostMs: 300,
  stallMs: 500,
  proxyLostMs: 3_000,
  startWaitMs: 300,
  startWaitStepMs: 1_500,
};

/** The whole timing from the four numbers that a network's configuration has; the others keep their proportion to them. */
export const timingFrom = (
  configured: Pick<ReplicationTiming, 'heartbeatMs' | 'suspectMinMs' | 'suspectMaxMs' | 'degradeAfterMs'>,
): ReplicationTiming => ({
  ...LAN_TIMING,
  ...configured,
  primaryAliveMs: configured.suspectMinMs,
  quorumLostMs: Math.round((configured.suspectMinMs + configured.suspectMaxMs) / 2),
  candidacyMs: Math.max(100, Math.round(configured.suspectMinMs / 2)),
  linkLostMs: 2 * configured.heartbeatMs,
  stallMs: Math.max(100, Math.round((configured.suspectMinMs * 5) / 9)),
  proxyLostMs: 3 * configured.suspectMaxMs,
  startWaitMs: Math.max(50, Math.round(configured.suspectMinMs / 3)),
  startWaitStepMs: Math.round(1.5 * configured.suspectMaxMs),
});
