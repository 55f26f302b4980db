"""
Imports what a single-user server will need, once, before any process is forked. A server then is a fork that runs the
unmodified program within itself: it answers in a fraction of the time, and shares the memory of what was imported.
"""

import gc
import importlib
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES

from . import huge_pages, npm_prefix
from .become import Execution, close_inherited
from .forker import CONTROL_FD
from .kernels import KernelForker, fork_beside
from .only_root import OnlyRoot, keep_rights_to_switch
from .program import run_program
from .scout import scout
from .user_site import may_have_user_site, user_site
from .variables import differing


class Preloaded:
    """Ends the process where it must not preload, with the reason as its last line."""

    def __init__(self, program, with_kernels, known=None, when_known=lambda: None):
        """`known`: where to look before the scout is sent out, see there."""
        as_root = os.geteuid() == 0
        # The first thing of all: what follows runs code of the environment.
        guard = OnlyRoot() if as_root else None
        close_inherited(above=CONTROL_FD)
        from .appearance import Appearance

        self.appearance = Appearance()
        if as_root:
            keep_rights_to_switch(self.appearance.libc)
        self.program = program
        # Started without it, so that `.pth` files meet the guard too.
        import site

        site.main()
        gc.disable()
        self.stamp = package_folders()
        explore = lambda: scout(guard, path_of_servers(program))
        found = known.find(self.stamp, explore) if known else explore()
        when_known()
        self.npm = found["npm"]
        self.looked_up = set(found["variables"])
        self.started_with = dict(os.environ)
        self.set_by_kernels = variables_set_by(found["kernel"])
        of_kernels = set(sys.modules)
        self.finders = list(sys.meta_path)
        self.set_by_servers = variables_set_by(found["modules"])
        self.with_kernels = with_kernels and can_be_offered(found["kernel"])
        self.server_modules = movable(set(sys.modules) - of_kernels)
        fault = (guard and (guard.refused or guard.fault_of_libraries())) or shared_fault()
        if fault:
            sys.exit(fault)
        if guard:
            guard.active = False
        read_tables()
        # Garbage collection would touch, and so copy, what all servers share.
        gc.collect()
        gc.freeze()
        if not known:  # one for a single user forks once, which is less than gathering takes
            huge_pages.gather(self.appearance.libc)
        self.appearance.show("orrery-preload", ["orrery: forks servers of", program], {})

    def hello(self):
        return {"stamp": self.stamp}

    def is_current(self):
        return state_of(self.stamp) == self.stamp

    def look(self, order):
        why = self.why_not(order)
        return {} if why is None else {"fresh": why}

    def why_not(self, order):
        """The reason for a process that begins from nothing. Called as the user, before anything is changed."""
        environment = order["environment"]
        named = differing(self.looked_up, self.started_with, environment)
        if named is not None:
            return f"{named} is set"
        if may_have_user_site() and os.path.isdir(user_site(environment.get("HOME", ""))):
            return "the user has packages of their own"
        return None

    def run(self, order):
        if self.why_not(order) is not None:
            return Execution().run(order)
        argv, environment = order["argv"], order["environment"]
        requests, control = self.fork_kernel_forker()
        if control is not None:
            self.appearance.show("orrery-kernels", ["orrery: forks kernels of", self.program], {})
            kernel = KernelForker(control).serve()
            self.leave_out_servers_modules()
            return run_program(kernel["argv"], kernel["environment"], self.set_by_kernels, self.appearance)
        if requests is not None:
            self.offer_kernels(requests)
        npm_prefix.use(self.npm)
        return run_program(argv, environment, self.set_by_servers, self.appearance)

    def fork_kernel_forker(self):
        """Its two sockets: in the server the first, in that process the second, and none where there is no such process."""
        if not self.with_kernels:
            return None, None
        try:
            return fork_beside()
        except OSError as error:  # its user may have no process left
            print(f"kernels of this server are not preloaded: {error.strerror}", file=sys.stderr, flush=True)
            return None, None

    def offer_kernels(self, control):
        from . import kernel_provisioner
        from .kernel_requests import KernelRequests

        kernel_provisioner.use(KernelRequests(control, self.why_no_kernel))

    def why_no_kernel(self, environment):
        if not self.is_current():
            return "packages have changed since its server was started"
        return self.why_not({"environment": environment})

    def leave_out_servers_modules(self):
        """
        A kernel imports them by itself when it needs them, and may find others of these names: in the folder of its
        notebook, or installed later. Those with machine code stay, which many libraries can load only once.
        """
        sys.meta_path[:] = self.finders
        self.left_out = {name: sys.modules.pop(name) for name in self.server_modules if name in sys.modules}


def variables_set_by(names):
    """Imports these, and tells which variables that has left; a program that did so by itself would have them, too."""
    before = dict(os.environ)
    for name in names:
        importlib.import_module(name)
    return {name: value for name, value in os.environ.items() if before.get(name) != value}


def read_tables():
    """Of the system, and of what is installed: each server would read them for itself."""
    import importlib.metadata
    import mimetypes

    mimetypes.init()
    try:
        importlib.metadata.entry_points()
    except Exception as error:  # whoever needs them tells
        print(f"what is installed cannot be listed: {type(error).__name__}", file=sys.stderr)


def path_of_servers(program):
    """As src/launcher/forking/start-server.ts puts it together."""
    path, own = os.environ.get("PATH", os.defpath), os.path.dirname(program)
    return path if own in path.split(":") else f"{own}:{path}"


def package_folders():
    """When something was last installed or removed there, in nanoseconds; looked at before anything is imported."""
    settings = os.path.join(sys.prefix, "etc/jupyter/jupyter_server_config.d")
    found = [path for path in (*sys.path, settings) if os.path.isdir(path)]
    return state_of(found)


def state_of(folders):
    return {path: str(os.stat(path).st_mtime_ns) if os.path.isdir(path) else "" for path in folders}


def can_be_offered(kernel_modules):
    """The provisioner needs Jupyter's own, which must be one of the modules that may be imported here."""
    if not kernel_modules or "jupyter_client.provisioning.local_provisioner" not in sys.modules:
        return False
    from . import kernel_provisioner  # noqa: F401: imported while this folder is on the search path

    return True


def movable(names):
    """Without packages of which any part is machine code."""
    fixed = {name.partition(".")[0] for name in names if is_machine_code(name)} | {"orrery_forker"}
    return [name for name in names if name.partition(".")[0] not in fixed]


def is_machine_code(name):
    """Packages that show parts of others under names of their own are not meant."""
    spec = getattr(sys.modules[name], "__spec__", None)
    if spec is None or spec.name != name:
        return False
    return spec.origin == "built-in" or (spec.origin or "").endswith(tuple(EXTENSION_SUFFIXES))


def shared_fault():
    """What forked processes would share although each takes it for its own."""
    if len(os.listdir("/proc/self/task")) > 1:
        return "a package starts a thread when it is imported"
    for fd in os.listdir("/proc/self/fd"):
        # The last one is that of the listing itself, and closed by now.
        if int(fd) > CONTROL_FD and os.path.lexists(f"/proc/self/fd/{fd}"):
            return f"a package opens {os.readlink(f'/proc/self/fd/{fd}')} when it is imported"
    if sys.getfilesystemencoding() != "utf-8":
        return "the locale is not one of UTF-8"
    return None
