/** Simulated ports, and the world that drives them. */
export { DiskStore } from './disk-store.ts';
export type { LogLine } from './log.ts';
export { Incarnation, ProcessFault, type ProcessOptions, SimulatedProcess } from './process.ts';
export { betweenTripwires, installTripwires, TripwireError, type Tripwires } from './tripwires.ts';
export { World, type WorldOptions, type WorldReport } from './world.ts';
