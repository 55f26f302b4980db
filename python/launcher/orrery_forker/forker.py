"""
The process that forks the servers. It is a child of the launcher, which alone holds the other end of the socket at
descriptor 3, and runs with the standard library only, one thread, no files of its own.

Frames from the launcher: kind, number of the start, length, then so many bytes of JSON.

    START  the order, see become.py    a process is forked; it becomes the user, says whether all is well, and waits
    GO     nothing                     it turns into its program
    DROP   nothing                     it ends

Lines to the launcher, JSON: `{"ready": version, "python": ...}` once, then `{"id", "pid"}` for a process that was forked,
`{"id", "report"}` for what it says (null when it died before), `{"ended": pid, "status"}` or `{"ended": pid, "signal"}`.

An order holds secrets of one user, and each process forked later has a copy of this one's memory. So this one does not
look into orders: it receives them into a buffer that it clears after the fork, and the child alone reads them.
"""

import json
import mmap
import os
import select
import signal
import socket
import struct
import sys

from .become import become_server
from .keeper import ended_children

VERSION = 1
CONTROL_FD = 3
HEADER = struct.Struct(">BxxxII")
START, GO, DROP = 1, 2, 3
MAX_ORDER_BYTES = 1024 * 1024


class Forker:
    """`program` is what children turn into, see `become.Execution`; `keeper` what outlives the launcher, if anything does."""

    def __init__(self, program, keeper=None):
        self.program = program
        self.keeper = keeper
        self.control = socket.socket(fileno=CONTROL_FD)
        self.order = mmap.mmap(-1, MAX_ORDER_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.poll = select.poll()
        self.waiting = {}  # id: descriptor to say go on
        self.reports = {}  # descriptor: id and what came so far
        self.woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def serve(self, hello):
        """Returns in children alone, with their order: what they do then happens outside of this loop."""
        self.tell({"ready": VERSION, "python": sys.version.split()[0], **hello})
        self.poll.register(CONTROL_FD, select.POLLIN)
        self.poll.register(self.woken, select.POLLIN)
        while True:
            for fd, _ in self.poll.poll():
                if fd == CONTROL_FD:
                    order = self.take_frame()
                    if order is not None:
                        return order
                elif fd == self.woken:
                    os.read(self.woken, 4096)
                    self.reap()
                else:
                    self.take_report(fd)

    def take_frame(self):
        header = self.receive(memoryview(bytearray(HEADER.size)))
        kind, number, length = HEADER.unpack(header)
        if kind == START:
            self.receive(memoryview(self.order)[:length])
            order = self.fork(number, length)
            self.order[:length] = bytes(length)
            return order
        elif number in self.waiting:
            fd = self.waiting.pop(number)
            try:
                if kind == GO:
                    os.write(fd, b"\n")
            except BrokenPipeError:
                pass  # it died meanwhile, which is told by its end
            os.close(fd)

    def receive(self, view):
        """Fills the view, or ends: nobody is left whom this process could serve. Children that wait see it and end too."""
        at = 0
        while at < len(view):
            try:
                count = self.control.recv_into(view[at:])
            except ConnectionResetError:
                count = 0
            if count == 0:
                self.end()
            at += count
        return view

    def fork(self, number, length):
        report, child_report = os.pipe()
        child_go, go = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            for fd in (report, child_report, child_go, go):
                os.close(fd)
            self.tell({"id": number, "failed": error.strerror})
            return None
        if pid == 0:
            order = json.loads(bytes(self.order[:length]))
            self.control.detach()
            become_server(order, child_report, child_go, self.program)
            return order
        os.close(child_report)
        os.close(child_go)
        self.waiting[number] = go
        self.reports[report] = (number, b"")
        self.poll.register(report, select.POLLIN)
        if self.keeper:
            self.keeper.add(pid)
        self.tell({"id": number, "pid": pid})
        return None

    def take_report(self, fd):
        number, text = self.reports[fd]
        chunk = os.read(fd, 65536)
        if chunk:
            self.reports[fd] = (number, text + chunk)
            return
        self.poll.unregister(fd)
        os.close(fd)
        del self.reports[fd]
        self.tell({"id": number, "report": json.loads(text) if text else None})

    def reap(self):
        for pid, how in ended_children():
            if self.keeper:
                self.keeper.ended(pid, how)
            self.tell({"ended": pid, **how})

    def tell(self, message):
        try:
            self.control.sendall(json.dumps(message).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            self.end()

    def end(self):
        """The launcher has gone. Children that wait for its word see it and end too."""
        if self.keeper:
            for fd in self.waiting.values():
                os.close(fd)
            self.control.close()
            self.order.close()
            signal.set_wakeup_fd(-1)
            self.keeper.stay()
        os._exit(0)
