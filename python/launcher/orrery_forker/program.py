"""Turns a process that has imported much into a Python program, which finds all as if Python had been started for it."""

import gc
import os
import runpy
import signal
import sys
import time

from .flags import as_started
from .made_anew import make_anew
from .user_site import may_have_user_site


def run_program(argv, environment, besides, appearance):
    """
    `argv`: a script and its words, or Python with its options, `-m` and a module; `besides`: what its imports would have
    added to `environment`. Returns when the program has ended.
    """
    os.environ.clear()
    os.environ.update({**environment, **besides})
    time.tzset()
    module = argv.index("-m") if "-m" in argv[1:4] else None
    interpreted = [sys.executable, *argv] if module is None else argv
    appearance.show(os.path.basename(argv[0]), interpreted, environment)
    appearance.belong_to_user()
    # What Python sets at its own start.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    as_started([] if module is None else argv[1:module], environment)
    if environment.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(write_through=True)
    forget_own_folder()
    enable_user_site()
    make_anew()
    draw_new_secrets()
    gc.enable()
    sys.orig_argv = interpreted
    if module is not None:
        sys.argv = argv[module + 1 :]
        sys.path.insert(0, os.getcwd())
        return runpy.run_module(argv[module + 1], run_name="__main__", alter_sys=True)
    sys.argv = list(argv)
    sys.path.insert(0, os.path.dirname(argv[0]))
    return runpy.run_path(argv[0], run_name="__main__")


def enable_user_site():
    """There are no packages in it, or this would be another process; Jupyter looks for data and settings beside it."""
    import site

    site.USER_BASE = site.USER_SITE = None
    site.getusersitepackages()
    site.ENABLE_USER_SITE = may_have_user_site()


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
