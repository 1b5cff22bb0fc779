// Echo client on faye-websocket (npm). Usage: node client-faye.js URL...
const { Client } = require('faye-websocket');

function echo(url) {
  const socket = new Client(url);
  socket.on('message', (event) => socket.send(event.data)); // a string, or a Buffer
  socket.on('error', () => {});
  return new Promise((resolve) => socket.on('close', resolve));
}

(async () => {
  for (const url of process.argv.slice(2)) await echo(url);
})();
