"""Echo client on websocket-client; messages have no limit.
Usage: python3 client_websocket_client.py URL..."""
import sys

import websocket


def echo(url):
    ws = websocket.create_connection(url)
    try:
        while True:
            opcode, data = ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return
            ws.send(data, opcode)
    except websocket.WebSocketPayloadException:
        ws.send_close(1007)  # the library leaves it to its user to fail a connection
    except websocket.WebSocketProtocolException:
        ws.send_close(1002)
    finally:
        ws.shutdown()


for url in sys.argv[1:]:
    try:
        echo(url)
    except (websocket.WebSocketException, OSError):
        pass  # the connection is over
