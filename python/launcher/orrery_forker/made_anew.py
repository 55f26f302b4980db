"""
Modules that keep the home of whoever imports them, and what is done about it in a server, so that they need not be left
to it. Others may have taken over their functions and classes, so these stay and what they keep is put in its place.
"""

import importlib
import sys

# For each: the functions by which it asks for the home; None for any. One that asks in another way as well is left out.
ASKED_BY = {
    "sysconfig": None,
    "send2trash.plat_other": None,
    # The version is the environment's. To find it this asks Yarn for settings that it does not use, for half a second.
    "jupyterlab.labapp": {"get_user_settings_dir", "get_workspaces_dir", "get_app_version"},
}


def is_made_anew(frame):
    """Whether what is asked for here (a frame of somebody who looks up the home) is asked for by one of them."""
    function = None
    while frame:
        module, caller = frame.f_globals.get("__name__"), frame.f_back
        if module in ASKED_BY and ASKED_BY[module] is None:
            return True
        if frame.f_code.co_name == "<module>":
            return function in ASKED_BY.get(module, ())
        if caller and caller.f_globals.get("__name__") != module:
            function = frame.f_code.co_name
        frame = caller
    return False


def make_anew():
    import sysconfig

    sysconfig._CONFIG_VARS = None
    trash = sys.modules.get("send2trash.plat_other")
    if trash:
        importlib.reload(trash)
    lab = sys.modules.get("jupyterlab.labapp")
    if lab:
        set_default(lab.LabApp, "user_settings_dir", lab.get_user_settings_dir())
        set_default(lab.LabApp, "workspaces_dir", lab.get_workspaces_dir())


def set_default(kind, name, value):
    """Of a trait (traitlets), for classes that inherit it, too: each has a copy for its new objects."""
    trait = kind.__dict__[name]
    trait.default_value = value
    classes = [kind]
    while classes:
        each = classes.pop()
        classes += each.__subclasses__()
        values = each.__dict__.get("_static_immutable_initial_values", {})
        if name in values and getattr(each, name) is trait:
            values[name] = value
