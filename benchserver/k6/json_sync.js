// JSON `{"number": N}` one at a time, for DURATION.
import { options as all, timed } from './common.js';

export { jsonSync } from './common.js';
export const options = all({ jsonSync: timed('jsonSync') });
