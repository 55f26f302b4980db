"""
Imports what a single-user server will need, once, before any process is forked. A server then is a fork that runs the
unmodified program within itself: it answers in a fraction of the time, and shares the memory of what was imported.
"""

import gc
import importlib
import os
import runpy
import sys

from .become import Execution, close_inherited
from .forker import CONTROL_FD
from .only_root import OnlyRoot, keep_rights_to_switch
from .scout import scout
from .variables import differing


class Preloaded:
    """Ends the process where it must not preload, with the reason as its last line."""

    def __init__(self, program):
        as_root = os.geteuid() == 0
        # The first thing of all: what follows runs code of the environment.
        guard = OnlyRoot() if as_root else None
        close_inherited(above=CONTROL_FD)
        from .appearance import Appearance

        self.appearance = Appearance()
        if as_root:
            keep_rights_to_switch(self.appearance.libc)
        self.program = program
        # Started without it, so that `.pth` files meet the guard too.
        import site

        site.main()
        gc.disable()
        self.stamp = package_folders()
        names, self.looked_up = scout(guard)
        for name in names:
            importlib.import_module(name)
        fault = (guard and (guard.refused or guard.fault_of_libraries())) or shared_fault()
        if fault:
            sys.exit(fault)
        if guard:
            guard.active = False
        self.started_with = dict(os.environ)
        # Garbage collection would touch, and so copy, what all servers share.
        gc.collect()
        gc.freeze()
        self.appearance.show("orrery-preload", ["orrery: forks servers of", program], {})

    def hello(self):
        return {"stamp": self.stamp}

    def look(self, order):
        why = self.why_not(order)
        return {} if why is None else {"fresh": why}

    def why_not(self, order):
        """The reason for a process that begins from nothing. Called as the user, before anything is changed."""
        environment = order["environment"]
        named = differing(self.looked_up, self.started_with, environment)
        if named is not None:
            return f"{named} is set"
        if may_have_user_site() and os.path.isdir(user_site(environment.get("HOME", ""))):
            return "the user has packages of their own"
        return None

    def run(self, order):
        if self.why_not(order) is not None:
            return Execution().run(order)
        return self.run_here(order["argv"], order["environment"])

    def run_here(self, argv, environment):
        import signal
        import time

        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        interpreted = argv if argv[1:2] == ["-m"] else [sys.executable, *argv]
        self.appearance.show(os.path.basename(argv[0]), interpreted, environment)
        self.appearance.belong_to_user()
        # What Python sets at its own start.
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
        if environment.get("PYTHONUNBUFFERED"):
            sys.stdout.reconfigure(write_through=True)
        forget_own_folder()
        enable_user_site()
        make_anew()
        draw_new_secrets()
        gc.enable()
        sys.orig_argv = interpreted
        if interpreted is argv:
            sys.argv = argv[2:]
            sys.path.insert(0, os.getcwd())
            return runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
        sys.argv = list(argv)
        sys.path.insert(0, os.path.dirname(argv[0]))
        return runpy.run_path(argv[0], run_name="__main__")


def package_folders():
    """When something was last installed or removed there, in nanoseconds; looked at before anything is imported."""
    settings = os.path.join(sys.prefix, "etc/jupyter/jupyter_server_config.d")
    found = [path for path in (*sys.path, settings) if os.path.isdir(path)]
    return {path: str(os.stat(path).st_mtime_ns) for path in found}


def shared_fault():
    """What forked processes would share although each takes it for its own."""
    if len(os.listdir("/proc/self/task")) > 1:
        return "a package starts a thread when it is imported"
    for fd in os.listdir("/proc/self/fd"):
        # The last one is that of the listing itself, and closed by now.
        if int(fd) > CONTROL_FD and os.path.lexists(f"/proc/self/fd/{fd}"):
            return f"a package opens {os.readlink(f'/proc/self/fd/{fd}')} when it is imported"
    if sys.getfilesystemencoding() != "utf-8":
        return "the locale is not one of UTF-8"
    return None


def may_have_user_site():
    """As site.py decides for a Python that is not isolated."""
    if sys.prefix == sys.base_prefix:
        return True
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg"), encoding="utf-8") as file:
            lines = [line.partition("=") for line in file]
    except OSError:
        return True
    return any(
        name.strip().lower() == "include-system-site-packages" and value.strip().lower() == "true"
        for name, _, value in lines
    )


def user_site(home):
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return os.path.join(home, ".local", "lib", version, "site-packages")


def enable_user_site():
    """There are no packages in it, or this would be another process; Jupyter looks for data and settings beside it."""
    import site

    site.USER_BASE = site.USER_SITE = None
    site.getusersitepackages()
    site.ENABLE_USER_SITE = may_have_user_site()


def make_anew():
    """Modules that have kept the home, see scout.MADE_ANEW. Others have taken over their functions, which stay."""
    import sysconfig

    sysconfig._CONFIG_VARS = None
    trash = sys.modules.get("send2trash.plat_other")
    if trash:
        importlib.reload(trash)


def forget_own_folder():
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != own]
    sys.path_importer_cache.pop(own, None)


def draw_new_secrets():
    """`random` and OpenSSL do so themselves after a fork."""
    process = sys.modules.get("multiprocessing.process")
    if process:
        process.current_process().authkey = os.urandom(32)
    numbers = sys.modules.get("numpy.random")
    if numbers:
        numbers.seed()
