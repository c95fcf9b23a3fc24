/**
 * Delta debugging (Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input, 2002): a list that fails is
 * reduced to one from which no single item can be taken away. What is asked is deterministic; how often is up to `fails`,
 * which answers false for everything once it has no more runs to give.
 */

/**
 * @param items  a list that fails; it is not asked again
 * @param fails  whether a list fails in the same way; it keeps the order of `items`
 * @returns a part of `items` that fails, in their order: 1-minimal, unless `fails` gave up
 */
export const ddmin = <T>(items: readonly T[], fails: (part: readonly T[]) => boolean): readonly T[] => {
  if (items.length === 0) return items;
  if (fails([])) return [];
  let failing = items;
  for (let parts = 2; failing.length > 1;) {
    const smaller = without(failing, parts, fails);
    if (smaller !== null) {
      failing = smaller.left;
      parts = Math.max(2, Math.min(smaller.parts, failing.length));
    } else if (parts < failing.length) parts = Math.min(failing.length, parts * 2);
    else break;
  }
  return failing;
};

/** The first part that fails alone, or the first whose absence does not matter. */
const without = <T>(
  items: readonly T[],
  parts: number,
  fails: (part: readonly T[]) => boolean,
): { readonly left: readonly T[]; readonly parts: number } | null => {
  const edges = Array.from({ length: parts + 1 }, (_, index) => Math.floor((index * items.length) / parts));
  const pieces = edges.slice(1).map((end, index) => ({ from: edges[index] as number, end }));
  if (parts > 1 && items.length > 1) {
    for (const { from, end } of pieces) {
      const alone = items.slice(from, end);
      if (alone.length < items.length && fails(alone)) return { left: alone, parts: 2 };
    }
  }
  // With two parts, to leave one out is to keep the other.
  if (parts === 2) return null;
  // From the end: what came last is what matters least for what went before.
  for (const { from, end } of pieces.toReversed()) {
    const rest = [...items.slice(0, from), ...items.slice(end)];
    if (fails(rest)) return { left: rest, parts: parts - 1 };
  }
  return null;
};
