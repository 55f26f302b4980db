"""
What is left of a launcher that serves one user and ends after each request: the parent of the server, which waits for its
end, writes down how it was, and keeps its log from growing. It runs as that user.
"""

import json
import os
import shutil
import signal

LOOK_EVERY_S = 60


class Keeper:
    """`exits`: folder for the ends of servers, one file each, `PID-TICKS`; `logs`: folder with theirs."""

    def __init__(self, exits, logs, max_log_bytes):
        self.exits = exits
        self.logs = logs
        self.max_log_bytes = max_log_bytes
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

    def stay(self, reap):
        """Until the last server has ended. `reap` collects those that have and tells `ended`."""
        while self.running:
            signal.sigtimedwait({signal.SIGCHLD}, LOOK_EVERY_S)
            reap()
            self.turn_over_logs()

    def turn_over_logs(self):
        """The content becomes the file before; servers append, so their next line lands at the new beginning."""
        try:
            for entry in os.scandir(self.logs):
                if entry.name.endswith(".log") and entry.stat(follow_symlinks=False).st_size > self.max_log_bytes:
                    shutil.copyfile(entry.path, f"{entry.path}.1", follow_symlinks=False)
                    os.truncate(entry.path, 0)
        except OSError:
            pass  # tried again a minute later


def began_at(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[19]
