"""Echo server on trio-websocket, which drives wsproto.
Usage: python3 trio_server.py PORT"""
import sys

import trio
from trio_websocket import ConnectionClosed, serve_websocket
from wsproto.utilities import LocalProtocolError


async def echo(request):
    ws = await request.accept()
    while True:
        try:
            await ws.send_message(await ws.get_message())
        except (ConnectionClosed, LocalProtocolError):  # the latter behind the peer's Close; it would end the server
            return


async def main():
    await serve_websocket(echo, "127.0.0.1", int(sys.argv[1]), ssl_context=None, max_message_size=64 << 20)


trio.run(main)
