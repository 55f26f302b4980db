"""The server's side of the kernel forker: which kernels it can fork, and what stands for one in `subprocess.Popen`'s place."""

import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time

from .kernels import HEADER

# Much longer than a fork takes on a busy machine; then the kernel is started as ever.
FORKED_WITHIN_SECONDS = 10
MODULES = ("ipykernel_launcher", "ipykernel")
# What `subprocess` is told for every kernel anyhow.
KNOWN = frozenset({"env", "cwd", "kernel_id", "independent", "stdin", "stdout", "stderr"})


class Unsuitable(Exception):
    """A kernel that begins from nothing; its text is the reason."""


class KernelRequests:
    """`why_not` tells for an environment what forbids to fork, or None."""

    def __init__(self, control, why_not):
        self.control = control
        self.why_not = why_not
        self.owner = os.getpid()

    def launch(self, cmd, options):
        """The process, or Unsuitable is raised."""
        environment = options.get("env")
        environment = dict(os.environ if environment is None else environment)
        why = self.why_unsuitable(cmd, options) or self.why_not(environment)
        if why:
            raise Unsuitable(why)
        request = {
            "argv": [os.path.expanduser(word) for word in cmd],
            "environment": environment,
            "directory": os.fspath(options.get("cwd") or os.getcwd()),
            "umask": current_umask(),
            "limits": {number: resource.getrlimit(number) for number in kinds_of_limits()},
            "processors": sorted(os.sched_getaffinity(0)),
        }
        try:
            return self.send(request)
        except OSError as error:
            # A half of a request may be under way, so nothing can be sent any more.
            self.control.close()
            raise Unsuitable(f"its forker does not answer ({error})")

    def why_unsuitable(self, cmd, options):
        if self.owner != os.getpid() or self.control.fileno() < 0:
            return "its forker belongs to another process, or has ended"
        unknown = sorted(name for name, value in options.items() if name not in KNOWN and value is not None)
        if unknown or options.get("independent") or any(options.get(name) for name in ("stdin", "stdout", "stderr")):
            return f"it is started in a way of its own ({', '.join(unknown) or 'independent, or other streams'})"
        if not is_same_python(cmd[0]):
            return f"{cmd[0]} is another Python"
        flags, rest = [], list(cmd[1:])
        while rest and rest[0].startswith("-X"):
            flags.append(rest.pop(0)[2:] or (rest.pop(0) if rest else ""))
        if any(flag != "frozen_modules=off" for flag in flags) or rest[:1] != ["-m"] or rest[1:2] not in [[m] for m in MODULES]:
            return "its command is not that of ipykernel"
        return None

    def send(self, request):
        body = json.dumps(request).encode()
        ours, theirs = socket.socketpair()
        self.control.settimeout(FORKED_WITHIN_SECONDS)
        with theirs:
            socket.send_fds(self.control, [HEADER.pack(len(body))], [1, 2, theirs.fileno()])
        self.control.sendall(body)
        kernel = ForkedKernel(request["argv"], ours)
        if not kernel.wait_until_forked(FORKED_WITHIN_SECONDS):
            ours.close()  # should it come to life yet, it ends at its first word
            raise Unsuitable("its process could not be prepared")
        return kernel


class ForkedKernel:
    """As much of `subprocess.Popen` as somebody who manages a kernel uses."""

    stdin = stdout = stderr = None

    def __init__(self, args, channel):
        self.args = args
        self.pid = None
        self.returncode = None
        self.channel = channel
        self.unread = b""

    def wait_until_forked(self, seconds):
        self.listen(seconds, until=lambda: self.pid is not None)
        return self.pid is not None and self.returncode is None

    def poll(self):
        if self.returncode is None:
            self.listen(0, until=lambda: self.returncode is not None)
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None:
            self.listen(timeout, until=lambda: self.returncode is not None)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def listen(self, seconds, until):
        """Takes what is told, for so long at most; None: until it is there."""
        end = None if seconds is None else time.monotonic() + seconds
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        while not until() and self.channel.fileno() >= 0:
            left = None if end is None else max(0, (end - time.monotonic()) * 1000)
            if not poll.poll(left):
                return
            self.take(self.channel.recv(4096))

    def take(self, chunk):
        self.unread += chunk
        *lines, self.unread = self.unread.split(b"\n")
        for line in lines:
            for name, value in json.loads(line).items():
                setattr(self, name, value)
        if self.returncode is None and not chunk:
            # The forker has died, and its kernels end when they see that. How, nobody knows.
            self.returncode = -signal.SIGKILL
        if self.returncode is not None:
            self.channel.close()

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def is_same_python(program):
    """By the same name, or one beside it: where it lies tells Python which environment it belongs to."""
    if program == sys.executable:
        return True
    same_folder = os.path.dirname(program) == os.path.dirname(sys.executable)
    return same_folder and os.path.realpath(program) == os.path.realpath(sys.executable)


def current_umask():
    """Asking for it with `os.umask` would change it for a moment, for all threads."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return int(re.search(r"^Umask:\s*(\d+)$", file.read(), re.MULTILINE)[1], 8)


def kinds_of_limits():
    return {getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}
