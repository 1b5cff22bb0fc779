// The combined scenario: the seven tests side by side, USERS users each.
import { options as all, once, repeated, timed } from './common.js';

export { binaryAsync, binarySync, connection, jsonAsync, jsonSync, plainAsync, plainSync } from './common.js';
export const options = all({
  connection: repeated('connection'),
  plain_sync: timed('plainSync'),
  json_sync: timed('jsonSync'),
  binary_sync: timed('binarySync'),
  plain_async: once('plainAsync'),
  json_async: once('jsonAsync'),
  binary_async: once('binaryAsync'),
});
