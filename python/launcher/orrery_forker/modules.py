"""What a single-user server imports until it answers, and a kernel, as far as the environment has it."""

import glob
import json
import os
import pkgutil
import sys

SERVER = (
    "jupyterhub.singleuser",
    "jupyterhub.singleuser.extension",
    "jupyter_server.serverapp",
    "tornado.platform.asyncio",
)
# Loaded when the first page is asked for, or by the server's own parts.
BESIDES = (
    "jupyterlab.labapp",
    "jupyterlab.labhubapp",
    "httpcore",
    "h11",
    "jinja2.ext",
    "nbconvert.exporters",
    "IPython.core.interactiveshell",
    "ipykernel.kernelspec",
    "jupyter_client.asynchronous",
    "zmq.eventloop.zmqstream",
    "encodings.idna",
    "sqlite3",
)
# Of a kernel, with what it loads for its first cell.
KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "psutil",
    "resource",
    "sqlite3",
    "tornado.platform.asyncio",
)


def all_names():
    """What must be there, and a function for what may be, to be called after that."""
    return SERVER, lambda: (*BESIDES, *handler_modules(), *enabled_extensions())


def handler_modules():
    import jupyter_server

    found = pkgutil.walk_packages(jupyter_server.__path__, "jupyter_server.", onerror=lambda _: None)
    return [module.name for module in found if module.name.endswith(".handlers")]


def enabled_extensions():
    """Those of the environment, never of a user or of the whole system."""
    enabled = []
    for path in sorted(glob.glob(os.path.join(sys.prefix, "etc/jupyter/jupyter_server_config.d/*.json"))):
        with open(path, encoding="utf-8") as file:
            extensions = json.load(file).get("ServerApp", {}).get("jpserver_extensions", {})
        enabled += [name for name, on in extensions.items() if on]
    return enabled
