/** A Python environment whose single-user server takes no time to start, and tells what it finds around itself. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemPython } from '../testing.ts'

/** Stands for the packages of a single-user server: what they keep, and what a server of theirs tells. */
const PACKAGES: Record<string, string> = {
  'jupyterhub/singleuser/__init__.py': `
import importlib.metadata, json, mimetypes, os, random, signal, sys
import heavy, home
from jupyterlab import labapp
def main():
    numbers = {"random": random.random(), "home": home.HOME, "modules": sys.modules["heavy"].imported_by != os.getpid()}
    settings = labapp.SubApp._static_immutable_initial_values["user_settings_dir"], labapp.LabApp.workspaces_dir.default_value
    numbers["lab"] = {"preloaded": labapp.imported_by != os.getpid(), "folders": settings}
    numbers["tables"] = mimetypes.inited and importlib.metadata.FastPath.__new__.cache_info().currsize > 0
    status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
    facts = {"argv": sys.argv, "env": {name: value for name, value in os.environ.items() if "TOKEN" not in name}, "cwd": os.getcwd(), "uid": os.getuid(),
             "groups": os.getgroups(), "caps": status["CapEff"].strip(), "dumpable": os.access("/proc/self/fd", os.R_OK),
             "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:-1]}
    print(json.dumps({**facts, **numbers}), flush=True)
    if "--end" in sys.argv: sys.exit(7)
    signal.pause()
`,
  'jupyterhub/__init__.py': '',
  'jupyterhub/singleuser/extension.py': 'import os\nADDRESS = os.environ.get("JUPYTERHUB_API_URL")\n',
  'jupyter_server/__init__.py': '',
  'jupyter_server/serverapp.py': 'import heavy\n',
  'tornado/__init__.py': '',
  'tornado/platform/__init__.py': '',
  'tornado/platform/asyncio.py': '',
  'jupyterlab/__init__.py': '',
  // Keeps the home in classes as JupyterLab does; a subclass has a copy.
  'jupyterlab/commands.py': `
import os
def get_user_settings_dir(): return os.path.expanduser("~/settings")
def get_workspaces_dir(): return os.path.expanduser("~/workspaces")
`,
  'jupyterlab/labapp.py': `
import os
from jupyterlab.commands import get_user_settings_dir, get_workspaces_dir
class Trait:
    def __init__(self, value): self.default_value = value
class LabApp:
    user_settings_dir, workspaces_dir = Trait(get_user_settings_dir()), Trait(get_workspaces_dir())
class SubApp(LabApp):
    _static_immutable_initial_values = {"user_settings_dir": LabApp.user_settings_dir.default_value}
imported_by = os.getpid()
`,
  'heavy.py':
    'import os\nimported_by = os.getpid()\nlanguage = os.environ.get("THE_LANGUAGE")\nprefix = os.environ.get("JUPYTERHUB_METRICS_PREFIX")\n',
  // Keeps whose it is: must not be imported beforehand.
  'home.py': 'import os\nHOME = os.path.expanduser("~")\n',
}

export interface FactsOfServer {
  argv: string[]
  env: Record<string, string>
  cwd: string
  uid: number
  groups: number[]
  caps: string
  dumpable: boolean
  fds: number[]
  random: number
  home: string
  /** Those of the system and of installed packages have been read. */
  tables: boolean
  lab: { preloaded: boolean; folders: string[] }
  /** They were imported by another process. */
  modules: boolean
}

/** As venv makes it, without the seconds that takes; `folder` can be reached by those who shall run it. */
export function madeUpEnvironment(folder: string): { program: string; packages: string } {
  const environment = join(folder, 'venv')
  const packages = join(environment, 'lib', `python${pythonVersion()}`, 'site-packages')
  for (const [path, text] of Object.entries(PACKAGES)) {
    mkdirSync(join(packages, path, '..'), { recursive: true })
    writeFileSync(join(packages, path), text)
  }
  // As pip does. A server that wrote what it has compiled would change the folder, as an upgrade of packages does.
  execFileSync(systemPython(), ['-I', '-m', 'compileall', '-q', packages])
  mkdirSync(join(environment, 'bin'))
  symlinkSync(systemPython(), join(environment, 'bin/python3'))
  writeFileSync(join(environment, 'pyvenv.cfg'), `home = /usr/bin\ninclude-system-site-packages = false\n`)
  const program = join(environment, 'bin/jupyterhub-singleuser')
  const script =
    'import sys\nfrom jupyterhub.singleuser import main\nif __name__ == "__main__":\n    sys.exit(main())\n'
  writeFileSync(program, `#!${environment}/bin/python3\n${script}`, { mode: 0o755 })
  return { program, packages }
}

function pythonVersion(): string {
  const question = 'import sys; print("%d.%d" % sys.version_info[:2])'
  return execFileSync(systemPython(), ['-I', '-c', question], { encoding: 'utf8' }).trim()
}
