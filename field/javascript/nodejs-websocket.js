// Echo server on nodejs-websocket (npm). Usage: node nodejs-websocket.js PORT
const ws = require('nodejs-websocket');

ws.setMaxBufferLength(64 << 20); // default: 2 MiB

ws.createServer((connection) => {
  connection.on('text', (text) => connection.sendText(text));
  connection.on('binary', (stream) => {
    // A binary message is a stream, of which data must be pulled.
    const chunks = [];
    stream.on('readable', () => {
      for (let chunk; (chunk = stream.read()); ) chunks.push(chunk);
    });
    stream.on('end', () => connection.sendBinary(Buffer.concat(chunks)));
  });
  connection.on('error', () => {});
}).listen(Number(process.argv[2]), '127.0.0.1');
