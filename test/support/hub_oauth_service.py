"""A service that signs people in with the hub through the released JupyterHub's own client code.

Reads JUPYTERHUB_* as any service does, and speaks TLS when they name a certificate; prints its port. With the argument `no-pkce` it behaves as versions before 6.
"""

import json
import os
import ssl
import sys

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from jupyterhub.utils import make_ssl_context
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
keyfile = os.environ.get("JUPYTERHUB_SSL_KEYFILE")
ssl_options = keyfile and make_ssl_context(
    keyfile,
    os.environ["JUPYTERHUB_SSL_CERTFILE"],
    cafile=os.environ["JUPYTERHUB_SSL_CLIENT_CA"],
    purpose=ssl.Purpose.CLIENT_AUTH,
)
httpserver.HTTPServer(app, ssl_options=ssl_options).add_sockets(sockets)
print(sockets[0].getsockname()[1], flush=True)
ioloop.IOLoop.current().start()
