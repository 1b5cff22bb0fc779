"""Echo client on aiohttp. Usage: python3 client_aiohttp.py URL..."""
import asyncio
import sys

from aiohttp import ClientError, ClientSession, WSMsgType


async def echo(session, url):
    async with session.ws_connect(url, max_msg_size=64 << 20) as ws:
        async for message in ws:
            if message.type == WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await ws.send_bytes(message.data)


async def main():
    async with ClientSession() as session:
        for url in sys.argv[1:]:
            try:
                await echo(session, url)
            except (ClientError, OSError):
                pass  # the connection is over


asyncio.run(main())
