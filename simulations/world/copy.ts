/**
 * A deep copy of plain data, as a database's port makes when values go to another thread: neither side sees what the
 * other does to its own. As `structuredClone` for what the ledger takes and gives, at a tenth of its cost.
 */
export const copyOf = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'function' || typeof value === 'symbol') throw new Error(`A ${typeof value} cannot be copied`);
    return value;
  }
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (value instanceof Uint8Array) return new Uint8Array(value) as T;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const own = copyOf((value as Record<string, unknown>)[key]);
    // Set like others, it would become the prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { value: own, configurable: true, enumerable: true, writable: true });
    else copy[key] = own;
  }
  return copy as T;
};
