"""Echo server on Tornado. Usage: python3 tornado_server.py PORT"""
import sys

from tornado import ioloop, web, websocket


class Echo(websocket.WebSocketHandler):
    def check_origin(self, origin):
        return True

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))


app = web.Application([("/", Echo)], websocket_max_message_size=64 << 20)
app.listen(int(sys.argv[1]), "127.0.0.1", max_buffer_size=256 << 20)
ioloop.IOLoop.current().start()
