"""
What a forked process does until it is a server: it becomes the user for good, and only then looks at anything the user
could have prepared: the home, the working folder, the program, the environment. It reports what is wrong, or that all is
well, waits for the launcher's word that it stands in the records, and turns into the program.

An order: `group` (files of the control group to join), `limits` (`data` and `file` in bytes, `tasks`),
`log` (file that the launcher has made, for the output), `become` (`name`, `uid`, `gid`; null: stay who we are),
`umask`, `home`, `needsHome` (servers must be able to write into their home and work there; services do with any folder),
`directory` (must be there, services work in it; empty: none), `argv`, `environment`.
"""

import json
import os
import re
import signal
import stat
import sys


class Fault(Exception):
    """`code` is one of those in src/launcher/forking/start-server.ts."""

    def __init__(self, code, detail):
        super().__init__(code)
        self.code = code
        self.detail = detail


def become_server(order, report, go, program):
    """Returns when the process is the user's and may turn into the program, and ends it otherwise."""

    def prepare():
        join_group(order["group"])
        leave_forker(order["log"], keep=(report, go))
        become_user(order["become"])
        limit(order["limits"])
        settle(order)
        return program.look(order)

    answer = answer_of(prepare)
    os.write(report, json.dumps(answer).encode())
    os.close(report)
    # A launcher that was killed before it wrote this process down would leave a server that nobody knows of.
    if not answer["ok"] or os.read(go, 1) != b"\n":
        os._exit(125)
    os.close(go)


def join_group(entries):
    """While it is still allowed to; what it starts is in the group too, and cannot leave it."""
    for path in entries:
        try:
            fd = os.open(path, os.O_WRONLY)
            os.write(fd, b"0")
            os.close(fd)
        except OSError as error:
            raise Fault("limits_not_set", f"{path}: {error.strerror}")


def limit(limits):
    """Of this process and of each that it starts, for itself; tasks are counted for all of the user."""
    if not limits:
        return
    import resource

    for name, kind in (("data", resource.RLIMIT_DATA), ("file", resource.RLIMIT_FSIZE), ("tasks", resource.RLIMIT_NPROC)):
        if name not in limits:
            continue
        most = resource.getrlimit(kind)[1]
        value = limits[name] if most == resource.RLIM_INFINITY else min(limits[name], most)
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):
            raise Fault("limits_not_set", name)


def answer_of(prepare):
    """What the launcher is told: all is well, with what `prepare` has to say besides, or what is wrong."""
    try:
        return {"ok": True, **prepare()}
    except Fault as fault:
        return {"ok": False, "code": fault.code, "detail": fault.detail}
    except Exception as error:  # never its text: it could quote the order
        return {"ok": False, "code": "not_prepared", "detail": type(error).__name__}


def leave_forker(log, keep):
    """A session of its own, default signals, its own output; what it shared with the forker is closed."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    # Opened while it is still allowed to: the folder is the launcher's alone, and the file was made by it.
    fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    close_inherited(above=2, keep=keep)


def become_user(who):
    if who is None:
        return
    uid, gid = who["uid"], who["gid"]
    try:
        os.initgroups(who["name"], gid)
        os.setgid(gid)
        os.setuid(uid)
    except OSError as error:
        raise Fault("switch_failed", error.strerror)
    check_user(uid, gid)


def check_user(uid, gid):
    if os.getresuid() != (uid, uid, uid) or uid == 0:
        raise Fault("switch_failed", "still another user")
    if os.getresgid() != (gid, gid, gid) or gid == 0 or 0 in os.getgroups():
        raise Fault("switch_failed", "still in another group")


def settle(order):
    """Looks at what is the user's, as the user, and enters it."""
    os.umask(order["umask"])
    if order["needsHome"]:
        enter_home(order["home"])
    else:
        enter_home_or_root(order["home"])
    check_directory(order)
    if not order["needsHome"] and order["directory"]:
        os.chdir(order["directory"])
    check_program(order["argv"][0])


def enter_home(home):
    try:
        os.chdir(home)
    except FileNotFoundError:
        raise Fault("home_missing", home)
    except OSError:
        raise Fault("home_not_readable", home)
    if not os.access(".", os.W_OK | os.X_OK):
        raise Fault("home_not_writable", home)


def enter_home_or_root(home):
    """Users of the system often have no home."""
    try:
        os.chdir(home)
    except OSError:
        os.chdir("/")


def check_directory(order):
    """A server works in its home, as JupyterHub has it, and enters the notebook folder itself."""
    if not order["directory"]:
        return
    directory = os.path.normpath(os.path.join(order["home"], order["directory"]))
    if not os.path.isdir(directory) or not os.access(directory, os.R_OK | os.X_OK):
        raise Fault("directory_missing", directory)


def check_program(program):
    try:
        regular = stat.S_ISREG(os.stat(program).st_mode)
    except PermissionError:
        raise Fault("command_not_executable", program)
    except OSError:
        raise Fault("command_not_found", program)
    if not regular or not os.access(program, os.X_OK):
        raise Fault("command_not_executable", program)
    interpreter = interpreter_of(program)
    if interpreter is not None and not os.access(interpreter, os.X_OK):
        raise Fault("interpreter_missing", interpreter)


def interpreter_of(program):
    """The program named after `#!`, as the kernel would read it; None for one that may be run but not read."""
    try:
        with open(program, "rb") as file:
            head = file.read(256)
    except OSError:
        return None
    match = re.match(rb"#![ \t]*([^\s]+)", head)
    return os.fsdecode(match[1]) if match else None


def close_inherited(above, keep=()):
    """Also what whoever started the launcher left open."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > above and int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                pass  # that of the listing itself


class Execution:
    """Servers become their program by `execve`."""

    def hello(self):
        """What the launcher is told once."""
        return {}

    def look(self, _order):
        """What the launcher is told besides."""
        return {}

    def run(self, order):
        program, environment = order["argv"][0], order["environment"]
        try:
            os.execve(program, order["argv"], environment)
        except OSError as error:
            print(f"{program}: {error.strerror}", file=sys.stderr, flush=True)
            os._exit(126)
