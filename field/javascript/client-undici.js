// Echo client on undici (npm), whose WebSocket is that of Node.js itself since 22.
// Usage: node client-undici.js URL...
const { WebSocket } = require('undici');

function echo(url) {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = (event) => socket.send(event.data); // a string, or an ArrayBuffer
  return new Promise((resolve) => (socket.onclose = resolve));
}

(async () => {
  for (const url of process.argv.slice(2)) await echo(url);
})();
