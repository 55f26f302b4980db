"""Runs a jupyterhub_config.py with traitlets' own loader and writes what it has set, as JSON, to file descriptor 3.

Usage: python read_jupyterhub_config.py FILE

The answer is one object: {"ok": true, "settings": [...]} or {"ok": false, "fault": ...}. A setting has its section
(["Spawner"]), its name, its value and the places (file, line) where it was set. JSON has no sets, bytes, functions
and classes: such a value is an object with "$" that says what it is; a dict is {"$": "dict", "items": [[key, value]]}.

The file is the operator's own program and runs with the rights of whoever runs this. What it prints goes where
standard output of this process goes, which is why the answer has a descriptor of its own.
"""

import importlib
import importlib.metadata
import json
import math
import os
import pwd
import stat
import sys
import traceback

ANSWER = 3


def main(path):
    # The folder of this script is none of the config's; JupyterHub's own entry point does not add one either.
    sys.path[:] = [folder for folder in sys.path if folder != os.path.dirname(os.path.abspath(__file__))]
    try:
        from traitlets.config import loader
    except ImportError as error:
        return fault("no_traitlets", str(error))
    try:
        config = load(loader, os.path.abspath(path))
    except UnsafeFile as error:
        return fault("unsafe_file", str(error))
    except BaseException as error:  # also SystemExit: a config that ends the process is at fault too
        return {**fault("failed", describe(error)), "places": places_of(error, path)}
    return {"ok": True, "python": sys.executable, "settings": list(settings(config, loader))}


def fault(kind, message):
    return {"ok": False, "fault": kind, "message": message}


class UnsafeFile(Exception):
    pass


def assert_trusted(path):
    """Root runs no file that others than root and its owner can write or replace, nor one of the hub's own user."""
    if os.geteuid() != 0:
        return
    for place in (path, os.path.dirname(path)):
        facts = os.stat(place)
        others = facts.st_mode & stat.S_IWOTH or (facts.st_mode & stat.S_IWGRP and facts.st_gid != 0)
        if (others and not facts.st_mode & stat.S_ISVTX) or facts.st_uid == uid_of(HUB_USER):
            raise UnsafeFile(place)


HUB_USER = "orrery"


def uid_of(name):
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


# Loading: traitlets' classes, which also note where a value was set.


def load(loader, path):
    config_class = recording_config(loader)

    class Loader(loader.PyFileConfigLoader):
        def clear(self):
            self.config = config_class()

        def _read_file_as_dict(self):
            assert_trusted(self.full_filename)
            super()._read_file_as_dict()

    return Loader(os.path.basename(path), os.path.dirname(path)).load_config()


def recording_config(loader):
    traitlets_folder = os.path.dirname(loader.__file__)

    def caller():
        """The place in the config file, or in a module that it uses, that is being executed."""
        frame = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if name != __file__ and not name.startswith(traitlets_folder):
                return {"file": os.path.abspath(name), "line": frame.f_lineno}
            frame = frame.f_back
        return None

    class RecordingConfig(loader.Config):
        def places(self):
            return self.__dict__.setdefault("_orrery_places", {})

        def __getitem__(self, key):
            if not dict.__contains__(self, key) and loader._is_section_key(key):
                dict.__setitem__(self, key, RecordingConfig())
            value = super().__getitem__(key)
            # Reading one is the first half of `c.Spawner.args.append(...)`.
            if isinstance(value, loader.LazyConfigValue):
                add(self.places().setdefault(key, []), caller())
            return value

        def __setitem__(self, key, value):
            if not isinstance(value, loader.Config):
                self.places()[key] = [place for place in [caller()] if place]
            elif not isinstance(value, RecordingConfig):
                value = RecordingConfig(value)
            super().__setitem__(key, value)

        def merge(self, other):
            theirs = other.places() if isinstance(other, RecordingConfig) else {}
            for key, value in other.items():
                if isinstance(value, loader.LazyConfigValue):
                    for place in theirs.get(key, []):
                        add(self.places().setdefault(key, []), place)
                elif key in theirs:
                    self.places()[key] = list(theirs[key])
            known = {key: list(value) for key, value in self.places().items()}
            super().merge(other)
            self.places().update(known)

    return RecordingConfig


def add(places, place):
    if place and place not in places:
        places.append(place)


# What was set.


def settings(config, loader, section=()):
    for name, value in dict.items(config):
        if isinstance(value, loader.Config):
            yield from settings(value, loader, (*section, name))
        elif not is_untouched(value, loader):
            encoded = encode_class(name, value) if name in PLUG_INS else encode(value, loader)
            yield {"section": list(section), "name": name, "value": encoded, "places": config.places().get(name, [])}


def is_untouched(value, loader):
    """`c.Spawner.args` that was only looked at."""
    if not isinstance(value, loader.LazyConfigValue):
        return False
    return not (value._extend or value._prepend or value._inserts or value._update)


def encode(value, loader, depth=0):
    inner = lambda one: encode(one, loader, depth + 1)
    if depth > 50:
        return {"$": "other", "type": "a value that contains itself"}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$": "other", "type": "a number without an end"}
    if isinstance(value, (bytes, bytearray)):
        return {"$": "bytes", "hex": bytes(value).hex()}
    if isinstance(value, os.PathLike):
        return inner(os.fspath(value))
    if isinstance(value, loader.LazyConfigValue):
        update = value._update
        return {
            "$": "lazy",
            "inserts": [[index, inner(one)] for index, one in value._inserts],
            "prepend": [inner(one) for one in value._prepend],
            "extend": [inner(one) for one in value._extend],
            "update": None if update is None else inner(update),
        }
    if isinstance(value, dict):
        return {"$": "dict", "items": [[inner(key), inner(one)] for key, one in dict.items(value)]}
    if isinstance(value, (list, tuple)):
        return [inner(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return {"$": "set", "items": [inner(one) for one in sorted(value, key=lambda one: (str(type(one)), str(one)))]}
    if isinstance(value, type):
        return class_facts(value)
    if callable(value):
        code = getattr(value, "__code__", None)
        return {"$": "function", "name": getattr(value, "__qualname__", type(value).__qualname__), **place_of_code(code)}
    return {"$": "other", "type": f"{type(value).__module__}.{type(value).__qualname__}"}


def place_of_code(code):
    return {"place": {"file": os.path.abspath(code.co_filename), "line": code.co_firstlineno}} if code else {}


# Plug-in classes: named by short name or path, or given as they are.

PLUG_INS = {
    "authenticator_class": "jupyterhub.authenticators",
    "spawner_class": "jupyterhub.spawners",
    "proxy_class": "jupyterhub.proxies",
}


def encode_class(name, value):
    if isinstance(value, type):
        return class_facts(value)
    if not isinstance(value, str):
        return {"$": "other", "type": f"{type(value).__module__}.{type(value).__qualname__}"}
    entries = {entry.name.lower(): entry for entry in importlib.metadata.entry_points(group=PLUG_INS[name])}
    entry = entries.get(value.lower())
    target = entry.value.replace(":", ".") if entry else value
    unread = {"$": "class", "name": target, "given": value, "bases": None}
    # Orrery knows those of JupyterHub by name, and importing them takes a second.
    if target.startswith("jupyterhub.") or "." not in target:
        return unread
    module, _, attribute = target.rpartition(".")
    try:
        return {**class_facts(getattr(importlib.import_module(module), attribute)), "given": value}
    except Exception as error:
        return {**unread, "fault": describe(error)}


def class_facts(value):
    name = lambda one: f"{one.__module__}.{one.__qualname__}"
    return {"$": "class", "name": name(value), "bases": [name(one) for one in value.__mro__[1:]]}


# A config that fails.


def describe(error):
    if isinstance(error, SystemExit):
        return f"it ends the process (exit {error.code})"
    if isinstance(error, SyntaxError):
        return error.msg
    return f"{type(error).__name__}: {error}"


def places_of(error, path):
    if isinstance(error, SyntaxError) and error.filename:
        return [{"file": os.path.abspath(error.filename), "line": error.lineno}]
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.abspath(frame.filename) == os.path.abspath(path)]
    return [{"file": os.path.abspath(frame.filename), "line": frame.lineno} for frame in own[-1:]]


if __name__ == "__main__":
    answer = json.dumps(main(sys.argv[1]))
    with os.fdopen(ANSWER, "w", encoding="utf-8") as stream:
        stream.write(answer)
    sys.stdout.flush()
    # Threads that the config has started must not keep it.
    os._exit(0)
