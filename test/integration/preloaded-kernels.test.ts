/** Kernels that are forked ready imported, in real servers: nothing that a notebook does may tell them from others. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newPerson, type Person, startServer, stopServer } from '../../bench/start/person.ts'
import { type Kernel, startKernel } from '../support/kernel.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { descendants, listProcesses, readProcess } from '../support/processes.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

/** A kernel of the user's own making, with a variable for which it begins from nothing, as all did before. */
const ORDINARY = 'ordinary'
const MAKE_ORDINARY = `
import json, os
folder = os.path.expanduser("~/.local/share/jupyter/kernels/ordinary")
os.makedirs(folder)
with open(folder + "/kernel.json", "w") as file:
    argv = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    json.dump({"argv": argv, "display_name": "Ordinary", "language": "python", "env": {"PYTHONHASHSEED": "5"}}, file)
`

const ANSWERS_WITHIN_MS = 5_000
/** The name of the process that forks them. */
const FORKER = 'orrery-kernels'
const FACTS = readFileSync(join(import.meta.dirname, '../support/kernel_facts.py'), 'utf8')

describe('kernels that are preloaded', { timeout: 600_000 }, () => {
  let orrery: OrreryProcess
  let person: Person
  let server: string
  const kernels: Kernel[] = []

  before(async () => {
    orrery = await startOrrery({
      args: ['--stop-servers'],
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: { cmd: singleUserCommand(), preload: 'auto', startTimeout: '3m', httpTimeout: '3m' },
      },
    })
    await until('servers are preloaded', () => launcherLog().includes('servers are preloaded'), 180_000)
    person = await newPerson({ url: orrery.url, addUser: async () => {} }, 'ada')
    await startServer(person)
    server = `${orrery.url}/user/ada`
  })
  after(async () => {
    for (const kernel of kernels) kernel.close()
    await orrery?.stop()
  })

  const launcherLog = () => readFileSync(join(orrery.dataDir, 'log/launcher.log'), 'utf8')

  const serverLog = () => {
    const folder = join(orrery.dataDir, 'launcher/logs')
    return readFileSync(join(folder, readdirSync(folder).find(name => name.endsWith('.log'))!), 'utf8')
  }

  async function begin(name?: string): Promise<Kernel> {
    const kernel = await startKernel(server, person.token, name ? { name } : {})
    kernels.push(kernel)
    return kernel
  }

  async function ask(method: string, path: string): Promise<void> {
    const headers = { authorization: `token ${person.token}` }
    const { status } = await fetch(`${server}/api/kernels${path}`, { method, headers })
    assert.ok(status < 300, `${method} ${path}: ${status}`)
  }

  it('find all as in one that begins from nothing', async () => {
    const forked = await begin()
    await forked.run(MAKE_ORDINARY)
    const ordinary = await begin(ORDINARY)
    assert.equal(await isForked(forked), true, launcherLog())
    assert.equal(await isForked(ordinary), false)
    assert.match(serverLog(), /is not preloaded: PYTHONHASHSEED is set/)
    const { modules, ...facts } = factsOf(await forked.run(FACTS))
    const { modules: expected, ...others } = factsOf(await ordinary.run(FACTS))
    assert.deepEqual(facts, others)
    assert.deepEqual(
      expected.filter(name => !modules.includes(name)),
      [],
    )
    for (const name of ['jupyter_server', 'jupyterhub', 'jinja2', 'requests']) assert.ok(!modules.includes(name), name)
  })

  it('are independent of each other', async () => {
    const [first, second] = [await begin(), await begin()]
    const draw = 'import random, tempfile, uuid; print(random.random(), tempfile.mktemp(), uuid.uuid4())'
    const [drawn, others] = [(await first.run(draw)).split(' '), (await second.run(draw)).split(' ')]
    for (const [at, value] of drawn.entries()) assert.notEqual(value, others[at])
    await first.run('here = 1')
    assert.equal(await second.run('print("here" in globals())'), 'False\n')
  })

  it('ask, start programs and other Pythons, and look for modules in their own folder first', async () => {
    const kernel = await begin()
    assert.equal(await kernel.run('print(input("name? ") + "!")', 'ada'), 'ada!\n')
    assert.equal(await kernel.run('!echo $((6 * 7)) of a shell'), '42 of a shell\r\n')
    // Of names that the server has imported and a kernel has not.
    await kernel.run('for name in ("jinja2", "bleach"):\n  open(f"{name}.py", "w").write("mine = True")')
    assert.equal(await kernel.run('import jinja2, bleach; print(jinja2.mine, bleach.mine)'), 'True True\n')
    await kernel.run('import os\nfor name in ("jinja2", "bleach"): os.remove(name + ".py")')
    await kernel.run('open("work.py", "w").write("import sys\\ndef double(n): return 2 * n, sys.flags.isolated")')
    for (const method of ['fork', 'spawn']) {
      const code = `import multiprocessing, work\nwith multiprocessing.get_context("${method}").Pool(2) as pool: print(pool.map(work.double, [1, 2]))`
      assert.equal(await kernel.run(code), '[(2, 0), (4, 0)]\n', method)
    }
  })

  it('are interrupted with what they have started', async () => {
    const kernel = await begin()
    const code = 'import subprocess\nprint("at it", flush=True)\nsubprocess.run(["sleep", "600"])\nwhile True: pass'
    const running = kernel.run(code)
    await until('it is at it', () => sleepers(currentPid(kernel)!) > 0)
    await ask('POST', `/${kernel.id}/interrupt`)
    await assert.rejects(running, /KeyboardInterrupt/)
    assert.equal(await kernel.run('print("goes on")'), 'goes on\n')
    assert.equal(sleepers(await pidOf(kernel)), 0)
  })

  it('are restarted, by request and when they were killed, and end when they are shut down', async () => {
    const kernel = await begin()
    const first = await pidOf(kernel)
    await ask('POST', `/${kernel.id}/restart`)
    await until('another process', () => ![undefined, first].includes(currentPid(kernel)))
    const second = await answersAgain(kernel)
    assert.equal(readProcess(first), undefined)

    process.kill(second, 'SIGKILL')
    await until('a third one', () => ![undefined, second].includes(currentPid(kernel)))
    const third = await answersAgain(kernel)
    assert.equal(await isForked(kernel), true)
    assert.equal(readProcess(second), undefined, 'it is still there, as one whom nobody has asked about')

    await ask('DELETE', `/${kernel.id}`)
    await until('its process is gone', () => readProcess(third) === undefined)
  })

  it('go on to be started when the process that forks them is killed', async () => {
    const kernel = await begin()
    const last = await pidOf(kernel)
    const forker = Number(await kernel.run('import os; print(os.getppid())'))
    process.kill(forker, 'SIGKILL')
    const next = await begin()
    assert.equal(await isForked(next), false)
    // It ends as if its server had ended, and the server starts it again.
    await until('it is another process', async () => ![undefined, last].includes(currentPid(kernel)))
    await answersAgain(kernel)
    assert.equal(await isForked(kernel), false)
    assert.match(serverLog(), /is not preloaded: its forker/)
  })

  it('end with their server, however that ends', async () => {
    await stopServer(person)
    await startServer(person)
    const pids = await Promise.all([begin(), begin()].map(async kernel => pidOf(await kernel)))
    const forker = listProcesses().find(({ pid }) => commOf(pid) === FORKER)
    const single = readProcess(forker!.parent)!
    process.kill(single.pid, 'SIGKILL')
    await until('all are gone', () => [forker!.pid, ...pids].every(pid => readProcess(pid) === undefined))
  })
})

function factsOf(text: string): { modules: string[] } {
  return JSON.parse(text) as { modules: string[] } // written by kernel_facts.py
}

async function pidOf(kernel: Kernel): Promise<number> {
  return Number(await kernel.run('import os; print(os.getpid())'))
}

/** Its process. While the server connects to a new one, what is sent or answered may be lost, as in any notebook. */
async function answersAgain(kernel: Kernel): Promise<number> {
  return await until(
    'it answers again',
    () => Promise.race([pidOf(kernel).catch(() => undefined), sleep(ANSWERS_WITHIN_MS, undefined)]),
    120_000,
  )
}

async function isForked(kernel: Kernel): Promise<boolean> {
  return commOf(Number(await kernel.run('import os; print(os.getppid())'))) === FORKER
}

/** As the list of processes has it. */
function currentPid(kernel: Kernel): number | undefined {
  return listProcesses().find(({ command }) => command.some(word => word.includes(kernel.id)))?.pid
}

function sleepers(kernel: number): number {
  return descendants(kernel).filter(({ command }) => command[0] === 'sleep').length
}

function commOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return undefined
  }
}
