"""
How a process looks from outside: `ps` and `/proc` show what it was started with, which for a forked server is the
command line and the environment of the process that forked it.
"""

import ctypes
import os
import struct

PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_MM = 4, 15, 35
PR_SET_MM_MAP = 14


class Appearance:
    """Made at the start of the process, in whose argument list and environment there must be room."""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.sbrk.restype = ctypes.c_void_p
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        # proc(5) counts from 1 and has two fields before the parenthesis closes.
        field = lambda number: int(fields[number - 3])
        self.code = [field(26), field(27), field(45), field(46), field(47)]
        self.stack = field(28)
        self.arguments = (field(48), field(49))
        self.environment = (field(50), field(51))

    def show(self, name, argv, environment):
        """The environment of this process must be its own by now: the C library's first one is written over."""
        arguments = fill(self.arguments, [os.fsencode(word) for word in argv])
        variables = fill(self.environment, [os.fsencode(f"{name}={value}") for name, value in environment.items()])
        self.libc.prctl(PR_SET_NAME, os.fsencode(name)[:15], 0, 0, 0)
        # The kernel's own bounds, so that nobody reads on into the room that was left (struct prctl_mm_map). A kernel
        # without CONFIG_CHECKPOINT_RESTORE refuses; then there are empty words at the end, which `ps` does not show.
        bounds = struct.pack(
            "=12Q2I",
            *self.code,
            self.libc.sbrk(0),
            self.stack,
            self.arguments[0],
            arguments,
            self.environment[0],
            variables,
            0,
            0,
            0xFFFFFFFF,
        )
        self.libc.prctl(PR_SET_MM, PR_SET_MM_MAP, ctypes.c_char_p(bounds), ctypes.c_ulong(len(bounds)), 0)

    def belong_to_user(self):
        """A process that was root's is closed to its user in /proc until it runs another program; this one does not."""
        self.libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def fill(region, words):
    """Writes as many whole words as fit, clears the rest; gives the address behind them."""
    start, end = region
    text = b""
    for word in words:
        if len(text) + len(word) + 1 >= end - start:
            break
        text += word + b"\0"
    ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)
    return start + max(1, len(text))
