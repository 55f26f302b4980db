"""A service that signs people in with the hub through the released JupyterHub's own client code.

Reads JUPYTERHUB_* as any service does; prints its port. With the argument `no-pkce` it behaves as versions before 6.
"""

import json
import os
import sys

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import httpserver, ioloop, netutil, web


class WhoAmI(HubOAuthenticated, web.RequestHandler):
    @web.authenticated
    def get(self):
        self.write(json.dumps(self.get_current_user()))


auth = HubOAuth.instance()
if "no-pkce" in sys.argv:
    auth.pkce_enabled = False
prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
app = web.Application(
    [(prefix + "oauth_callback", HubOAuthCallbackHandler), (prefix, WhoAmI)],
    cookie_secret=os.urandom(32),
)
sockets = netutil.bind_sockets(int(os.environ.get("SERVICE_PORT", 0)), "127.0.0.1")
httpserver.HTTPServer(app).add_sockets(sockets)
print(sockets[0].getsockname()[1], flush=True)
ioloop.IOLoop.current().start()
