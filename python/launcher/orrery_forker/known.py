"""
What the scout has found out about an environment stays as it is until packages change; to find it out takes as long as a
start. So who preloads for one user keeps it in their folder, and whoever installs the helper of sudo beside that, for
everybody.
"""

import json
import os
import sys
import zlib

from . import made_anew, modules, npm_prefix, scout, variables
from .preload import package_folders, path_of_servers


class Known:
    """`kept`: file of the user's own; `seed`: one of root's; `only`: ends the process where neither is of today."""

    def __init__(self, program, kept, seed, only):
        self.program = program
        self.kept = kept
        self.seed = seed
        self.only = only

    def find(self, stamp, explore):
        state = state_of_today(stamp)
        for entry in (read(self.seed).get(self.program), read(self.kept)):
            if isinstance(entry, dict) and entry.get("of") == state:
                return entry["found"]
        if self.only:
            sys.exit("what to import is not known yet")
        found = explore()
        try:
            with open(f"{self.kept}.new", "w", encoding="utf-8") as file:
                json.dump({"of": state, "found": found}, file)
            os.rename(f"{self.kept}.new", self.kept)
        except OSError as error:
            print(f"what was found out is not kept: {error.strerror}", file=sys.stderr)
        return found


def tell(program):
    """For a seed: one entry of it, on standard output."""
    import site

    site.main()
    state = state_of_today(package_folders())
    json.dump({"of": state, "found": scout.scout(None, path_of_servers(program))}, sys.stdout)


def state_of_today(stamp):
    return {
        "packages": stamp,
        "python": sys.version,
        "environment": {name: value for name, value in os.environ.items() if name != "ORRERY_ROOM"},
        "program": [checksum(module.__file__) for module in (made_anew, modules, npm_prefix, scout, variables)],
    }


def read(path):
    """Empty when it is not there, or was half written when a disk was full."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def checksum(path):
    with open(path, "rb") as file:
        return zlib.crc32(file.read())
