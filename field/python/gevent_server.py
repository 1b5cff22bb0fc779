"""Echo server on gevent-websocket; messages have no limit.
Usage: python3 gevent_server.py PORT"""
from gevent import monkey

monkey.patch_all()

import sys

from gevent.pywsgi import WSGIServer
from geventwebsocket import WebSocketError
from geventwebsocket.handler import WebSocketHandler


def app(environ, start_response):
    ws = environ.get("wsgi.websocket")
    if ws is None:
        start_response("400 Bad Request", [])
        return [b""]
    try:
        while not ws.closed:
            message = ws.receive()  # str, a bytearray, or None at the end
            if message is None:
                break
            ws.send(message, binary=not isinstance(message, str))
    except WebSocketError:
        pass
    return []


WSGIServer(("127.0.0.1", int(sys.argv[1])), app, handler_class=WebSocketHandler, log=None).serve_forever()
