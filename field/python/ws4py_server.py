"""Echo server on ws4py over the WSGI server of the standard library; messages have
no limit. Usage: python3 ws4py_server.py PORT"""
import logging
import sys
from wsgiref.simple_server import make_server

from ws4py.server.wsgirefserver import WebSocketWSGIRequestHandler, WSGIServer
from ws4py.server.wsgiutils import WebSocketWSGIApplication
from ws4py.websocket import WebSocket

logging.getLogger("ws4py").disabled = True


class Echo(WebSocket):
    def received_message(self, message):
        self.send(message.data, message.is_binary)


class Quiet(WebSocketWSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server(
    "127.0.0.1", int(sys.argv[1]), server_class=WSGIServer, handler_class=Quiet,
    app=WebSocketWSGIApplication(handler_cls=Echo),
)
server.initialize_websockets_manager()
server.serve_forever()
