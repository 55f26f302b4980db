"""Launches a server as BinderHub does, with the launcher of the released package. Prints what it gives to the browser.

    binder_launch.py HUB_URL TOKEN USER [SERVER]     a user is made unless a server is named
"""

import asyncio
import json
import sys

from binderhub.launcher import Launcher

hub_url, token, user, *server = sys.argv[1:]
launcher = Launcher(hub_api_token=token, hub_url=hub_url, create_user=not server, retry_delay=1)
launched = launcher.launch("registry/image:1", user, *server, repo_url="https://example.org/course")
print(json.dumps(asyncio.run(launched)))
