// Echo client on websocket (npm), known as WebSocket-Node, by its own API.
// Usage: node client-websocket.js URL...
const { client: WebSocketClient } = require('websocket');

function echo(url) {
  const client = new WebSocketClient({ maxReceivedFrameSize: 64 << 20, maxReceivedMessageSize: 64 << 20 });
  return new Promise((resolve) => {
    client.on('connect', (connection) => {
      connection.on('message', (message) => {
        if (message.type === 'utf8') connection.sendUTF(message.utf8Data);
        else connection.sendBytes(message.binaryData);
      });
      connection.on('error', () => {});
      connection.on('close', resolve);
    });
    client.on('connectFailed', resolve);
    client.connect(url);
  });
}

(async () => {
  for (const url of process.argv.slice(2)) await echo(url);
})();
