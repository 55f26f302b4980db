"""Prints every configurable trait of the released JupyterHub's own classes, with its default where JSON has it."""

import json

from jupyterhub import auth, crypto, metrics, proxy, spawner
from jupyterhub.app import JupyterHub
from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from nativeauthenticator import NativeAuthenticator
from traitlets.config import Application

CLASSES = [
    Application,
    JupyterHub,
    auth.Authenticator,
    auth.LocalAuthenticator,
    auth.PAMAuthenticator,
    auth.DummyAuthenticator,
    auth.NullAuthenticator,
    SharedPasswordAuthenticator,
    NativeAuthenticator,
    spawner.Spawner,
    spawner.LocalProcessSpawner,
    spawner.SimpleLocalProcessSpawner,
    proxy.Proxy,
    proxy.ConfigurableHTTPProxy,
    crypto.CryptKeeper,
    metrics.PeriodicMetricsCollector,
]
# The classes that JupyterHub itself names as configurable must all be among them.
named = {one.__name__ for one in JupyterHub().classes}
missing = named - {one.__name__ for one in CLASSES}


def default_of(trait):
    value = trait.default()
    if isinstance(value, (set, tuple)):
        value = list(value)
    try:
        return {"default": json.loads(json.dumps(value))}
    except TypeError:
        return {}


traits = [
    {"class": one.__name__, "name": name, **default_of(trait)}
    for one in CLASSES
    for name, trait in sorted(one.class_own_traits(config=True).items())
]
print(json.dumps({"missing": sorted(missing), "traits": traits}))
