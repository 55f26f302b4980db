"""Runs code in a new kernel of a Jupyter server with jupyter-kernel-client, which drives servers from outside by their
REST API and WebSockets. Prints what the code prints.

    run_in_kernel.py SERVER_URL TOKEN CODE
"""

import sys

from jupyter_kernel_client import JupyterKernelClient

server_url, token, code = sys.argv[1:]
# WebSockets take a token from their address only from browsers, which say so in Sec-Fetch-Mode.
headers = {"Authorization": f"Bearer {token}"}
with JupyterKernelClient(server_url=server_url, token=token, headers=headers) as kernel:
    for output in kernel.execute(code)["outputs"]:
        print(output.get("text", output))
