"""
`sys.flags`: the preloader runs isolated and without site, which its programs are not. Modules such as `multiprocessing`
hand these on to every Python that they start.
"""

import operator
import sys


def as_started(options, environment):
    """`options`: those after the name of Python, of `-X` alone."""
    without_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.dont_write_bytecode = without_bytecode
    sys._xoptions.clear()
    sys._xoptions.update(extended(options))
    before = sys.flags
    changed = {
        "isolated": 0,
        "ignore_environment": 0,
        "no_site": 0,
        "safe_path": False,
        "no_user_site": int(bool(environment.get("PYTHONNOUSERSITE"))),
        "dont_write_bytecode": int(without_bytecode),
    }
    names = before.__match_args__
    kind = kind_of(before, names)
    sys.flags = kind(changed.get(name, value) for name, value in zip(names, before))


def extended(options):
    found = {}
    words = iter(options)
    for word in words:
        text = word[2:] or next(words)
        name, equals, value = text.partition("=")
        found[name] = value if equals else True
    return found


def kind_of(before, names):
    """Python lets nobody make a `sys.flags`; this one is a tuple with the same names."""
    fields = {name: property(operator.itemgetter(at)) for at, name in enumerate(names)}
    # Those that are no part of the tuple, as `gil` since Python 3.13.
    others = {name: getattr(before, name) for name in dir(before) if not name.startswith("_") and not hasattr(tuple, name)}
    text = lambda self: "sys.flags(" + ", ".join(f"{name}={value!r}" for name, value in zip(names, self)) + ")"
    return type("flags", (tuple,), {**others, **fields, "__slots__": (), "__module__": "sys", "__repr__": text})
