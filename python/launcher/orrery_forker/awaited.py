"""
A preloader that runs as one user and waits for their next start. Nobody is its parent for long: who starts a server finds
it by a socket in a folder that is the user's alone. It forks that server, as a forker does, and ends with it; or it ends
when nobody has come for a while, or packages have changed.
"""

import os
import select
import socket
import struct
import sys
import time

from .forker import CONTROL_FD

LOOK_EVERY_MS = 2000
PEER = struct.Struct("3i")


class Awaited:
    """`folder`: where the socket is; `seconds`: how long it waits."""

    def __init__(self, folder, seconds):
        self.path = os.path.join(folder, "socket")
        self.record = os.path.join(folder, "process.json")
        self.seconds = seconds

    def open(self):
        """From here on a start may come and wait until all is imported. Exists already: there is another one of this user."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(1)
        # In the place of the connection to come, so that packages cannot take the number.
        os.dup2(listener.fileno(), CONTROL_FD, inheritable=False)
        listener.close()

    def become_forker(self, is_current):
        """Returns when somebody has connected, and ends the process when nobody does."""
        self.wait(is_current)
        listener = socket.socket(fileno=CONTROL_FD)
        connection, _ = listener.accept()
        os.unlink(self.path)
        if not is_current():
            sys.exit("packages have changed since they were imported")
        _, uid, _ = PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
        if uid != os.getuid():
            sys.exit("somebody else has asked for a server")
        os.dup2(connection.fileno(), CONTROL_FD, inheritable=False)
        listener.detach()
        connection.close()

    def wait(self, is_current):
        poll = select.poll()
        poll.register(CONTROL_FD, select.POLLIN)
        end = time.monotonic() + self.seconds
        while not poll.poll(min(LOOK_EVERY_MS, self.seconds * 1000)):
            if time.monotonic() >= end or not is_current():
                self.leave()

    def leave(self):
        """Without the traces by which one that was killed, or has failed, can be told."""
        for path in (self.record, self.path):
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass  # somebody comes just now, and starts a server without it
        os._exit(0)
