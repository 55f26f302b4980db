"""A service as people write them with the released JupyterHub's classes: pages for who signs in with the hub, an API for
who sends a token, and calls of its own to the hub. Listens where JUPYTERHUB_SERVICE_URL says."""

import json
import os
import urllib.error
import urllib.request
from urllib.parse import urlparse

from jupyterhub.services.auth import (
    HubAuth,
    HubAuthenticated,
    HubOAuthCallbackHandler,
    HubOAuthenticated,
)
from tornado import ioloop, web


class Page(HubOAuthenticated, web.RequestHandler):
    @web.authenticated
    def get(self):
        self.write(json.dumps(self.get_current_user()))


class Members(Page):
    """The rules of services before scopes."""

    hub_scopes = None
    hub_users = {"bea"}
    hub_groups = {"physics"}


class Form(HubOAuthenticated, web.RequestHandler):
    @web.authenticated
    def get(self):
        self.write(f'<form method="post">{self.xsrf_form_html()}</form>')

    @web.authenticated
    def post(self):
        self.write(self.get_body_argument("word"))


class Api(HubAuthenticated, web.RequestHandler):
    # Not the shared instance, which leads to the login page as the other handlers need it.
    hub_auth = HubAuth()

    @web.authenticated
    def get(self):
        self.write(json.dumps(self.get_current_user()))


class People(web.RequestHandler):
    """With the service's own token."""

    def get(self):
        request = urllib.request.Request(
            os.environ["JUPYTERHUB_API_URL"] + "/users",
            headers={"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                self.write(json.dumps([user["name"] for user in json.load(answer)]))
        except urllib.error.HTTPError as error:
            self.set_status(error.code)


prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
handlers = {
    "": Page,
    "members": Members,
    "form": Form,
    "api": Api,
    "people": People,
    "oauth_callback": HubOAuthCallbackHandler,
}
app = web.Application(
    [(prefix + path, handler) for path, handler in handlers.items()],
    cookie_secret=os.urandom(32),
    xsrf_cookies=True,
)
url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
app.listen(url.port, url.hostname)
ioloop.IOLoop.current().start()
