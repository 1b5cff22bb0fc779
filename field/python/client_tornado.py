"""Echo client on Tornado. Usage: python3 client_tornado.py URL..."""
import asyncio
import sys

from tornado.websocket import WebSocketError, websocket_connect


async def echo(url):
    connection = await websocket_connect(url, max_message_size=64 << 20)
    while (message := await connection.read_message()) is not None:
        await connection.write_message(message, binary=isinstance(message, bytes))


async def main():
    for url in sys.argv[1:]:
        try:
            await echo(url)
        except (WebSocketError, OSError):
            pass  # the connection is over


asyncio.run(main())
