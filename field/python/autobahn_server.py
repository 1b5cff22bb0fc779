"""Echo server on Autobahn-Python over Twisted; messages have no limit.
Usage: python3 autobahn_server.py PORT"""
import sys

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)


port = int(sys.argv[1])
factory = WebSocketServerFactory(f"ws://127.0.0.1:{port}")
factory.protocol = Echo
reactor.listenTCP(port, factory, interface="127.0.0.1")
reactor.run()
