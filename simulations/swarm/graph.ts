import { below, type Random } from '../../src/ports/random.ts';

/**
 * Who is connected to whom, for thousands of nodes: the edges of a node stand together, each direction of a connection is
 * an edge of its own, and what belongs to an edge is a place in a typed array.
 */
export interface Graph {
  /** The edges of node n are those from `start[n]` to `start[n + 1]`, that excluded. */
  readonly start: Int32Array;
  /** The node at the other end. */
  readonly peer: Int32Array;
  /** The same connection, seen from there. */
  readonly twin: Int32Array;
}

/** Every node connects to so many others at random, as a tracker's answer has them; about twice as many are connected to it. */
export const randomGraph = (nodes: number, dials: number, random: Random): Graph => {
  const neighbours = Array.from({ length: nodes }, () => new Set<number>());
  for (let node = 0; node < nodes; node++) {
    const mine = neighbours[node] as Set<number>;
    for (let dial = 0; dial < dials && mine.size < nodes - 1;) {
      const other = below(random, 'graph', nodes);
      if (other === node) continue;
      dial++;
      mine.add(other);
      (neighbours[other] as Set<number>).add(node);
    }
  }
  const start = new Int32Array(nodes + 1);
  for (let node = 0; node < nodes; node++) start[node + 1] = (start[node] as number) + (neighbours[node] as Set<number>).size;
  const edges = start[nodes] as number;
  const peer = new Int32Array(edges);
  const twin = new Int32Array(edges);
  const edgeOf = new Map<number, number>();
  let edge = 0;
  for (let node = 0; node < nodes; node++) {
    for (const other of neighbours[node] as Set<number>) {
      peer[edge] = other;
      const there = edgeOf.get(other * nodes + node);
      if (there !== undefined) {
        twin[edge] = there;
        twin[there] = edge;
      }
      edgeOf.set(node * nodes + other, edge++);
    }
  }
  return { start, peer, twin };
};
