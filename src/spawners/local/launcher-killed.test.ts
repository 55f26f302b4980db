/** The launcher as a program of its own, killed while a server runs. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Json } from '../../core/runtime.ts'
import { launcherClient } from '../../launcher/client.ts'
import { type TestLauncher, testLauncher } from '../../launcher/testing.ts'
import type { Spawner } from '../../plugin/spawner.ts'
import { answers, contractServer } from '../../plugin/spawner-contract.ts'
import { local } from './local.ts'

const PROGRAM = join(import.meta.dirname, '../../cli/launcher.ts')
const NEVER = new AbortController().signal
const user = { id: 1, name: 'ada', admin: false, groups: [] }

describe('servers of a launcher that is killed', () => {
  let folders: TestLauncher
  before(async () => {
    folders = await testLauncher()
  })
  const programs: ChildProcess[] = []
  after(async () => {
    for (const program of programs) program.kill('SIGKILL')
    await folders?.close()
  })

  function startProgram(socket: string): ChildProcess {
    const { homesDir, accountPrefix, stateDir } = folders.options
    const args = ['--socket', socket, '--state-dir', stateDir, '--homes-dir', homesDir]
    const flags = ['--account-prefix', accountPrefix, '--environment', `ORRERY_TEST_LAUNCHER=${folders.folder}`]
    const command = ['--singleuser-command', JSON.stringify(folders.command)]
    const program = spawn(process.execPath, [PROGRAM, ...args, ...flags, ...command], {
      // The last one is what a careless supervisor leaves open.
      stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    })
    programs.push(program)
    return program
  }

  it('go on, and the next launcher polls, reads and stops them', async () => {
    const socketPath = join(folders.folder, 'program.sock')
    const client = launcherClient({ socketPath, dialForMs: 30_000 })
    const spawner = local({ launcher: client, as: 'own-account' }) as unknown as Spawner<Json, Json> // state is JSON
    const { start, spec, state } = contractServer(spawner, user, 'survivor', folders.command)
    const first = startProgram(socketPath)
    const address = await start()
    await answers(address, spec)

    const { pid } = state() as { pid: number }
    assert.deepEqual(await openPipes(pid), [], 'descriptors of the launcher have reached the server')

    const killed = once(first, 'exit')
    first.kill('SIGKILL')
    await killed
    await answers(address, spec)
    const second = startProgram(socketPath)

    assert.equal(await spawner.poll(spec.key, state(), NEVER), undefined)
    assert.equal(await spawner.owns!(spec.key, state(), address, NEVER), true)
    assert.match(await spawner.logs!(spec.key, state(), 10), /listening on/)
    await spawner.stop(spec.key, state(), { now: false, timeoutMs: 10_000, signal: NEVER })
    assert.notEqual(await spawner.poll(spec.key, state(), NEVER), undefined)
    assert.deepEqual(await folders.remains(), [])

    client.close()
    const ended = once(second, 'exit')
    second.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
  })
})

/** Node's pipes are sockets without a name; the server itself has one socket, which listens. */
async function openPipes(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`
  const numbers = (await readdir(folder)).filter(number => Number(number) > 4)
  return Promise.all(numbers.map(number => readlink(`${folder}/${number}`)))
}
