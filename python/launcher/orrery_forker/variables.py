"""Which variables in a server's environment forbid to fork it: what was imported has been made without them."""

# Different for each server.
OF_ONE_SERVER = ("JUPYTERHUB_", "JPY_", "HOME")
# Settings of a hub that parts of it look up when a server imports them; no hub sets them for a server.
OF_THE_HUB = (
    "JUPYTERHUB_METRICS_PREFIX",
    "JUPYTERHUB_SERVER_SPAWN_DURATION_",
    "JUPYTERHUB_SERVER_STOP_DURATION_",
    "JUPYTERHUB_XSRF_ANONYMOUS_",
)
# The scout finds no module that keeps them; those of single servers it has seen to.
HARMLESS = ("JUPYTERHUB_", "HOME", "USER", "LOGNAME", "SHELL", "PATH", "PWD", "OLDPWD", "TZ")
# Read by the interpreter or by libraries before and beside any module.
OF_THE_START = ("PYTHON", "LD_", "MALLOC_", "GLIBC_TUNABLES", "LC_", "LANG", "OPENSSL_")
# Made good for by the fork.
MADE_GOOD = frozenset({"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING", "PYTHONUTF8"})


def is_of_one_server(name):
    return name.startswith(OF_ONE_SERVER) and not name.startswith(OF_THE_HUB)


def differing(looked_up, before, now):
    """A variable that would have made a difference; None for none."""
    names = {name for name in looked_up if name.startswith(OF_THE_HUB) or not name.startswith(HARMLESS)}
    names |= {name for name in {*before, *now} if name.startswith(OF_THE_START)}
    for name in sorted(names - MADE_GOOD):
        if before.get(name) != now.get(name):
            return name
    return None
