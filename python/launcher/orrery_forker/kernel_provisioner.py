"""
How a server comes to fork its kernels: Jupyter asks the installed packages for those who start kernels ("provisioners").
This adds one to what the process finds installed, in the place of the usual one and made from it; nothing is written.
"""

import asyncio
import os
import socket
import sys
import time

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from .entry_points import Finder
from .kernel_requests import Unsuitable

NAME = "orrery-preloaded-kernels"
ENTRY_POINTS = f"[jupyter_client.kernel_provisioners]\nlocal-provisioner = {__name__}:PreloadedProvisioner\n"

LISTENS_WITHIN_SECONDS = 5
LOOK_EVERY_SECONDS = 0.005

requests = None  # KernelRequests of this process


class PreloadedProvisioner(LocalProvisioner):
    """All but the beginning of a kernel is the usual provisioner's."""

    async def launch_kernel(self, cmd, **options):
        try:
            process = requests.launch(cmd, options)
        except Unsuitable as why:
            self.log.info("Kernel %s is not preloaded: %s", self.kernel_id, why)
            return await super().launch_kernel(cmd, **options)
        self.process = process
        # It leads a group of its own since before it told its number.
        self.pid = self.pgid = process.pid
        self.cwd = options.get("cwd") or os.getcwd()
        await self.until_it_listens()
        return self.connection_info

    async def until_it_listens(self):
        """
        Sockets that connect to a port before somebody listens there try again after 0.1 s, and Jupyter's server, which has
        missed the kernel's first words by then, after 0.5 s: longer than such a kernel takes to be there.
        """
        ip, port, manager = self.connection_info.get("ip"), self.connection_info.get("hb_port"), self.parent
        if manager is None or manager.transport != "tcp" or not ip or not port:
            return
        end = time.monotonic() + LISTENS_WITHIN_SECONDS
        # The port of the heartbeat is the last that a kernel opens.
        while not answers(ip, port) and self.process.poll() is None and time.monotonic() < end:
            await asyncio.sleep(LOOK_EVERY_SECONDS)


def answers(ip, port):
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as attempt:
        attempt.settimeout(LISTENS_WITHIN_SECONDS)
        return attempt.connect_ex(("127.0.0.1" if ip == "0.0.0.0" else ip, port)) == 0


def use(kernel_requests):
    global requests
    requests = kernel_requests
    # Jupyter takes the last one of a name.
    sys.meta_path.append(Finder(NAME, ENTRY_POINTS))
