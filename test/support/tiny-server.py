"""Enough of a single-user server for tests of spawners: listens where JUPYTERHUB_SERVICE_URL says, answers below its
prefix with the version header, and tells its environment. With JUPYTERHUB_SSL_KEYFILE it asks for certificates. Takes a second instead of ten to start."""

import argparse
import json
import os
import signal
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse

parser = argparse.ArgumentParser()
parser.add_argument("--fail", type=int, help="print a line and end with this status")
parser.add_argument("--stubborn", action="store_true", help="ignore being interrupted and terminated")
parser.add_argument("--children", action="store_true", help="leave a child in the session")
parser.add_argument("--print", default="", help="a line for the log")
parser.add_argument("--when", help="begin to listen only when this file is there")
options = parser.parse_args()

url = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
prefix = url.path.rstrip("/") + "/"

if options.print:
    print(options.print, flush=True)
if options.fail is not None:
    print(f"ending with {options.fail} on purpose", flush=True)
    sys.exit(options.fail)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.rstrip("/") + "/" == prefix + "environment/":
            return self.answer(200, {"env": dict(os.environ), "cwd": os.getcwd(), "uid": os.getuid(), "groups": os.getgroups(), "umask": umask})
        if self.path.startswith(prefix + "api"):
            return self.answer(200, {"version": "0"})
        return self.answer(404, {"message": "not here"})

    def do_POST(self):
        """`eat/MEGABYTES` and `eat-here/MEGABYTES`: memory in a child, or in itself;
        `leave/MEGABYTES`: in a job that outlives it; `fork/COUNT`; `spin/MILLISECONDS`; `leave-port/0`: gives up its port and lives on."""
        action, _, amount = self.path.removeprefix(prefix).partition("/")
        return self.answer(200, ACTIONS[action](int(amount)))

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-JupyterHub-Version", "6.1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def eat(megabytes):
    """The child ends when it has got all of it; tells how."""
    pid = os.fork()
    if pid == 0:
        bytearray(megabytes * 2**20)[::4096] = b"x" * (megabytes * 256)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return {"ended": os.waitstatus_to_exitcode(status)}


eaten = []


def eat_here(megabytes):
    try:
        eaten.append(bytearray(b"x") * (megabytes * 2**20))
    except MemoryError:
        return {"eaten": 0}
    return {"eaten": megabytes}


def leave(megabytes):
    """A job with so much memory, in a session of its own, that goes on when the server ends."""
    has_it, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kept = bytearray(b"x") * (megabytes * 2**20)
        os.write(tell, b"x")
        while kept:
            signal.pause()
    os.read(has_it, 1)
    return {"left": pid}


def fork(count):
    """Children that do nothing, all at once; tells how many there could be."""
    children = []
    for _ in range(count):
        try:
            pid = os.fork()
        except OSError:
            break
        if pid == 0:
            signal.pause()
        children.append(pid)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return {"forked": len(children)}


def spin(milliseconds):
    """Two processes that count, so much processor time in all."""
    children = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            while time.process_time() < milliseconds / 2000:
                pass
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)
    return {"spun": milliseconds}


def leave_port(_):
    threading.Thread(target=server.shutdown).start()
    return {}


ACTIONS = {"eat": eat, "eat-here": eat_here, "leave": leave, "fork": fork, "spin": spin, "leave-port": leave_port}

umask = os.umask(0)
os.umask(umask)
if options.stubborn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
while options.when and not os.path.exists(options.when):
    time.sleep(0.02)
server = ThreadingHTTPServer.__new__(ThreadingHTTPServer)
server.allow_reuse_address = True
try:
    # From here on it can be seen to listen, and so be interrupted.
    ThreadingHTTPServer.__init__(server, (url.hostname or "", url.port), Handler)
    if "JUPYTERHUB_SSL_KEYFILE" in os.environ:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=os.environ["JUPYTERHUB_SSL_CLIENT_CA"])
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(os.environ["JUPYTERHUB_SSL_CERTFILE"], os.environ["JUPYTERHUB_SSL_KEYFILE"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    if options.children and os.fork() == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.socket.close()
        while True:
            signal.pause()
    print(f"listening on {url.hostname}:{url.port}", flush=True)
    server.serve_forever()
    server.server_close()
    while True:
        signal.pause()
except KeyboardInterrupt:
    print("interrupted", flush=True)
