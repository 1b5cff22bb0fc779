// Echo server on @fastify/websocket (npm), a plugin of Fastify around ws.
// Usage: node fastify.js PORT
const app = require('fastify')();

app.register(require('@fastify/websocket'), { options: { maxPayload: 64 << 20 } });

// Routes with websocket: true must be registered behind the plugin.
app.register(async (app) => {
  app.get('/', { websocket: true }, (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('error', () => {});
  });
});

app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
