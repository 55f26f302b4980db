"""
The second level: beside each server a process forks its kernels. It is a fork of the server from the moment before its
program began, so it is the user's own, and has imported what a kernel needs. Kernels turn into the unmodified
`ipykernel_launcher`, as servers turn into theirs.

A request comes over the socket that server and forker share: its length, so many bytes of JSON, and three descriptors:
the kernel's output, its errors, and a channel of its own. On that the kernel says `{"pid"}` when it is prepared, or the
forker, when it has ended, `{"returncode"}` as `subprocess` counts them. Like a child that nobody has asked about yet, the
ended process stays until the server closes the channel, so its number is given to no other meanwhile.

A request: `argv`, `environment`, `directory`, `umask`, `limits` (number of the resource: soft, hard), `processors`.
"""

import json
import os
import resource
import select
import signal
import socket
import struct

from .become import close_inherited

HEADER = struct.Struct(">I")
DESCRIPTORS = 3


def fork_beside():
    """A new process, and a socket between the two: the caller's end, or the other one in the new process."""
    ours, theirs = socket.socketpair()
    if os.fork() != 0:
        theirs.close()
        return ours, None
    ours.close()
    return None, theirs


class KernelForker:
    def __init__(self, control):
        self.control = control
        self.channels = {}  # pid: socket, as long as somebody listens
        self.ended = set()  # told, and not yet let go
        self.forgotten = set()  # nobody will ask how they end
        # What ends the server is for the server alone to answer; this one ends with it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.woken, self.wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake, warn_on_full_buffer=False)
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.poll.register(self.woken, select.POLLIN)

    def serve(self):
        """Returns in kernels alone, with their request."""
        while True:
            for fd, _ in self.poll.poll():
                if fd == self.control.fileno():
                    request = self.take_request()
                    if request is not None:
                        return request
                elif fd == self.woken:
                    os.read(self.woken, 4096)
                    self.tell_ended()
                else:
                    self.let_go(fd)

    def take_request(self):
        header, descriptors = receive_header(self.control)
        body = receive(self.control, HEADER.unpack(header)[0])
        out, err, channel = descriptors
        try:
            pid = os.fork()
        except OSError:
            pid = None  # the server sees the channel close
        if pid == 0:
            return self.become_kernel(json.loads(body), out, err, socket.socket(fileno=channel))
        os.close(out)
        os.close(err)
        if pid is None:
            os.close(channel)
            return None
        self.channels[pid] = socket.socket(fileno=channel)
        # Nothing is ever read from it: this wakes when the other end is closed.
        self.poll.register(channel, select.POLLIN)
        return None

    def become_kernel(self, request, out, err, channel):
        """As `subprocess` and `jupyter_client.launcher` have it: own session, closed input, three descriptors."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            os.setsid()
            silent, end = os.pipe()
            os.close(end)
            for number, fd in enumerate((silent, out, err)):
                os.dup2(fd, number)
            os.umask(request["umask"])
            os.sched_setaffinity(0, request["processors"])
            for number, (soft, hard) in request["limits"].items():
                resource.setrlimit(int(number), (soft, hard))
            os.chdir(request["directory"])
            channel.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
        except (OSError, ValueError):
            os._exit(125)  # without a word: the server then starts it as ever, and tells what is wrong
        request["environment"]["JPY_PARENT_PID"] = str(os.getppid())
        for each in (self.control, channel, *self.channels.values()):
            each.detach()
        close_inherited(above=2)
        return request

    def tell_ended(self):
        for pid in [pid for pid in self.channels if pid not in self.ended]:
            found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                continue
            code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
            self.ended.add(pid)
            try:
                self.channels[pid].sendall(json.dumps({"returncode": code}).encode() + b"\n")
            except OSError:
                pass  # nobody listens any more, which `let_go` is about to see
        self.reap_forgotten()

    def let_go(self, fd):
        pid = next(pid for pid, channel in self.channels.items() if channel.fileno() == fd)
        self.poll.unregister(fd)
        self.channels.pop(pid).close()
        self.ended.discard(pid)
        self.forgotten.add(pid)
        self.reap_forgotten()

    def reap_forgotten(self):
        self.forgotten = {pid for pid in self.forgotten if os.waitpid(pid, os.WNOHANG)[0] == 0}


def receive_header(control):
    header, descriptors, _, _ = socket.recv_fds(control, HEADER.size, DESCRIPTORS)
    if len(header) < HEADER.size or len(descriptors) < DESCRIPTORS:
        os._exit(0)  # the server has ended; kernels see that their parent has, and end too
    return header, descriptors


def receive(control, length):
    body = b""
    while len(body) < length:
        chunk = control.recv(length - len(body))
        if not chunk:
            os._exit(0)
        body += chunk
    return body
