// A 32-bit integer, MESSAGES sent ahead of reading.
import { options as all, once } from './common.js';

export { binaryAsync } from './common.js';
export const options = all({ binaryAsync: once('binaryAsync') });
