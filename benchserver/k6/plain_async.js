// Text `number: N`, MESSAGES sent ahead of reading.
import { options as all, once } from './common.js';

export { plainAsync } from './common.js';
export const options = all({ plainAsync: once('plainAsync') });
