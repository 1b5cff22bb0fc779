// A 32-bit integer one at a time, for DURATION.
import { options as all, timed } from './common.js';

export { binarySync } from './common.js';
export const options = all({ binarySync: timed('binarySync') });
