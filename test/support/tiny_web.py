"""A web program as people put behind jupyter-server-proxy: tells how it was called, sets cookies, redirects, echoes
WebSocket messages. Listens on the port of its only argument."""

import json
import sys

from tornado import ioloop, web, websocket


class Echo(websocket.WebSocketHandler):
    def select_subprotocol(self, subprotocols):
        return subprotocols[0] if subprotocols else None

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))


class Told(web.RequestHandler):
    def answer(self):
        self.set_cookie("tiny", "seen")
        self.write(
            json.dumps(
                {
                    "method": self.request.method,
                    "uri": self.request.uri,
                    "body": self.request.body.decode(),
                    "headers": dict(self.request.headers),
                }
            )
        )

    get = post = put = patch = delete = answer


class Moved(web.RequestHandler):
    def get(self):
        self.redirect("/elsewhere?found=1")


app = web.Application([(r".*/echo", Echo), (r".*/moved", Moved), (r".*", Told)])
app.listen(int(sys.argv[1]), "127.0.0.1")
ioloop.IOLoop.current().start()
