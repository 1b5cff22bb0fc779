// JSON `{"number": N}`, MESSAGES sent ahead of reading.
import { options as all, once } from './common.js';

export { jsonAsync } from './common.js';
export const options = all({ jsonAsync: once('jsonAsync') });
