# The hub of a course, as such a file grows over the years.
import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821

here = Path(__file__).parent
with open(here / "runs.txt", "a") as runs:
    runs.write("run\n")

# Address
c.JupyterHub.trusted_downstream_ips = ["127.0.0.1"]
c.JupyterHub.cookie_max_age_days = 2

# Who may enter
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "orbit-17"
students = ["ada", "bob"]
c.Authenticator.allowed_users = set(students)
c.Authenticator.admin_users = {"teacher"}
c.Authenticator.username_pattern = "[a-z]"

# Groups, roles, services
c.JupyterHub.load_groups = {
    "students": {"users": students, "properties": {"memory": "2G"}},
    "staff": ["teacher"],
}
c.JupyterHub.load_roles = [
    {
        "name": "grader",
        "description": "Reads what it grades",
        "scopes": ["list:users", "read:users", "read:groups", "list:groups", "list:services", "read:services"],
        "services": ["grader"],
    },
    {"name": "user", "scopes": ["self"]},
]
c.JupyterHub.services.append({"name": "grader", "api_token": os.environ["COURSE_GRADER_TOKEN"], "display": False})
c.JupyterHub.services.append(
    {
        "name": "ticker",
        "command": [sys.executable, "-c", "import time\ntime.sleep(600)"],
        "environment": {"INTERVAL": 5},
    }
)

# Servers
c.JupyterHub.spawner_class = "jupyterhub.spawner.SimpleLocalProcessSpawner"
c.Spawner.default_url = "/lab"
c.Spawner.environment.update({"COURSE": "physics-101"})
c.Spawner.env_keep.extend(["LANG"])
c.Spawner.args = ["--ServerApp.terminals_enabled=False"]
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_limit = 1.5
c.Spawner.start_timeout = 120
c.JupyterHub.allow_named_servers = True
c.JupyterHub.concurrent_spawn_limit = 20
c.JupyterHub.active_server_limit = 60


def say_goodbye(spawner):
    spawner.log.info("goodbye")


c.Spawner.post_stop_hook = say_goodbye

# Pages
c.JupyterHub.template_vars = {"announcement": "Physics 101, room 2.17"}

c.JupyterHub.log_level = "INFO"
