"""
Each JupyterLab server asks npm where it keeps packages, to look for language servers there (`npm prefix -g`): longer than
all the rest of a forked start takes. The answer is the same for all who have no settings of their own for npm, so it is
asked once, by the scout; servers whose users may have another one ask for themselves as ever.
"""

import os
import select
import shutil
import signal
import sys
import time

from .entry_points import Finder

NAME = "orrery-npm-prefix"
# Jupyter calls what is registered so with its manager of language servers, before it looks for any.
ENTRY_POINTS = f"[jupyter_lsp_spec_v1]\n{NAME} = {__name__}:answer_for\n"

ANSWERS_WITHIN_SECONDS = 10
NOBODY = 65534
# Not below /proc, where npm tries for ever to make it.
NOWHERE = "/nonexistent"

known = None  # what `take` has given, in a process where it holds


class Question:
    """
    Under way, as nobody where this is root, who looks at all that is run (`guard`). `path`: where servers look for programs.
    """

    def __init__(self, path, guard):
        self.npm, self.node = shutil.which("npm", path=path), shutil.which("node", path=path)
        if not self.npm or not self.node:
            return
        self.answer, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                if guard:
                    guard.active = False
                self.become_npm(writing, path)
            finally:
                os._exit(127)
        os.close(writing)

    def become_npm(self, output, path):
        # What npm reads and runs is looked at by nobody.
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        nothing = os.open("/dev/null", os.O_RDWR)
        for number, fd in enumerate((nothing, output, nothing)):
            os.dup2(fd, number)
        environment = {"PATH": path, "HOME": NOWHERE, "npm_config_update_notifier": "false"}
        os.execve(self.npm, [self.npm, "prefix", "-g"], environment)

    def take(self):
        """`npm`, `node`, `prefix` and `settings`, or None where npm is missing or says nothing."""
        if not self.npm or not self.node:
            return None
        text, end = b"", time.monotonic() + ANSWERS_WITHIN_SECONDS
        while select.select([self.answer], [], [], max(0, end - time.monotonic()))[0]:
            chunk = os.read(self.answer, 4096)
            if not chunk:
                break
            text += chunk
        else:
            os.kill(self.pid, signal.SIGKILL)
        os.close(self.answer)
        status = os.waitpid(self.pid, 0)[1]
        prefix = os.fsdecode(text).strip()
        if status != 0 or not os.path.isabs(prefix):
            return None
        return {"npm": self.npm, "node": self.node, "prefix": prefix, "settings": state_of(self.settings(prefix))}

    def settings(self, prefix):
        """The programs, and where those who install npm and administrators keep settings for all; see npm help npmrc."""
        programs = [os.path.realpath(self.npm), os.path.realpath(self.node)]
        folders = [prefix, *(os.path.dirname(os.path.dirname(program)) for program in (self.node, programs[1]))]
        own = os.path.join(os.path.dirname(os.path.dirname(programs[0])), "npmrc")
        return [*programs, own, "/etc/npmrc", *(os.path.join(folder, "etc/npmrc") for folder in folders)]


def state_of(paths):
    return {path: os.stat(path).st_mtime_ns if os.path.exists(path) else None for path in paths}


def use(answer):
    """In a server: `answer` is what was taken before."""
    global known
    known = answer
    if answer is not None:
        # First, so that it is called before npm is asked.
        sys.meta_path.insert(0, Finder(NAME, ENTRY_POINTS))


def answer_for(manager):
    """Registers no language server."""
    ask = getattr(manager, "_npm_prefix", None)
    if ask is not None and holds(known, os.environ):
        manager._npm_prefix = lambda npm: known["prefix"] if npm == known["npm"] else ask(npm)
    return {}


def holds(answer, environment):
    """Not for those with settings of their own: in variables, in files, or by another npm."""
    if any(name.lower().startswith("npm_") or name in ("PREFIX", "DESTDIR", "NODE_OPTIONS") for name in environment):
        return False
    if any(os.path.lexists(os.path.join(folder, ".npmrc")) for folder in (os.path.expanduser("~"), os.getcwd())):
        return False
    path = environment.get("PATH")
    mine = {"npm": shutil.which("npm", path=path), "node": shutil.which("node", path=path)}
    return {**answer, **mine} == answer and state_of(answer["settings"]) == answer["settings"]
