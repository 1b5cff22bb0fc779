// Echo server on Deno's own Deno.serve and Deno.upgradeWebSocket (fastwebsockets
// inside). A limit on messages cannot be set. Usage: deno run -A --no-lock deno.ts PORT
Deno.serve({ hostname: '127.0.0.1', port: Number(Deno.args[0]), onListen() {} }, (request) => {
  if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
    return new Response('this is a WebSocket server', { status: 400 });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = (event) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(event.data);
  };
  socket.onerror = () => {}; // an error without a listener is printed
  return response;
});
