"""Run in a kernel: prints as JSON what Python and its process are like, without what is different for each kernel."""

import gc
import json
import locale
import multiprocessing
import os
import re
import resource
import signal
import site
import subprocess
import sys
import threading

FILE = sys.argv[-1]
OWN_VARIABLES = ("JPY_PARENT_PID", "PYTHONHASHSEED")
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGXFSZ)
LIMITS = (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE)


def without_file(words):
    return [word.replace(FILE, "FILE") for word in words]


def content(path):
    with open(path) as file:
        return file.read()


status = dict(line.split(":", 1) for line in content("/proc/self/status").splitlines())
flags = {name: getattr(sys.flags, name) for name in dir(sys.flags) if name.islower() and not name.startswith("_")}
facts = {
    "argv": without_file(sys.argv),
    "orig_argv": without_file(sys.orig_argv),
    "cmdline": without_file(content("/proc/self/cmdline").split("\0")),
    "comm": content("/proc/self/comm"),
    "path": sys.path,
    "executable": [sys.executable, sys.prefix],
    "flags": {name: str(value) for name, value in flags.items() if name not in ("hash_randomization", "count", "index")},
    "options": sys._xoptions,
    "flags of its Pythons": subprocess._args_from_interpreter_flags(),
    "environment": {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES},
    "folder": os.getcwd(),
    "main": [__name__, sys.modules["__main__"].__dict__ is globals()],
    "signals": {str(number): str(signal.getsignal(number)) for number in SIGNALS},
    "status": {name: status[name].strip() for name in ("SigBlk", "SigIgn", "Umask", "Uid", "Gid", "CapEff", "Groups")},
    "leads": os.getpid() == os.getpgid(0) == os.getsid(0),
    "limits": [resource.getrlimit(number) for number in LIMITS],
    "processors": [os.nice(0), sorted(os.sched_getaffinity(0))],
    "collector": [gc.isenabled(), gc.get_threshold()],
    "threads": sorted(re.sub(r"\d+", "", thread.name) for thread in threading.enumerate()),
    "user site": [site.ENABLE_USER_SITE, site.USER_SITE, site.USER_BASE],
    "bytecode": sys.dont_write_bytecode,
    "encodings": [sys.stdout.encoding, sys.getfilesystemencoding(), locale.getpreferredencoding()],
    "streams": [os.readlink(f"/proc/self/fd/{number}").partition(":")[0] for number in (0, 1, 2)],
    "buffers": [str(sys.__stdout__), sys.__stdout__.line_buffering, sys.__stdout__.write_through],
    "method": multiprocessing.get_start_method(),
    "history": str(get_ipython().history_manager.hist_file),  # noqa: F821: of IPython
    "control group": [content("/proc/self/cgroup"), content("/proc/self/oom_score_adj")],
    "hook": sys.excepthook.__qualname__,
    "finders": [getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path],
    "modules": sorted(name for name in sys.modules),
    "builtins": sorted(name for name in dir(__builtins__) if not name.startswith("_")),
}
print(json.dumps(facts))
