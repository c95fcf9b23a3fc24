/** R10: which rounds of heartbeats a majority has answered. A linearizable read waits for a round that began after it was asked. */

/**
 * The last round that a majority of the voters has answered, the primary itself included: who answers a round has
 * promised no higher epoch by then, so nobody led in one when the round began. An answer to a round holds for every
 * round before it as well. Infinite where the primary alone is a majority.
 *
 * @param answered the last round that each other voter has answered; 0 for none.
 */
export const confirmedRound = (answered: readonly number[], majority: number): number =>
  majority <= 1 ? Number.POSITIVE_INFINITY : ([...answered].sort((a, b) => b - a)[majority - 2] ?? 0);
