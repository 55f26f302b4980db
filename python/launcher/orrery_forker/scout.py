"""
Finds out which modules may be imported before it is known whose server it will be.

Some modules read the environment when they are imported and keep what they read: the home in the default of a setting,
the hub's address in a class. Those, and whatever imports them, are left to the server itself. To know which they are, a
forked process imports everything once, watches, tells, and ends.
"""

import builtins
import importlib
import json
import os
import sys
from importlib.machinery import PathFinder

from .made_anew import is_made_anew
from .modules import KERNEL, all_names
from .npm_prefix import Question
from .variables import is_of_one_server

# Keeps a copy of all variables, for CGI programs alone.
EXEMPT = frozenset({"wsgiref.handlers"})


def scout(guard, path):
    """
    `kernel` and `modules`: names in the order of their import; `variables`: names that any of them looks up; `npm`: see
    npm_prefix.py. `path`: where servers look for programs.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            with open(writing, "w") as answer:
                json.dump(explored(guard, path), answer)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as file:
        text = file.read()
    os.waitpid(pid, 0)
    found = json.loads(text or '{"fault": "importing its modules ends the process"}')
    if found.get("fault"):
        sys.exit(found["fault"])
    return found


def explored(guard, path):
    question = Question(path, guard)
    try:
        found = Scout().explore()
    except Exception as error:
        found = {"fault": f"it cannot be imported: {type(error).__name__}: {error}"}
    found["npm"] = question.take()
    return {"fault": guard.refused} if guard and guard.refused else found


class Scout:
    def __init__(self):
        self.imports = {}
        self.readers = {}

    def explore(self):
        before = set(sys.modules)
        self.watch_environment()
        self.watch_imports()
        # First, so that it is known what a kernel would have imported by itself.
        self.try_imports(KERNEL)
        of_kernels = set(sys.modules)
        server, besides = all_names()
        for name in server:
            importlib.import_module(name)
        self.try_imports(besides())
        tainted = {
            module
            for module, names in self.readers.items()
            if module not in EXEMPT and any(map(is_of_one_server, names))
        }
        self.add_importers(tainted)
        clean = [name for name in sys.modules if name not in before and name not in tainted and importable(name)]
        kernel = [name for name in clean if name in of_kernels] if "ipykernel.kernelapp" in of_kernels else []
        variables = {name for module, names in self.readers.items() if module not in EXEMPT for name in names}
        kept = sorted(name for name in variables if not is_of_one_server(name))
        return {"kernel": kernel, "modules": clean, "variables": kept}

    def try_imports(self, names):
        for name in names:
            try:
                importlib.import_module(name)
            except Exception as error:
                print(f"{name}: {type(error).__name__}", file=sys.stderr)

    def watch_environment(self):
        kind = type(os.environ)
        for method in ("__getitem__", "__contains__"):
            original = getattr(kind, method)

            def noting(environ, name, original=original):
                if isinstance(name, str) and not (name == "HOME" and is_made_anew(sys._getframe(1))):
                    self.readers.setdefault(module_at_work(), set()).add(name)
                return original(environ, name)

            setattr(kind, method, noting)

    def watch_imports(self):
        original = builtins.__import__

        def noting(name, globals=None, locals=None, fromlist=(), level=0):
            module = original(name, globals, locals, fromlist, level)
            importer = (globals or {}).get("__name__")
            edges = self.imports.setdefault(importer, set())
            found = getattr(module, "__name__", name)
            if level == 0:
                edges.add(name)
            edges.add(found)
            edges.update(f"{found}.{item}" for item in fromlist or () if f"{found}.{item}" in sys.modules)
            return module

        builtins.__import__ = noting

    def add_importers(self, tainted):
        """Whoever imports such a module has taken over what it made; a module brings its packages along."""
        while True:
            more = {
                name
                for name in set(sys.modules) | set(self.imports)
                if name
                and name not in tainted
                and (self.imports.get(name, set()) & tainted or name.rpartition(".")[0] in tainted)
            }
            if not more:
                return
            tainted |= more


def module_at_work():
    """The one whose body is being run."""
    frame = sys._getframe(2)
    while frame:
        if frame.f_code.co_name == "<module>":
            return frame.f_globals.get("__name__", "")
        frame = frame.f_back
    return ""


def importable(name):
    """Under its own name, as no part of something that makes its parts up, and not found in a folder for a moment only."""
    spec = getattr(sys.modules[name], "__spec__", None)
    if spec is None or spec.name != name or spec.origin is None:
        return False
    package = name.partition(".")[0]
    return spec.origin in ("built-in", "frozen") or PathFinder.find_spec(package) is not None
