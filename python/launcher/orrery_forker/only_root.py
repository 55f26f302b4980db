"""Code that runs before the process has become a user must come from places that only root can change."""

import os
import stat
import sys


RUNS_PROGRAM = frozenset({"subprocess.Popen", "os.posix_spawn", "os.exec", "os.system"})


class OnlyRoot:
    """
    Watches, as an audit hook (PEP 578), which files are opened, imported or loaded, and lets none through that somebody
    other than root could have written or put there. It sees them before any of their code runs, wherever a `.pth` file or
    an import hook has them from. Programs of others are not run; a module that asks one when it is imported lives without.
    """

    def __init__(self):
        self.refused = None
        self.active = True
        self.checked = {}
        sys.addaudithook(self)

    def __call__(self, event, args):
        if not self.active:
            return
        if event in RUNS_PROGRAM:
            self.check_program(*args[:2])
        if event not in ("open", "import", "ctypes.dlopen"):
            return
        path = args[1] if event == "import" else args[0]
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, str) or (event == "ctypes.dlopen" and "/" not in path):
            return
        fault = self.fault_of(path)
        if fault:
            self.refused = self.refused or fault
            raise PermissionError(fault)

    def check_program(self, program, words=()):
        """Also what it is given, the words of a shell too; what it reads besides are settings of root's, as its home is."""
        given = [os.fsdecode(word) for word in (program, *words) if isinstance(word, (str, bytes, os.PathLike))]
        for word in " ".join(given).split():
            places = [word] if "/" in word else [os.path.join(folder, word) for folder in os.get_exec_path()]
            fault = next((fault for fault in map(self.fault_of, filter(os.path.exists, places)) if fault), None)
            if fault:
                raise PermissionError(f"{program} is not run: {fault}")

    def fault_of_libraries(self):
        """Those that others were linked with, of which no event tells."""
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
            paths = {line.split(maxsplit=5)[5].rstrip("\n") for line in file if line.count("/") > 0}
        faults = (self.fault_of(path) for path in sorted(paths) if path.startswith("/"))
        return next((fault for fault in faults if fault), None)

    def fault_of(self, path):
        """None where all is well, or nothing is there."""
        path = os.path.abspath(path)
        for at in {path, os.path.realpath(path)}:
            while True:
                if at not in self.checked:
                    self.checked[at] = self.fault_at(at)
                if self.checked[at]:
                    return self.checked[at]
                if at == os.path.dirname(at):
                    break
                at = os.path.dirname(at)
        return None

    def fault_at(self, path):
        try:
            entry = os.lstat(path)
        except OSError:
            return None
        if stat.S_ISCHR(entry.st_mode) or stat.S_ISLNK(entry.st_mode) and entry.st_uid == 0:
            return None
        if entry.st_uid != 0:
            return f"{path} belongs to somebody else than root"
        sticky = stat.S_ISDIR(entry.st_mode) and entry.st_mode & stat.S_ISVTX
        if entry.st_mode & 0o022 and not sticky:
            return f"{path} can be written by others than root"
        return None


SETGID, SETUID = 6, 7
CAPABILITY_VERSION_3 = 0x20080522


def keep_rights_to_switch(libc):
    """Becoming another user is all that the process needs of root's rights; see capabilities(7)."""
    import ctypes

    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    kept = 1 << SETGID | 1 << SETUID
    data = (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    if libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "the rights of root could not be given up")
