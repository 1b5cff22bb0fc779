// Echo client on ws (npm): answers each message until the connection is over, then
// goes on to the next URL. Usage: node client-ws.js URL...
const { once } = require('events');
const WebSocket = require('ws');

async function echo(url) {
  const socket = new WebSocket(url, { maxPayload: 64 << 20 }); // default: 100 MiB
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', () => {}); // the event close follows
  await once(socket, 'close');
}

(async () => {
  for (const url of process.argv.slice(2)) await echo(url);
})();
