// Text `number: N` one at a time, for DURATION.
import { options as all, timed } from './common.js';

export { plainSync } from './common.js';
export const options = all({ plainSync: timed('plainSync') });
