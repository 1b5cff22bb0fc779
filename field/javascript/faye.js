// Echo server on faye-websocket (npm), which drives websocket-driver.
// Usage: node faye.js PORT
const http = require('http');
const WebSocket = require('faye-websocket');

const server = http.createServer((request, response) => {
  response.writeHead(404);
  response.end();
});

server.on('upgrade', (request, socket, body) => {
  if (!WebSocket.isWebSocket(request)) {
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    return;
  }
  // maxLength defaults to 64 MiB less one byte.
  const ws = new WebSocket(request, socket, body);
  ws.on('message', (event) => ws.send(event.data)); // a string, or a Buffer
  ws.on('error', () => {});
});

server.listen(Number(process.argv[2]), '127.0.0.1');
