"""Where a Python that is not isolated looks for packages of its user, and whether it does, as site.py decides."""

import os
import sys


def may_have_user_site():
    if sys.prefix == sys.base_prefix:
        return True
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg"), encoding="utf-8") as file:
            lines = [line.partition("=") for line in file]
    except OSError:
        return True
    return any(
        name.strip().lower() == "include-system-site-packages" and value.strip().lower() == "true"
        for name, _, value in lines
    )


def user_site(home):
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return os.path.join(home, ".local", "lib", version, "site-packages")
