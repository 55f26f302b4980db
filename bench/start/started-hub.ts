/** The two hubs as people meet them, through their proxies, with real JupyterLab servers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startOrrery } from '../../test/support/orrery-process.ts'
import { referencePython, singleUserCommand } from '../../test/support/python-env.ts'
import { startReferenceHub } from '../../test/support/reference-hub.ts'
import { until } from '../../test/support/until.ts'

export const PROGRAMS = ['orrery', 'jupyterhub'] as const
export type Program = (typeof PROGRAMS)[number]

export interface StartedHub {
  readonly program: Program
  /** Public. */
  readonly url: string
  /** Theirs gives tokens to users alone that it knows. */
  addUser(name: string): Promise<void>
  stop(): Promise<void>
}

/** Started as root it would make a Linux user for each server, which the other hub's simple spawner does not. */
const NOBODY = 65534
/** Fifty at once take longer than either hub waits by default. */
const PATIENCE_SECONDS = 1200

/** The least that a hub takes for a server; `startServer` asks for it with `LIGHT`, of people whose name begins so. */
const LIGHT_COMMAND = () => [referencePython(), '-I', '-S', join(import.meta.dirname, '../hub/trivial-server.py')]
export const LIGHT = 'light'

/** `class`: may start light servers, too, and any number at once. */
export async function startHub(program: Program, bin: string, kind?: 'class'): Promise<StartedHub> {
  return program === 'orrery' ? startOurs(bin, kind) : startTheirs(kind)
}

async function startOurs(bin: string, kind: 'class' | undefined): Promise<StartedHub> {
  const profiles = [
    { name: 'lab', label: 'JupyterLab' },
    { name: LIGHT, label: 'Light', servers: { cmd: LIGHT_COMMAND() } },
  ]
  const orrery = await startOrrery({
    bin,
    config: {
      authenticator: { kind: 'dummy' },
      access: { allowAll: true },
      servers: {
        cmd: singleUserCommand(),
        preload: 'auto',
        startTimeout: PATIENCE_SECONDS,
        httpTimeout: PATIENCE_SECONDS,
        ...(kind === 'class' && { profiles, concurrentSpawnLimit: 0 }),
      },
    },
    ...(process.getuid?.() === 0 && { uid: NOBODY }),
  })
  const log = () => readFileSync(join(orrery.dataDir, 'log/launcher.log'), 'utf8')
  await until('servers are preloaded', () => log().includes('servers are preloaded'), 180_000)
  return { program: 'orrery', url: orrery.url, addUser: async () => {}, stop: () => orrery.stop() }
}

async function startTheirs(kind: 'class' | undefined): Promise<StartedHub> {
  const classLines = [
    'c.JupyterHub.concurrent_spawn_limit = 0',
    'def choose(spawner):',
    `    if spawner.user.name.startswith('${LIGHT}'):`,
    `        spawner.cmd, spawner.args = ${JSON.stringify(LIGHT_COMMAND())}, []`,
    'c.Spawner.pre_spawn_hook = choose',
  ]
  const hub = await startReferenceHub({
    configLines: [
      `c.Spawner.start_timeout = ${PATIENCE_SECONDS}`,
      `c.Spawner.http_timeout = ${PATIENCE_SECONDS}`,
      // Its simple spawner runs servers as whoever runs the bench.
      ...(process.getuid?.() === 0 ? ["c.Spawner.args = ['--allow-root']"] : []),
      ...(kind === 'class' ? classLines : []),
    ],
  })
  const headers = { authorization: `token ${hub.adminToken}` }
  return {
    program: 'jupyterhub',
    url: hub.url,
    async addUser(name) {
      const { status } = await fetch(`${hub.url}/hub/api/users/${name}`, { method: 'POST', headers })
      if (status !== 201) throw new Error(`user ${name} was not made: ${status}`)
    },
    stop: () => hub.stop(),
  }
}
