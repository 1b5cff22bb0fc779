// Echo server on Bun's own Bun.serve (uWebSockets inside).
// Usage: bun run bun.ts PORT
Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.argv[2]),
  fetch(request, server) {
    if (server.upgrade(request)) return; // the answer is sent already
    return new Response('this is a WebSocket server', { status: 400 });
  },
  websocket: {
    maxPayloadLength: 64 << 20, // default: 16 MiB
    backpressureLimit: 256 << 20, // what waits to be sent; default: 16 MiB, and beyond it messages are dropped
    message(socket, message) {
      socket.send(message); // a string, or a Buffer
    },
  },
});
