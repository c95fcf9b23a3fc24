/** Simulated ports, and the world that drives them. */
export { type Incarnation, ProcessFault, type ProcessOptions, type SimulatedProcess } from './process.ts';
export { betweenTripwires, installTripwires, TripwireError } from './tripwires.ts';
export { Restless, World } from './world.ts';
