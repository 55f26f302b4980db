"""
The first program of a systemd unit: it is the user already, inside all that the unit shuts it off from. Its standard input
and output are a connection to the launcher, opened by systemd with root's rights: the order comes over it (see become.py; environment
and arguments of a server would be readable by everybody as properties of the unit), and this answers as a forked process
does.
"""

import json
import os
import re
import signal
import struct

from .become import Execution, Fault, answer_of, check_user, settle

LENGTH = struct.Struct(">I")
CHANNEL, OUTPUT, LOG = 0, 1, 2


def become_unit():
    order = json.loads(receive(*LENGTH.unpack(receive(LENGTH.size))))
    program = Execution()

    def prepare():
        check_identity(order["become"])
        settle(order)
        return program.look(order)

    answer = answer_of(prepare)
    os.write(CHANNEL, json.dumps(answer).encode() + b"\n")
    # As in become.py: no server that nobody knows of.
    if not answer["ok"] or os.read(CHANNEL, 1) != b"\n":
        os._exit(125)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, CHANNEL)
    os.close(nothing)
    os.dup2(LOG, OUTPUT)
    # Python ignores these, and what it becomes would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    program.run(order)


def check_identity(who):
    """`who` is null for a user that systemd has made up: whoever it is, never root."""
    uid, gid = (who["uid"], who["gid"]) if who else (os.getuid(), os.getgid())
    check_user(uid, gid)


def receive(length):
    text = b""
    while len(text) < length:
        chunk = os.read(CHANNEL, length - len(text))
        if not chunk:
            os._exit(125)
        text += chunk
    return text


def write_end(path):
    """As `ExecStopPost=`, with root's rights and nothing of the server's: systemd.exec(5), $SERVICE_RESULT."""
    result, code, status = (os.environ.get(name, "") for name in ("SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS"))
    end = {"status": int(status)} if code == "exited" else {"signal": f"SIG{status}"} if status else {}
    # Version 1 of cgroups, and units that go on when one of their processes has met the limit, are told by the count alone.
    if result == "oom-kill" or (end.get("signal") == "SIGKILL" and oom_kills() > 0):
        end["reason"] = "out_of_memory"
    with open(f"{path}.new", "w") as file:
        json.dump(end, file)
    os.rename(f"{path}.new", path)


def oom_kills():
    """How many processes of this unit the kernel has ended for want of memory."""
    for group in open("/proc/self/cgroup").read().splitlines():
        _, controllers, path = group.split(":", 2)
        place = {"memory": "/sys/fs/cgroup/memory{}/memory.oom_control", "": "/sys/fs/cgroup{}/memory.events"}.get(controllers)
        try:
            found = place and re.search(r"^oom_kill (\d+)$", open(place.format(path)).read(), re.M)
        except OSError:
            continue  # the group of another version, without controllers
        if found:
            return int(found[1])
    return 0
