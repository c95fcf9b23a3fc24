import { createRandom } from './counter-random.ts';
import { randomContract } from './random.contract.ts';

randomContract('counter-based', createRandom);
