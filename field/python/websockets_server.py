"""Echo server on websockets. Usage: python3 websockets_server.py PORT"""
import asyncio
import sys

import websockets


async def echo(connection):
    async for message in connection:  # str or bytes
        await connection.send(message)


async def main():
    async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=64 << 20):
        await asyncio.Future()


asyncio.run(main())
