"""Echo client on websockets: answers each message until the connection is over, then
goes on to the next URL. Usage: python3 client_websockets.py URL..."""
import asyncio
import sys

import websockets


async def echo(url):
    async with websockets.connect(url, max_size=64 << 20) as connection:
        async for message in connection:  # str or bytes
            await connection.send(message)


async def main():
    for url in sys.argv[1:]:
        try:
            await echo(url)
        except (websockets.WebSocketException, OSError):
            pass  # the connection is over


asyncio.run(main())
