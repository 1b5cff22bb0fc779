// Echo client on websocket (npm), by its class of the W3C's API.
// Usage: node client-w3c.js URL...
const { w3cwebsocket: WebSocket } = require('websocket');

const limits = { maxReceivedFrameSize: 64 << 20, maxReceivedMessageSize: 64 << 20 };

function echo(url) {
  const socket = new WebSocket(url, undefined, undefined, undefined, undefined, limits);
  socket.onmessage = (event) => socket.send(event.data); // a string, or an ArrayBuffer
  return new Promise((resolve) => (socket.onclose = resolve));
}

(async () => {
  for (const url of process.argv.slice(2)) await echo(url);
})();
