import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assertUnmovable } from '../../launcher/private-directory.ts'
import { defineCheck, failure, type Outcome, ok, type Site, skipped, warning } from '../check.ts'
import { type OrdinaryUser, ordinaryUser } from '../ordinary-user.ts'
import { lastLine, runProgram } from '../run-program.ts'
import { findServerProgram, type ServerProgram } from '../server-program.ts'

type Item = 'command' | 'python' | 'jupyterhub' | 'interface' | 'preloading'

/** Servers of these majors are tested; the hub is one of the last. */
const OLDEST_MAJOR = 4
const OWN_MAJOR = 6

export const environmentCheck = defineCheck({
  id: 'environment',
  title: 'Python environment of servers',
  timeoutMs: 60_000,
  items: {
    command: 'The program of servers (`servers.cmd`) is there, and an ordinary user can run it.',
    python: 'Its Python starts; which version.',
    jupyterhub: 'Its jupyterhub is of a version that works with this hub.',
    interface: 'JupyterLab or Notebook is installed in it.',
    preloading: 'Servers can be preloaded: nobody but root can change the environment.',
  },
  async run(site, signal) {
    if (!('kind' in site.config.spawner)) return [] // it is not on this machine
    const program = findServerProgram(site)
    if (!program)
      return [
        skipped('command', 'The Python environment of servers is not made yet.', 'The first orrery start makes it.'),
      ]
    const user = await ordinaryUser(site, signal)
    if (program.python === undefined) return [await otherProgram(program, user, signal)]
    return [...(await lookInto(program, program.python, user, signal)), ...preloading(program, program.python, site)]
  },
})

const QUESTION = `
import importlib.metadata, json, os, sys
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
names = ("jupyterhub", "jupyterlab", "notebook", "jupyter_server")
print(json.dumps({
    "python": ".".join(map(str, sys.version_info[:3])),
    "versions": {name: version(name) for name in names},
    "runnable": os.access(sys.argv[1], os.X_OK),
}))
`

interface Answer {
  readonly python: string
  readonly versions: Readonly<Record<'jupyterhub' | 'jupyterlab' | 'notebook' | 'jupyter_server', string | null>>
  readonly runnable: boolean
}

async function lookInto(
  { command }: ServerProgram,
  python: string,
  user: OrdinaryUser,
  signal: AbortSignal,
): Promise<Outcome<Item>[]> {
  const [program = ''] = command
  const asked = await runProgram([python, '-I', '-c', QUESTION, program], { as: user.owner, signal })
  if (asked.status !== 0) {
    const why = asked.fault ?? lastLine(asked.stderr)
    return [
      failure(
        'python',
        `${user.name} cannot run ${python} (${why}).`.replace(/^./, letter => letter.toUpperCase()),
        asked.fault === 'EACCES'
          ? `Every folder above it must be open to all: namei -l ${realPath(python)}`
          : 'After an upgrade of the system’s Python an environment has to be made anew; see the page on Python environments.',
      ),
    ]
  }
  const { python: version, versions, runnable } = JSON.parse(asked.stdout) as Answer // printed by the program above
  return [
    runnable
      ? ok('command', `${program} can be run by ${user.name}.`, { command })
      : failure(
          'command',
          `${program} cannot be run by ${user.name}.`,
          `chmod a+rx ${program}, and every folder above it: namei -l ${program}`,
        ),
    ok('python', `Servers run on Python ${version}.`, { version, path: python }),
    jupyterhub(versions.jupyterhub, python),
    ui(versions, python),
  ]
}

function jupyterhub(version: string | null, python: string): Outcome<'jupyterhub'> {
  const install = `${python} -m pip install 'jupyterhub>=${OWN_MAJOR},<${OWN_MAJOR + 1}'`
  if (version === null)
    return failure('jupyterhub', 'The package jupyterhub is missing, so servers cannot sign in.', install)
  const major = Number.parseInt(version, 10)
  const details = { version }
  if (major < OLDEST_MAJOR)
    return failure('jupyterhub', `jupyterhub ${version} is too old for this hub.`, install, details)
  if (major > OWN_MAJOR)
    return warning('jupyterhub', `jupyterhub ${version} is newer than what this hub is tested with.`, install, details)
  if (major < OWN_MAJOR)
    return warning(
      'jupyterhub',
      `jupyterhub ${version} works, and is older than the hub's (${OWN_MAJOR}).`,
      install,
      details,
    )
  return ok('jupyterhub', `jupyterhub ${version} fits this hub.`, details)
}

function ui({ jupyterlab, notebook }: Answer['versions'], python: string): Outcome<'interface'> {
  const found = Object.entries({ jupyterlab, notebook }).filter(([, version]) => version !== null)
  if (found.length > 0)
    return ok('interface', `${found.map(each => each.join(' ')).join(', ')} is installed.`, Object.fromEntries(found))
  return warning(
    'interface',
    'Neither JupyterLab nor Notebook is installed: servers have no pages.',
    `${python} -m pip install jupyterlab`,
  )
}

/** A script of the site's own: it is asked for its version, as JupyterHub's manual demands of it. */
async function otherProgram(
  { command }: ServerProgram,
  user: OrdinaryUser,
  signal: AbortSignal,
): Promise<Outcome<'command'>> {
  const [program = ''] = command
  if (!existsSync(program))
    return failure('command', `There is no ${program}, which servers.cmd names.`, 'Correct servers.cmd.')
  const asked = await runProgram(['test', '-x', program], { as: user.owner, signal })
  if (asked.status === 0)
    return ok('command', `${program} can be run by ${user.name}; what it runs is not known.`, { command })
  return failure(
    'command',
    `${program} cannot be run by ${user.name}.`,
    `chmod a+rx ${program}, and every folder above it: namei -l ${program}`,
  )
}

/** What the launcher looks at before it imports anything as root; others preload what they like. */
function preloading({ command }: ServerProgram, python: string, site: Site): Outcome<'preloading'>[] {
  if (site.config.servers.preload === 'off')
    return [ok('preloading', 'Servers are not preloaded, as the config says (servers.preload).')]
  if (!existsSync(site.paths.dataDir) || statSync(site.paths.dataDir).uid !== 0) return []
  try {
    const folders = [dirname(python), realPath(python), join(dirname(python), '../lib'), command[0] ?? '']
    for (const path of folders.filter(existsSync)) assertUnmovable(path)
    return [ok('preloading', 'Servers can be preloaded: the environment is root’s alone.')]
  } catch (error) {
    const why = (error as Error).message.replace(/, so the launcher.*/, '') // a Refusal of the launcher
    return [
      warning(
        'preloading',
        `Servers start slowly, as they cannot be preloaded: ${why}.`,
        `Give the environment to root: chown -R root: ${dirname(dirname(python))} && chmod -R go-w ${dirname(dirname(python))}; or set servers.preload to 'off'.`,
      ),
    ]
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
