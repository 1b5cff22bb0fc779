// Connections are opened and closed at once, for DURATION.
import { options as all, repeated } from './common.js';

export { connection } from './common.js';
export const options = all({ connection: repeated('connection') });
