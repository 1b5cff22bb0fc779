// Echo server on websocket (npm), known as WebSocket-Node.
// Usage: node websocket.js PORT
const http = require('http');
const { server: WebSocketServer } = require('websocket');

const httpServer = http.createServer((request, response) => {
  response.writeHead(404);
  response.end();
});
httpServer.listen(Number(process.argv[2]), '127.0.0.1');

const server = new WebSocketServer({
  httpServer,
  autoAcceptConnections: true,
  maxReceivedFrameSize: 64 << 20, // default: 64 KiB
  maxReceivedMessageSize: 64 << 20, // default: 1 MiB
});

server.on('connect', (connection) => {
  connection.on('message', (message) => {
    if (message.type === 'utf8') connection.sendUTF(message.utf8Data);
    else connection.sendBytes(message.binaryData);
  });
  connection.on('error', () => {});
});
