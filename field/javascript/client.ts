// Echo client on the WebSocket that Bun and Deno have built in.
// Usage: bun run client.ts URL...; deno run -A --no-lock client.ts URL...
const urls: string[] = globalThis.Deno ? Deno.args : process.argv.slice(2);

function echo(url: string) {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = (event) => socket.send(event.data);
  return new Promise((resolve) => (socket.onclose = resolve));
}

for (const url of urls) await echo(url);
