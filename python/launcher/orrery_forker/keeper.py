"""
What is left of a launcher that serves one user and ends after each request: the parent of the server, which waits for its
end, writes down how it was, and keeps its log from growing. It runs as that user.
"""

import json
import os
import signal
import sys

LOOK_EVERY_S = 60


class Keeper:
    """
    `exits`: folder for the ends of servers, one file each, `PID-TICKS`; `logs`: folder with theirs. `anew`: a process that
    has imported much begins anew as a small one that has the same children.
    """

    def __init__(self, exits, logs, max_log_bytes, anew=False):
        self.exits = exits
        self.logs = logs
        self.max_log_bytes = int(max_log_bytes)
        self.anew = anew
        self.running = {}  # pid: clock ticks at which it began

    def add(self, pid):
        self.running[pid] = began_at(pid)

    def ended(self, pid, how):
        path = os.path.join(self.exits, f"{pid}-{self.running.pop(pid)}")
        try:
            # Renamed into place: whoever finds it finds all of it.
            with open(f"{path}.new", "x", encoding="utf-8") as file:
                json.dump(how, file)
            os.rename(f"{path}.new", path)
        except OSError:
            pass  # a full disk: the end is then known, and not how it was

    def stay(self):
        """Until the last server has ended."""
        # Blocked also in what this process becomes: no end is missed.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        self.reap()
        if self.running and self.anew:
            self.begin_anew()
        while self.running:
            signal.sigtimedwait({signal.SIGCHLD}, LOOK_EVERY_S)
            self.reap()
            self.turn_over_logs()

    def reap(self):
        for pid, how in ended_children():
            self.ended(pid, how)

    def begin_anew(self):
        program = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        words = ["-I", "-S", "-B", program, "kept", self.exits, self.logs, str(self.max_log_bytes)]
        children = [f"{pid}-{ticks}" for pid, ticks in self.running.items()]
        try:
            os.execve(sys.executable, [sys.executable, *words, *children], {})
        except OSError as error:
            print(f"stays as large as it is: {error.strerror}", file=sys.stderr, flush=True)

    def go_on(self, children):
        """With those that `begin_anew` has named."""
        for pid, _, ticks in (child.partition("-") for child in children):
            self.running[int(pid)] = ticks
        self.stay()

    def turn_over_logs(self):
        """The content becomes the file before; servers append, so their next line lands at the new beginning."""
        import shutil  # not before: this process should be small

        try:
            for entry in os.scandir(self.logs):
                if entry.name.endswith(".log") and entry.stat(follow_symlinks=False).st_size > self.max_log_bytes:
                    shutil.copyfile(entry.path, f"{entry.path}.1", follow_symlinks=False)
                    os.truncate(entry.path, 0)
        except OSError:
            pass  # tried again a minute later


def ended_children():
    """Those that have ended and of which nobody has been told yet: pid, and how."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        yield pid, {"signal": signal.Signals(-code).name} if code < 0 else {"status": code}


def began_at(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[19]
