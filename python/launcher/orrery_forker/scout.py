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

from .modules import all_names

# Different for each server. What else is looked up must be equal, see `Variables`.
OF_ONE_SERVER = ("JUPYTERHUB_", "HOME")
# Keeps a copy of all variables, for CGI programs alone.
EXEMPT = frozenset({"wsgiref.handlers"})
# What these keep is made anew in a server, see `preload.make_anew`.
MADE_ANEW = frozenset({"sysconfig", "send2trash.plat_other"})


def scout(guard):
    """Names of modules in the order of their import, and of the variables that any of them looks up."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            with open(writing, "w") as answer:
                json.dump(explored(guard), answer)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as file:
        text = file.read()
    os.waitpid(pid, 0)
    found = json.loads(text or '{"fault": "importing its modules ends the process"}')
    if found.get("fault"):
        sys.exit(found["fault"])
    return found["modules"], set(found["variables"])


def explored(guard):
    try:
        found = Scout().explore()
    except Exception as error:
        found = {"fault": f"it cannot be imported: {type(error).__name__}: {error}"}
    return {"fault": guard.refused} if guard and guard.refused else found


class Scout:
    def __init__(self):
        self.imports = {}
        self.readers = {}

    def explore(self):
        before = set(sys.modules)
        self.watch_environment()
        self.watch_imports()
        server, besides = all_names()
        for name in server:
            importlib.import_module(name)
        for name in besides():
            try:
                importlib.import_module(name)
            except Exception as error:
                print(f"{name}: {type(error).__name__}", file=sys.stderr)
        tainted = {
            module
            for module, names in self.readers.items()
            if module not in EXEMPT | MADE_ANEW and any(name.startswith(OF_ONE_SERVER) for name in names)
        }
        self.add_importers(tainted)
        clean = [name for name in sys.modules if name not in before and name not in tainted and importable(name)]
        variables = {name for module, names in self.readers.items() if module not in EXEMPT for name in names}
        return {"modules": clean, "variables": sorted(name for name in variables if not name.startswith(OF_ONE_SERVER))}

    def watch_environment(self):
        kind = type(os.environ)
        for method in ("__getitem__", "__contains__"):
            original = getattr(kind, method)

            def noting(environ, name, original=original):
                if isinstance(name, str):
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
    """The one whose body is being run; what asks a module that forgets belongs to that one."""
    frame = sys._getframe(2)
    while frame:
        if frame.f_globals.get("__name__") in MADE_ANEW:
            return frame.f_globals["__name__"]
        if frame.f_code.co_name == "<module>":
            return frame.f_globals.get("__name__", "")
        frame = frame.f_back
    return ""


def importable(name):
    """Under its own name, and not as a part of something that makes its parts up."""
    spec = getattr(sys.modules[name], "__spec__", None)
    return spec is not None and spec.name == name and spec.origin is not None
